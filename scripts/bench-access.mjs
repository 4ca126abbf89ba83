// `iam access who-can` and `iam plan` of a large organization as a ratio to `iam role-bindings list -o json` of the same bindings,
// interleaved in one run: time, CPU time and peak memory. `--identities=10000 --folders=1000 --bindings=50000 --rounds=5 --enforce`; the first round
// warms up and is not counted, unless `--rounds=0` wants nothing but it.

import { spawn, spawnSync } from 'node:child_process';
import { mkdirSync, mkdtempSync, readFileSync, rmSync, writeFileSync } from 'node:fs';
import { loadavg, tmpdir } from 'node:os';
import { join } from 'node:path';
import { fileURLToPath } from 'node:url';

const root = fileURLToPath(new URL('..', import.meta.url));
const option = (name, fallback) =>
  process.argv.find((word) => word.startsWith(`--${name}=`))?.split('=')[1] ?? String(fallback);
const size = {
  identities: option('identities', 10_000),
  folders: option('folders', 1_000),
  bindings: option('bindings', 50_000),
};
const rounds = Number(option('rounds', 5));
const aims = { time: 3, memory: 1.5 };
/** Of a plan, which reads everything twice: from the platform and from the files. */
const planAims = { time: 5, memory: Number.POSITIVE_INFINITY };

async function platform(folder) {
  const script = join(root, 'scripts', 'bench-access-platform.ts');
  const child = spawn(process.execPath, ['--import', 'tsx', script, join(folder, 'platform'), ...Object.values(size)], {
    cwd: root,
    stdio: ['pipe', 'pipe', 'inherit'],
  });
  const line = await new Promise((resolve, reject) => {
    let text = '';
    child.stdout.on('data', (chunk) => {
      text += chunk;
      if (text.includes('\n')) resolve(text);
    });
    child.once('exit', (code) => reject(new Error(`the platform ended with ${code}`)));
  });
  const ended = new Promise((resolve) => child.once('exit', resolve));
  const stop = () => {
    child.stdin.end();
    return ended;
  };
  return { ...JSON.parse(line), stop };
}

/** Resolves to milliseconds, seconds of CPU, megabytes and what was printed by one run. */
function measure(args, env, memory) {
  const started = process.hrtime.bigint();
  return new Promise((resolve, reject) => {
    const words = ['-f', '%M %U %S', '-o', memory, process.execPath, join(root, 'bin/chainctl.js'), ...args];
    const child = spawn('/usr/bin/time', words, { env, stdio: ['ignore', 'pipe', 'inherit'] });
    const chunks = [];
    child.stdout.on('data', (chunk) => chunks.push(chunk));
    child.on('error', reject);
    child.on('close', (code) => {
      const ms = Number(process.hrtime.bigint() - started) / 1e6;
      // A plan with changes ends with 3.
      if (code !== 0 && code !== 3) return reject(new Error(`${args.join(' ')} ended with ${code}`));
      const [kb, user, system] = readFileSync(memory, 'utf8').trim().split('\n').at(-1).split(' ').map(Number);
      resolve({ ms, cpu: user + system, mb: kb / 1024, out: Buffer.concat(chunks).toString() });
    });
  });
}

const median = (values) => [...values].sort((a, b) => a - b)[Math.floor(values.length / 2)] ?? Number.NaN;

async function main() {
  if (spawnSync('/usr/bin/time', ['-f', '%M', 'true']).status !== 0) throw new Error('GNU time is needed');
  const folder = mkdtempSync(join(tmpdir(), 'chainctl-bench-access-'));
  const { api, token, stop } = await platform(folder);
  try {
    const cache = join(folder, 'cache', 'chainguard', api.replaceAll('/', '-'));
    mkdirSync(cache, { recursive: true, mode: 0o700 });
    writeFileSync(join(cache, 'oidc-token'), token, { mode: 0o600 });
    const env = {
      PATH: process.env.PATH,
      HOME: folder,
      XDG_CACHE_HOME: join(folder, 'cache'),
      CHAINGUARD_PLATFORM_API: api,
      CHAINGUARD_PLATFORM_ISSUER: api,
      CHAINGUARD_PLATFORM_AUDIENCE: api,
    };
    const place = 'example.com';
    const file = join(folder, 'iam.yaml');
    const changed = join(folder, 'changed.yaml');
    const exported = await measure(
      ['iam', 'export', `--parent=${place}`, '--format=yaml'],
      env,
      join(folder, 'memory'),
    );
    writeFileSync(file, exported.out);
    // A role that none of them has, for the first thousand viewers.
    const parts = exported.out.split('role: viewer\n');
    writeFileSync(
      changed,
      parts.map((part, at) => (at === 0 ? part : `role: ${at <= 1000 ? 'apk.pull' : 'viewer'}\n${part}`)).join(''),
    );
    const cases = {
      'role-bindings list': ['iam', 'role-bindings', 'list', `--parent=${place}`, '--recursive=false', '-o', 'json'],
      'who-can repo.create': ['iam', 'access', 'who-can', 'repo.create', `--on=${place}`, '-o', 'json'],
      'who-can groups.list': ['iam', 'access', 'who-can', 'groups.list', `--on=${place}`, '-o', 'json'],
      'who-can a command': ['iam', 'access', 'who-can', 'chainctl images repos list', `--on=${place}`, '-o', 'json'],
      'plan, no change': ['iam', 'plan', `--filename=${file}`, '--prune', '-o', 'json'],
      'plan, 1000 changes': ['iam', 'plan', `--filename=${changed}`, '--prune', '-o', 'json'],
    };
    const seen = Object.fromEntries(Object.keys(cases).map((name) => [name, []]));
    for (let round = 0; round <= rounds; round += 1) {
      for (const [name, args] of Object.entries(cases)) {
        const { out, ...one } = await measure(args, env, join(folder, 'memory'));
        const { items, changes } = JSON.parse(out);
        one.items = (items ?? changes).length;
        if (round > 0 || rounds === 0) seen[name].push(one);
      }
    }
    const of = (name, what) => median(seen[name].map((one) => one[what]));
    const peer = 'role-bindings list';
    console.log(
      `Node ${process.version}, ${size.identities} identities, ${size.folders} folders, ${size.bindings} bindings, ` +
        `${rounds} rounds, medians; load ${loadavg()[0]?.toFixed(1)}`,
    );
    for (const name of Object.keys(cases)) {
      const [ms, cpu, mb, items] = ['ms', 'cpu', 'mb', 'items'].map((what) => of(name, what));
      const ratios = { time: ms / of(peer, 'ms'), cpu: cpu / of(peer, 'cpu'), memory: mb / of(peer, 'mb') };
      const aim = name.startsWith('plan') ? planAims : aims;
      const isOver = ratios.time > aim.time || ratios.memory > aim.memory;
      console.log(
        `${name.padEnd(20)} ${String(items).padStart(6)} items ${ms.toFixed(0).padStart(6)} ms  ${ratios.time.toFixed(2)} × list` +
          `  CPU ${cpu.toFixed(2)} s (${ratios.cpu.toFixed(2)} ×)  peak ${mb.toFixed(0)} MB (${ratios.memory.toFixed(2)} ×)` +
          `${isOver ? '  over its aim' : ''}`,
      );
      if (isOver && process.argv.includes('--enforce')) process.exitCode = 1;
    }
    console.log(
      `aims: time ${aims.time} × and memory ${aims.memory} × of the list; of a plan, time ${planAims.time} × of the list`,
    );
  } finally {
    await stop();
    rmSync(folder, { recursive: true, force: true });
  }
}

await main();
