// The agent with its webhook beside sigstore's policy-controller, on one API server, in turns in one run: how long the admission
// of a pod takes whose image was verified before, and of one that nobody has seen, what each of the two holds in memory, and
// after how many seconds a new pod stands in the records. Then what the agent holds for 10,000 workloads, to the JSON they are.
// Prints ratios, ours to theirs, with what is promised. A pod is created with dryRun, so that only its admission is measured.
//
// Usage: npm run bench:enforce -- [--policy-controller=PATH] [--warm=300] [--cold=60] [--workers=8] [--fresh=3] [--memory-only]
//
// It needs what e2e:kubernetes needs, KUBERNETES_PROGRAMS among it. policy-controller is built with
//   go install github.com/sigstore/policy-controller/cmd/webhook@v0.13.1

import { spawnSync } from 'node:child_process';
import { readFileSync, writeFileSync } from 'node:fs';
import { Agent, request } from 'node:https';
import { cpus, homedir, loadavg } from 'node:os';
import { join } from 'node:path';
import { parseArgs } from 'node:util';
import { root } from './bench-support.mjs';
import { startPolicyController, theirLabel } from './enforce/policy-controller.mjs';
import { createSigner } from './enforce/signed-images.mjs';
import { policyOf, resultIn } from './kubernetes/walkthrough.mjs';
import { good, missingPrograms, startWorld, until } from './kubernetes/world.mjs';

const { values } = parseArgs({
  options: {
    'policy-controller': { type: 'string' },
    warm: { type: 'string', default: '300' },
    cold: { type: 'string', default: '60' },
    workers: { type: 'string', default: '8' },
    fresh: { type: 'string', default: '3' },
    'memory-only': { type: 'boolean', default: false },
  },
});
const theirs = values['policy-controller'];
const at = (share, list) => [...list].sort((a, b) => a - b)[Math.ceil(list.length * share) - 1] ?? Number.NaN;
const ms = (value) => `${value.toFixed(1)} ms`;
const mib = (kib) => `${(kib / 1024).toFixed(0)} MiB`;

/** Kibibytes that a process holds, those at its peak, and its seconds of CPU time. */
function processFacts(pid) {
  const status = readFileSync(`/proc/${pid}/status`, 'utf8');
  const [, user, system] = /\) \S(?: \S+){10} (\d+) (\d+)/.exec(readFileSync(`/proc/${pid}/stat`, 'utf8'));
  const kib = (name) => Number(new RegExp(`${name}:\\s+(\\d+)`).exec(status)[1]);
  return { now: kib('VmRSS'), peak: kib('VmHWM'), cpu: (Number(user) + Number(system)) / 100 };
}

function isRunning(pid) {
  try {
    process.kill(pid, 0);
    return true;
  } catch {
    return false;
  }
}

/** Asks the API server as kubectl's user would, on connections that are kept. */
function apiServer({ kubeconfig }) {
  const { clusters, users } = JSON.parse(readFileSync(kubeconfig, 'utf8'));
  const decode = (text) => Buffer.from(text, 'base64');
  const agent = new Agent({
    keepAlive: true,
    ca: decode(clusters[0].cluster['certificate-authority-data']),
    cert: decode(users[0].user['client-certificate-data']),
    key: decode(users[0].user['client-key-data']),
  });
  let count = 0;
  return {
    close: () => agent.destroy(),
    /** Milliseconds until the API server has let a pod in. Throws when it does not. */
    admit(namespace, image) {
      count += 1;
      const pod = {
        apiVersion: 'v1',
        kind: 'Pod',
        metadata: { name: `pod-${count}` },
        spec: { containers: [{ name: 'main', image }] },
      };
      const began = performance.now();
      return new Promise((resolve, reject) => {
        const url = `${clusters[0].cluster.server}/api/v1/namespaces/${namespace}/pods?dryRun=All`;
        const call = request(
          url,
          { method: 'POST', agent, headers: { 'content-type': 'application/json' } },
          (answer) => {
            let text = '';
            answer.setEncoding('utf8').on('data', (chunk) => {
              text += chunk;
            });
            answer.on('end', () => {
              if (answer.statusCode === 201) resolve(performance.now() - began);
              else reject(new Error(`${image} in ${namespace}: ${answer.statusCode} ${JSON.parse(text).message}`));
            });
          },
        );
        call.on('error', reject);
        call.end(JSON.stringify(pod));
      });
    },
  };
}

/** Milliseconds of each admission, by namespace; the namespaces take turns, and who is first changes. */
async function inTurns(server, lanes, count, imageAt) {
  const taken = Object.fromEntries(lanes.map((lane) => [lane, []]));
  for (let turn = 0; turn < count; turn += 1) {
    const order = turn % 2 === 0 ? lanes : [...lanes].reverse();
    for (const lane of order) taken[lane].push(await server.admit(lane, imageAt(turn)));
  }
  return taken;
}

/** The same with many at once; one namespace after the other, in blocks. */
async function atOnce(server, lanes, count, workers, image) {
  const taken = Object.fromEntries(lanes.map((lane) => [lane, []]));
  for (let block = 0; block < 4; block += 1) {
    for (const lane of lanes) {
      let left = Math.ceil(count / 4);
      const work = async () => {
        while (left > 0) {
          left -= 1;
          taken[lane].push(await server.admit(lane, image));
        }
      };
      await Promise.all(Array.from({ length: workers }, work));
    }
  }
  return taken;
}

function printTimes(what, taken, promised) {
  const shown = Object.entries(taken).map(([lane, list]) => `${lane} ${ms(at(0.5, list))} / ${ms(at(0.95, list))}`);
  console.log(`${what}, p50 / p95: ${shown.join(', ')}`);
  if (taken.theirs !== undefined) printRatio('  ratio at p95', at(0.95, taken.ours), at(0.95, taken.theirs), promised);
}

function printRatio(what, ours, other, promised) {
  const promise = promised === undefined ? '' : ` (at most ${promised.toFixed(1)} is promised)`;
  console.log(`${what}: ${(ours / other).toFixed(2)}${promise}`);
}

/** Seconds until the records show pods that nobody has seen. */
async function freshPods(world, cluster, signer) {
  const seconds = [];
  for (let turn = 0; turn < Number(values.fresh); turn += 1) {
    const name = `fresh-${turn}`;
    const { place } = await signer.image(name);
    good(world.kubectl('run', name, '--namespace=ours', `--image=${place}`), 'kubectl run');
    const began = performance.now();
    await until(`${name} in the records`, () => resultIn(world, cluster, name) === 'PASS', 60);
    seconds.push((performance.now() - began) / 1000);
  }
  return seconds;
}

async function admissions() {
  const missing = missingPrograms();
  if (missing.length > 0) {
    console.log(`admission was not measured: there is no ${missing.join(', no ')} here`);
    return;
  }
  if (theirs === undefined) {
    console.log(
      'policy-controller is not measured: build it with `go install github.com/sigstore/policy-controller/cmd/webhook@v0.13.1` and name it with --policy-controller=PATH',
    );
  }
  const world = await startWorld(process.env.KUBERNETES_PROGRAMS ?? join(homedir(), '.cache', 'chainctl-kubernetes'));
  let peer;
  let server;
  try {
    await world.startPlatform();
    const signer = createSigner(world.registry);
    writeFileSync(join(world.home, 'cosign.pub'), signer.publicKey);
    world.write('policy.yaml', policyOf(world));
    good(
      world.chainctl('policies', 'apply', '--group=engineering', '--filename=policy.yaml', '--yes'),
      'policies apply',
    );
    const installed = world.json(
      world.chainctl('clusters', 'install', '--group=engineering', '--output=json'),
      'clusters install',
    );
    // Both are children of this process: Linux shares processors between sessions, and it has one of its own otherwise.
    process.kill(installed.pid, 'SIGINT');
    await until('the agent has ended', () => !isRunning(installed.pid));
    const { pid } = world.chainctlLater('local', 'agent', installed.remoteId);
    if (theirs !== undefined) peer = await startPolicyController(theirs, world.cluster, world.home);
    const lanes = ['nobody', 'ours', ...(peer === undefined ? [] : ['theirs'])];
    const label = { ours: ['policy.sigstore.dev/include=true'], theirs: [theirLabel], nobody: [] };
    for (const lane of lanes) {
      good(world.kubectl('create', 'namespace', lane), 'namespace');
      if (label[lane].length > 0) good(world.kubectl('label', 'namespace', lane, ...label[lane]), 'label');
    }
    const accounts = () =>
      lanes.every((lane) => world.kubectl('get', 'serviceaccount', 'default', `--namespace=${lane}`).status === 0);
    await until('the service accounts', accounts);
    const { place: unsigned } = await signer.image('unsigned', false);
    server = apiServer(world.cluster);
    // Both deny before anything is measured: who lets everything in is fast.
    for (const lane of lanes.filter((one) => one !== 'nobody')) {
      let said = '';
      await until(
        () => `${lane} denies: ${said}`,
        () =>
          server.admit(lane, unsigned).then(
            () => false,
            (error) => {
              said = error.message;
              return /sample-policy/.test(said);
            },
          ),
      );
    }
    const idle = { ours: processFacts(pid), ...(peer && { theirs: processFacts(peer.pid) }) };

    const warm = await signer.image('warm');
    await inTurns(server, lanes, 20, () => `${warm.place}:latest`);
    printTimes('verified before', await inTurns(server, lanes, Number(values.warm), () => `${warm.place}:latest`), 0.5);
    printTimes(
      `verified before, ${values.workers} at once`,
      await atOnce(server, lanes, Number(values.warm), Number(values.workers), `${warm.place}:latest`),
      0.5,
    );
    const images = [];
    for (let turn = 0; turn < Number(values.cold); turn += 1) images.push(await signer.image(`cold-${turn}`));
    printTimes(
      'not seen before',
      await inTurns(server, lanes, images.length, (turn) => `${images[turn].place}:latest`),
      1,
    );
    const after = { ours: processFacts(pid), ...(peer && { theirs: processFacts(peer.pid) }) };
    for (const [who, { now, peak, cpu }] of Object.entries(after)) {
      console.log(
        `memory of ${who}: ${mib(idle[who].now)} before, ${mib(now)} after, ${mib(peak)} at the peak; ${(cpu - idle[who].cpu).toFixed(1)} s of CPU time`,
      );
    }
    if (peer !== undefined) printRatio('  ratio afterwards', after.ours.now, after.theirs.now, 1);

    const seconds = await freshPods(world, installed.remoteId, signer);
    console.log(
      `a new pod is in the records after ${seconds.map((one) => one.toFixed(1)).join(', ')} s (15 are promised)`,
    );
  } finally {
    server?.close();
    peer?.stop();
    await world.stop();
  }
}

console.log(`Node ${process.version}, ${cpus().length} processors, load ${loadavg()[0].toFixed(1)}`);
if (!values['memory-only']) await admissions();
const memory = spawnSync(
  process.execPath,
  ['--expose-gc', '--import', 'tsx', join(root, 'scripts/enforce/memory.mts')],
  { cwd: root, stdio: 'inherit' },
);
process.exitCode = memory.status ?? 1;
