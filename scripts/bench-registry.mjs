// Pushes and pulls through the embedded registry and through Debian's docker-registry (package `docker-registry`), in
// turns in the same run, so that a machine that slows down slows both. Prints throughput and its ratio, ours to theirs.
// The client is this process for both; ours checks a token with every request, writes an event for every pull, and
// flushes to disk before it acknowledges, which the other does not. Needs a build (`node scripts/build.mjs`).
//
// Usage: node scripts/bench-registry.mjs [--seconds=3] [--rounds=3] [--pulls=50] [--pushes=10] [--json]

import { spawn, spawnSync } from 'node:child_process';
import { createHash, randomBytes } from 'node:crypto';
import { mkdirSync, mkdtempSync, rmSync, writeFileSync } from 'node:fs';
import { Agent, request } from 'node:http';
import { createServer } from 'node:net';
import { cpus, tmpdir } from 'node:os';
import { join } from 'node:path';
import { fileURLToPath } from 'node:url';

const option = (name, fallback) =>
  Number(process.argv.find((word) => word.startsWith(`--${name}=`))?.split('=')[1] ?? fallback);
const seconds = option('seconds', 3);
const rounds = option('rounds', 3);
const pulls = option('pulls', 50);
const pushes = option('pushes', 10);
const asJson = process.argv.includes('--json');

const root = fileURLToPath(new URL('..', import.meta.url));
const chainctl = join(root, 'bin', 'chainctl.js');
const folder = mkdtempSync(join(tmpdir(), 'chainctl-bench-registry-'));
const home = join(folder, 'home');
mkdirSync(home, { mode: 0o700 });
const env = { PATH: process.env.PATH, HOME: home };

const kilobyte = 1024;
const megabyte = 1024 * kilobyte;
const manifestType = 'application/vnd.oci.image.manifest.v1+json';
const sha256 = (bytes) => `sha256:${createHash('sha256').update(bytes).digest('hex')}`;

if (spawnSync('docker-registry', ['--version']).error !== undefined) {
  console.error('bench-registry: docker-registry is not installed (apt-get install docker-registry); nothing compared');
  process.exit(0);
}

/** One request over a kept connection; throws unless the status is one of those expected. */
function call(registry, method, path, { body, headers = {}, expect = [200] } = {}) {
  return new Promise((resolve, reject) => {
    const target = new URL(path, registry.url);
    const sent = request(
      target,
      {
        method,
        agent: registry.agent,
        headers: { ...registry.headers, ...headers, ...(body === undefined ? {} : { 'content-length': body.length }) },
      },
      (response) => {
        let size = 0;
        const chunks = [];
        response.on('data', (chunk) => {
          size += chunk.length;
          // Only what is small is looked at; blobs are counted.
          if (size < megabyte / 4) chunks.push(chunk);
        });
        response.on('error', reject);
        response.on('end', () => {
          if (expect.includes(response.statusCode)) {
            resolve({ headers: response.headers, bytes: Buffer.concat(chunks), size });
          } else {
            reject(new Error(`${registry.name}: ${method} ${target.pathname}: ${response.statusCode}`));
          }
        });
      },
    );
    sent.on('error', reject);
    sent.end(body);
  });
}

async function pushBlob(registry, bytes) {
  const digest = sha256(bytes);
  const started = await call(registry, 'POST', `/v2/${registry.repository}/blobs/uploads/`, {
    body: Buffer.alloc(0),
    expect: [202],
  });
  const location = new URL(started.headers.location, registry.url);
  location.searchParams.set('digest', digest);
  await call(registry, 'PUT', location.href, {
    body: bytes,
    headers: { 'content-type': 'application/octet-stream' },
    expect: [201],
  });
  return digest;
}

let tags = 0;

/** An image of one new layer. Gives what a pull needs to know. */
async function pushImage(registry, size) {
  const config = Buffer.from('{}');
  const layer = randomBytes(size);
  await pushBlob(registry, config);
  const digest = await pushBlob(registry, layer);
  const manifest = JSON.stringify({
    schemaVersion: 2,
    mediaType: manifestType,
    config: { mediaType: 'application/vnd.oci.image.config.v1+json', digest: sha256(config), size: config.length },
    layers: [{ mediaType: 'application/vnd.oci.image.layer.v1.tar+gzip', digest, size }],
  });
  const tag = `t${++tags}`;
  await call(registry, 'PUT', `/v2/${registry.repository}/manifests/${tag}`, {
    body: Buffer.from(manifest),
    headers: { 'content-type': manifestType },
    expect: [201],
  });
  return { tag, digest, size };
}

async function pullImage(registry, image) {
  const headers = { accept: manifestType };
  await call(registry, 'GET', `/v2/${registry.repository}/manifests/${image.tag}`, { headers });
  const { size } = await call(registry, 'GET', `/v2/${registry.repository}/blobs/${image.digest}`);
  if (size !== image.size) throw new Error(`${registry.name}: ${size} bytes instead of ${image.size}`);
}

/** `count` workers for the time given; images done in a second. */
async function rate(count, work) {
  const start = performance.now();
  const end = start + seconds * 1000;
  let done = 0;
  await Promise.all(
    Array.from({ length: count }, async () => {
      while (performance.now() < end) {
        await work();
        done++;
      }
    }),
  );
  return (done * 1000) / (performance.now() - start);
}

async function freePort() {
  const server = createServer();
  await new Promise((resolve) => server.listen(0, '127.0.0.1', resolve));
  const { port } = server.address();
  await new Promise((resolve) => server.close(resolve));
  return port;
}

async function untilUp(url) {
  for (let tries = 0; tries < 200; tries++) {
    const answered = await fetch(url).then(
      () => true,
      () => false,
    );
    if (answered) return;
    await new Promise((resolve) => setTimeout(resolve, 50));
  }
  throw new Error(`${url} does not answer`);
}

async function startTheirs() {
  const port = await freePort();
  const config = join(folder, 'config.yml');
  writeFileSync(
    config,
    [
      'version: 0.1',
      'log: { level: error, accesslog: { disabled: true } }',
      `storage: { cache: { blobdescriptor: inmemory }, filesystem: { rootdirectory: "${join(folder, 'theirs')}" } }`,
      `http: { addr: "127.0.0.1:${port}" }`,
      '',
    ].join('\n'),
  );
  const child = spawn('docker-registry', ['serve', config], { stdio: 'ignore', env });
  const url = `http://127.0.0.1:${port}`;
  await untilUp(`${url}/v2/`);
  return { name: 'docker-registry', url, repository: 'bench/image', headers: {}, stop: () => child.kill() };
}

function run(...args) {
  const result = spawnSync(process.execPath, [chainctl, ...args], { env, encoding: 'utf8' });
  if (result.status !== 0) throw new Error(`chainctl ${args.slice(0, 2).join(' ')}: ${result.stderr}`);
  return result.stdout;
}

async function startOurs() {
  const dataDir = join(folder, 'ours');
  const started = JSON.parse(run('local', 'start', '--detach', '--data-dir', dataDir, '--output=json'));
  const url = started.registry;
  const repository = 'example.com/bench/image';
  const login = run('local', 'token', '--data-dir', dataDir).trim();
  const exchanged = await fetch(`${started.issuer}/sts/exchange?aud=cgr.dev`, {
    method: 'POST',
    headers: { authorization: `Bearer ${login}` },
  });
  if (!exchanged.ok) throw new Error(`no token: ${exchanged.status} ${await exchanged.text()}`);
  const basic = Buffer.from(`_token:${(await exchanged.json()).token}`).toString('base64');
  const scope = encodeURIComponent(`repository:${repository}:pull,push`);
  const answer = await fetch(`${url}/token?scope=${scope}`, { headers: { authorization: `Basic ${basic}` } });
  if (!answer.ok) throw new Error(`no registry token: ${answer.status}`);
  return {
    name: 'chainctl',
    url,
    repository,
    headers: { authorization: `Bearer ${(await answer.json()).token}` },
    stop: () => run('local', 'stop', '--data-dir', dataDir),
  };
}

const scenarios = [
  { name: `push, 16 kB layers, ${pushes} at a time`, size: 16 * kilobyte, kind: 'push', workers: pushes },
  { name: `push, 4 MB layers, ${pushes} at a time`, size: 4 * megabyte, kind: 'push', workers: pushes },
  { name: `pull, 16 kB layers, ${pulls} at a time`, size: 16 * kilobyte, kind: 'pull', workers: pulls },
  { name: `pull, 4 MB layers, ${pulls} at a time`, size: 4 * megabyte, kind: 'pull', workers: pulls },
];

const median = (list) => [...list].sort((a, b) => a - b)[Math.floor(list.length / 2)] ?? 0;

const registries = [];
try {
  for (const start of [startOurs, startTheirs]) {
    registries.push({ ...(await start()), agent: new Agent({ keepAlive: true, maxSockets: 100 }) });
  }
  const results = scenarios.map((scenario) => ({ ...scenario, rates: registries.map(() => []) }));
  const stored = registries.map(() => new Map());
  for (const [index, registry] of registries.entries()) {
    for (const size of new Set(scenarios.map((scenario) => scenario.size))) {
      const images = [];
      for (let count = 0; count < 8; count++) images.push(await pushImage(registry, size));
      stored[index].set(size, images);
    }
  }
  for (let round = 0; round < rounds; round++) {
    for (const result of results) {
      // Who goes first changes, so that neither always finds the disk busy.
      const order = round % 2 === 0 ? [0, 1] : [1, 0];
      for (const index of order) {
        const registry = registries[index];
        const images = stored[index].get(result.size);
        let turn = 0;
        const work =
          result.kind === 'push'
            ? () => pushImage(registry, result.size)
            : () => pullImage(registry, images[turn++ % images.length]);
        result.rates[index].push(await rate(result.workers, work));
      }
    }
  }
  const rows = results.map(({ name, size, rates }) => {
    const [ours, theirs] = rates.map(median);
    const ratios = rates[0].map((rate, round) => rate / rates[1][round]);
    return {
      name,
      ours,
      theirs,
      oursMBps: (ours * size) / 1e6,
      theirsMBps: (theirs * size) / 1e6,
      ratio: median(ratios),
    };
  });
  if (asJson) {
    console.log(
      JSON.stringify({ cpus: cpus().length, cpu: cpus()[0]?.model, node: process.version, rounds, seconds, rows }),
    );
  } else {
    console.log(
      `${cpus().length} × ${cpus()[0]?.model}, Node ${process.version}, ${rounds} rounds of ${seconds} s each\n`,
    );
    console.log(
      `${'images a second (MB/s)'.padEnd(38)}${'chainctl'.padStart(18)}${'docker-registry'.padStart(18)}${'ratio'.padStart(8)}`,
    );
    for (const { name, ours, theirs, oursMBps, theirsMBps, ratio } of rows) {
      const cell = (rate, mb) => `${rate.toFixed(rate < 10 ? 1 : 0)} (${mb.toFixed(1)})`.padStart(18);
      console.log(
        `${name.padEnd(38)}${cell(ours, oursMBps)}${cell(theirs, theirsMBps)}${ratio.toFixed(2).padStart(8)}`,
      );
    }
  }
} finally {
  for (const registry of registries) {
    registry.agent.destroy();
    registry.stop();
  }
  rmSync(folder, { recursive: true, force: true, maxRetries: 5 });
}
