// Pushes and pulls through the embedded registry and through CNCF distribution, in turns in the same run, so that a machine
// that slows down slows both. Prints medians and their ratio, ours to theirs: below 1.00 ours is the faster one. Both check
// a token with every request; ours also writes an event for every pull before it answers. Theirs is the program given with
// --registry, else distribution 3.1 built from the Go module proxy (kept in the user's cache folder), else Debian's
// docker-registry. The client is this process for both. Needs a build (`node scripts/build.mjs`).
//
// Usage: node scripts/bench-registry.mjs [--registry=PATH] [--rounds=7] [--megabytes=64] [--gets=2000] [--workers=16] [--json]

import { spawn, spawnSync } from 'node:child_process';
import { createHash, generateKeyPairSync, randomBytes, sign } from 'node:crypto';
import { existsSync, mkdirSync, mkdtempSync, rmSync, writeFileSync } from 'node:fs';
import { Agent, request } from 'node:http';
import { createServer } from 'node:net';
import { cpus, homedir, loadavg, tmpdir } from 'node:os';
import { join } from 'node:path';
import { fileURLToPath } from 'node:url';
import { parseArgs } from 'node:util';

const { values } = parseArgs({
  options: {
    registry: { type: 'string' },
    rounds: { type: 'string', default: '7' },
    megabytes: { type: 'string', default: '64' },
    gets: { type: 'string', default: '2000' },
    workers: { type: 'string', default: '16' },
    json: { type: 'boolean', default: false },
  },
});
const rounds = Number(values.rounds);
const size = Number(values.megabytes) * 1024 * 1024;
const gets = Number(values.gets);
const workers = Number(values.workers);
/** Of CNCF distribution, for the Go module proxy. */
const version = 'v3.1.1';

const root = fileURLToPath(new URL('..', import.meta.url));
const chainctl = join(root, 'bin', 'chainctl.js');
const folder = mkdtempSync(join(tmpdir(), 'chainctl-bench-registry-'));
const home = join(folder, 'home');
mkdirSync(home, { mode: 0o700 });
const env = { PATH: process.env.PATH, HOME: home };

const manifestType = 'application/vnd.oci.image.manifest.v1+json';
const sha256 = (bytes) => `sha256:${createHash('sha256').update(bytes).digest('hex')}`;

/** Returns the program to compare with, and what it is. */
function findTheirs() {
  if (values.registry !== undefined) return { program: values.registry, name: values.registry };
  const cache = join(
    process.env.XDG_CACHE_HOME || join(homedir(), '.cache'),
    'chainctl-bench',
    `distribution-${version}`,
  );
  const program = join(cache, 'registry');
  const name = `distribution ${version}`;
  if (existsSync(program)) return { program, name };
  if (spawnSync('go', ['version']).error === undefined) {
    console.error(`bench-registry: building ${name} in ${cache}`);
    mkdirSync(cache, { recursive: true });
    const module = `github.com/distribution/distribution/v3/cmd/registry@${version}`;
    const built = spawnSync('go', ['install', module], { env: { ...process.env, GOBIN: cache }, stdio: 'inherit' });
    if (built.status === 0) return { program, name };
  }
  if (spawnSync('docker-registry', ['--version']).error === undefined) {
    return { program: 'docker-registry', name: "Debian's docker-registry" };
  }
  console.error(
    'bench-registry: neither Go nor docker-registry (apt-get install docker-registry) is here; nothing compared',
  );
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
          if (size < 262_144) chunks.push(chunk);
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

/** An image of one layer under the tag `latest`. Returns the digest of the layer. */
async function pushImage(registry, layer) {
  const config = Buffer.from('{}');
  await pushBlob(registry, config);
  const digest = await pushBlob(registry, layer);
  const manifest = JSON.stringify({
    schemaVersion: 2,
    mediaType: manifestType,
    config: { mediaType: 'application/vnd.oci.image.config.v1+json', digest: sha256(config), size: config.length },
    layers: [{ mediaType: 'application/vnd.oci.image.layer.v1.tar+gzip', digest, size: layer.length }],
  });
  await call(registry, 'PUT', `/v2/${registry.repository}/manifests/latest`, {
    body: Buffer.from(manifest),
    headers: { 'content-type': manifestType },
    expect: [201],
  });
  return digest;
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

/** With the token authentication that distribution has, and a token of a key of ours. */
async function startTheirs({ program, name }) {
  const port = await freePort();
  const config = join(folder, 'config.yml');
  const root = join(folder, 'theirs');
  const { privateKey, publicKey } = generateKeyPairSync('ec', { namedCurve: 'P-256' });
  const key = { ...publicKey.export({ format: 'jwk' }), kid: 'bench', alg: 'ES256', use: 'sig' };
  const jwks = join(folder, 'jwks.json');
  writeFileSync(jwks, JSON.stringify({ keys: [key] }));
  const realm = `{ realm: "http://127.0.0.1/token", service: bench, issuer: bench, jwks: "${jwks}", signingalgorithms: [ES256] }`;
  // The one of Debian is older and knows certificates only, so it is asked without a token.
  const isOld = program === 'docker-registry';
  writeFileSync(
    config,
    [
      'version: 0.1',
      'log: { level: error, accesslog: { disabled: true } }',
      `storage: { cache: { blobdescriptor: inmemory }, filesystem: { rootdirectory: "${root}" } }`,
      `http: { addr: "127.0.0.1:${port}" }`,
      ...(isOld ? [] : [`auth: { token: ${realm} }`]),
      '',
    ].join('\n'),
  );
  const child = spawn(program, ['serve', config], { stdio: 'ignore', env: { ...env, OTEL_TRACES_EXPORTER: 'none' } });
  const url = `http://127.0.0.1:${port}`;
  await untilUp(`${url}/v2/`);
  const repository = 'example.com/bench/image';
  const now = Math.floor(Date.now() / 1000);
  const part = (value) => Buffer.from(JSON.stringify(value)).toString('base64url');
  const access = [{ type: 'repository', name: repository, actions: ['pull', 'push'] }];
  const claims = {
    iss: 'bench',
    aud: 'bench',
    sub: 'bench',
    iat: now,
    nbf: now - 5,
    exp: now + 36_000,
    jti: 'bench',
    access,
  };
  const text = `${part({ alg: 'ES256', typ: 'JWT', kid: 'bench' })}.${part(claims)}`;
  const signature = sign('sha256', Buffer.from(text), { key: privateKey, dsaEncoding: 'ieee-p1363' }).toString(
    'base64url',
  );
  const headers = isOld ? {} : { authorization: `Bearer ${text}.${signature}` };
  return { name, url, repository, headers, stop: () => child.kill() };
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

const works = [
  {
    name: `GET of ${values.megabytes} MB`,
    async run(registry) {
      const got = await call(registry, 'GET', `/v2/${registry.repository}/blobs/${registry.layer}`);
      if (got.size !== size) throw new Error(`${registry.name}: ${got.size} bytes instead of ${size}`);
    },
  },
  {
    name: `PUT of ${values.megabytes} MB`,
    prepare: () => randomBytes(size),
    run: (registry, bytes) => pushBlob(registry, bytes),
  },
  {
    name: `${gets} small manifests, ${workers} at a time`,
    async run(registry) {
      let left = gets;
      const path = `/v2/${registry.repository}/manifests/latest`;
      const loop = async () => {
        while (left-- > 0) await call(registry, 'GET', path, { headers: { accept: manifestType } });
      };
      await Promise.all(Array.from({ length: workers }, loop));
    },
  },
];

const median = (list) => [...list].sort((a, b) => a - b)[Math.floor(list.length / 2)] ?? 0;

const registries = [];
try {
  const theirs = findTheirs();
  for (const start of [startOurs, () => startTheirs(theirs)]) {
    const agent = new Agent({ keepAlive: true, maxSockets: workers });
    registries.push({ ...(await start()), agent });
  }
  const layer = randomBytes(size);
  for (const registry of registries) registry.layer = await pushImage(registry, layer);
  const rows = [];
  for (const work of works) {
    const times = registries.map(() => []);
    // The first round warms up.
    for (let round = -1; round < rounds; round++) {
      // Who goes first changes, so that neither always finds the disk busy.
      for (const at of round % 2 === 0 ? [0, 1] : [1, 0]) {
        const prepared = work.prepare?.();
        const began = performance.now();
        await work.run(registries[at], prepared);
        if (round >= 0) times[at].push(performance.now() - began);
      }
    }
    const [ours, others] = times.map(median);
    rows.push({ name: work.name, ours, theirs: others, ratio: ours / others });
  }
  const load = loadavg()[0];
  if (values.json) {
    const machine = { cpus: cpus().length, cpu: cpus()[0]?.model, node: process.version, load };
    console.log(JSON.stringify({ ...machine, peer: theirs.name, rounds, rows }));
  } else {
    console.log(`${cpus().length} × ${cpus()[0]?.model}, Node ${process.version}, load ${load.toFixed(1)}`);
    console.log(`medians of ${rounds} in turns, chainctl to ${theirs.name}, ms\n`);
    for (const { name, ours, theirs: others, ratio } of rows) {
      console.log(`${name.padEnd(44)} ${ratio.toFixed(2).padStart(6)}   ${ours.toFixed(0)} to ${others.toFixed(0)}`);
    }
  }
} finally {
  for (const registry of registries) {
    registry.agent.destroy();
    registry.stop();
  }
  rmSync(folder, { recursive: true, force: true, maxRetries: 5 });
}
