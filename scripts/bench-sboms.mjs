// What reading a large SBOM costs everybody else: the 99th percentile of manifest pulls while a document of 40 MB is read, to the
// same undisturbed; and how far the memory grows for one request on an image with eight such attestations, to the same of an
// older build when `--base` names its folder. Both platforms are processes of this run. Needs a build.
//
// Usage: node scripts/bench-sboms.mjs [--base=FOLDER] [--megabytes=40] [--seconds=5]

import { spawn, spawnSync } from 'node:child_process';
import { createHash } from 'node:crypto';
import { mkdtempSync, readFileSync, rmSync, writeFileSync } from 'node:fs';
import { Agent, request } from 'node:http';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { fileURLToPath } from 'node:url';

const option = (name, fallback) =>
  process.argv.find((word) => word.startsWith(`--${name}=`))?.split('=')[1] ?? fallback;
const megabytes = Number(option('megabytes', 40));
const seconds = Number(option('seconds', 5));
const base = option('base', undefined);
const root = fileURLToPath(new URL('..', import.meta.url));
const folder = mkdtempSync(join(tmpdir(), 'chainctl-bench-sboms-'));
const sha256 = (bytes) => `sha256:${createHash('sha256').update(bytes).digest('hex')}`;
const repository = 'example.com/bench';
const manifestType = 'application/vnd.oci.image.manifest.v1+json';

function call(platform, method, path, { body, headers = {}, token = platform.registryToken } = {}) {
  return new Promise((resolve, reject) => {
    const sent = request(
      new URL(path, platform.url),
      {
        method,
        agent: platform.agent,
        headers: {
          authorization: `Bearer ${token}`,
          ...headers,
          ...(body === undefined ? {} : { 'content-length': body.length }),
        },
      },
      (response) => {
        const chunks = [];
        let size = 0;
        response.on('data', (chunk) => {
          size += chunk.length;
          if (size < 1_000_000) chunks.push(chunk);
        });
        response.on('error', reject);
        response.on('end', () => {
          if (response.statusCode < 400) resolve({ headers: response.headers, bytes: Buffer.concat(chunks), size });
          else reject(new Error(`${method} ${path}: ${response.statusCode} ${Buffer.concat(chunks)}`));
        });
      },
    );
    sent.on('error', reject);
    sent.end(body);
  });
}

async function start(name, build) {
  const home = join(folder, name);
  const env = { PATH: process.env.PATH, HOME: home, XDG_CACHE_HOME: join(home, 'cache'), XDG_RUNTIME_DIR: home };
  const program = join(build, 'bin', 'chainctl.js');
  spawnSync('mkdir', ['-p', '-m', '700', home]);
  const child = spawn(process.execPath, [program, 'local', 'start', '--data-dir', join(home, 'data')], {
    env,
    stdio: 'ignore',
  });
  const run = (...words) => {
    const { status, stdout, stderr } = spawnSync(process.execPath, [program, ...words], { env, encoding: 'utf8' });
    if (status !== 0) throw new Error(`${words.join(' ')}: ${stderr}`);
    return stdout.trim();
  };
  const file = join(home, 'data', 'platform.json');
  let urls;
  for (let tries = 0; urls === undefined; tries += 1) {
    await new Promise((resolve) => setTimeout(resolve, 200));
    try {
      urls = JSON.parse(readFileSync(file, 'utf8'));
    } catch (error) {
      if (tries > 300) throw error;
    }
  }
  for (const line of run('local', 'env', '--data-dir', join(home, 'data')).split('\n')) {
    const [, key, value] = /^(?:export )?([A-Z_]+)=['"]?([^'"]*)/.exec(line) ?? [];
    if (key !== undefined) env[key] = value;
  }
  const login = run('local', 'token', '--data-dir', join(home, 'data'));
  const host = new URL(urls.registry).host;
  const platform = { name, child, url: urls.api, agent: new Agent({ keepAlive: true }) };
  run('auth', 'login', '--identity-token', login);
  platform.apiToken = run('auth', 'token');
  run('auth', 'login', '--identity-token', login, '--audience', host);
  platform.registryToken = run('auth', 'token', '--audience', host);
  return platform;
}

async function push(platform, bytes) {
  const started = await call(platform, 'POST', `/v2/${repository}/blobs/uploads/`, { body: Buffer.alloc(0) });
  await call(platform, 'PUT', `${started.headers.location}?digest=${sha256(bytes)}`, { body: bytes });
  return { digest: sha256(bytes), size: bytes.length };
}

async function fill(platform) {
  const config = await push(platform, Buffer.from('{}'));
  const manifest = (layers, more = {}) =>
    Buffer.from(
      JSON.stringify({
        schemaVersion: 2,
        mediaType: manifestType,
        config: { mediaType: 'application/vnd.oci.image.config.v1+json', ...config },
        layers,
        ...more,
      }),
    );
  const put = (reference, body) =>
    call(platform, 'PUT', `/v2/${repository}/manifests/${reference}`, {
      body,
      headers: { 'content-type': manifestType },
    });
  const layer = await push(platform, Buffer.from('layer'));
  const image = manifest([{ mediaType: 'application/vnd.oci.image.layer.v1.tar', ...layer }]);
  await put('latest', image);
  const subject = { mediaType: manifestType, digest: sha256(image), size: image.length };
  for (let count = 0; count < 8; count += 1) {
    const packages = Array.from({ length: Math.round((megabytes * 1_000_000) / 700) }, (_, at) => ({
      SPDXID: `SPDXRef-${at}`,
      name: `package-${count}-${at}`,
      versionInfo: '1.2.3',
      comment: 'x'.repeat(480),
      externalRefs: [{ referenceType: 'purl', referenceLocator: `pkg:npm/package-${count}-${at}@1.2.3` }],
    }));
    const payload = Buffer.from(
      JSON.stringify({
        predicateType: 'https://spdx.dev/Document',
        subject: [{ digest: { sha256: subject.digest.slice(7) } }],
        predicate: { spdxVersion: 'SPDX-2.3', packages },
      }),
    );
    const envelope = JSON.stringify({
      payloadType: 'application/vnd.in-toto+json',
      payload: payload.toString('base64'),
      signatures: [],
    });
    const attestation = await push(platform, Buffer.from(envelope));
    const body = manifest([{ mediaType: 'application/vnd.dsse.envelope.v1+json', ...attestation }], { subject });
    await put(sha256(body), body);
  }
  const listed = await call(platform, 'GET', '/registry/v1/repos?name=bench', { token: platform.apiToken });
  const [repo] = JSON.parse(listed.bytes.toString()).items;
  platform.sbom = `/registry/v1/repos/${repo.id}/digests/${subject.digest}/sbom`;
}

const memory = ({ child }, field) =>
  Number(new RegExp(`${field}:\\s+(\\d+)`).exec(readFileSync(`/proc/${child.pid}/status`, 'utf8'))?.[1]) / 1024;

/** Megabytes the resident memory grew by at most during one request. */
async function growth(platform) {
  writeFileSync(`/proc/${platform.child.pid}/clear_refs`, '5');
  const before = memory(platform, 'VmRSS');
  const { size } = await call(platform, 'GET', platform.sbom, { token: platform.apiToken });
  const after = memory(platform, 'VmHWM');
  return { grown: after - before, size };
}

/** Milliseconds: the 99th percentile and the median of pulls, one after the other. */
async function pulls(platform) {
  const times = [];
  const end = Date.now() + seconds * 1000;
  while (Date.now() < end) {
    const began = performance.now();
    await call(platform, 'GET', `/v2/${repository}/manifests/latest`);
    times.push(performance.now() - began);
  }
  times.sort((a, b) => a - b);
  return { p99: times[Math.floor(times.length * 0.99)], median: times[times.length >> 1], count: times.length };
}

async function disturbed(platform) {
  let isOver = false;
  let reads = 0;
  const reading = (async () => {
    while (!isOver) {
      await call(platform, 'GET', platform.sbom, { token: platform.apiToken });
      reads += 1;
    }
  })();
  const found = await pulls(platform);
  isOver = true;
  await reading;
  return { ...found, reads };
}

const row = (what, ratio, detail) => console.log(`${what.padEnd(78)} ${ratio.toFixed(2).padStart(7)}   ${detail}`);
const platforms = [];
try {
  const ours = await start('ours', root);
  platforms.push(ours);
  await fill(ours);
  const now = await growth(ours);
  if (base !== undefined) {
    const older = await start('older', base);
    platforms.push(older);
    await fill(older);
    const then = await growth(older);
    row(
      `memory for an SBOM beside seven others of ${megabytes} MB: growth, to the older build's`,
      now.grown / then.grown,
      `${now.grown.toFixed(0)} to ${then.grown.toFixed(0)} MB`,
    );
    older.child.kill('SIGTERM');
  } else console.log(`memory grew by ${now.grown.toFixed(0)} MB for an SBOM beside seven others of ${megabytes} MB`);
  await pulls(ours);
  const rounds = [];
  for (let round = 0; round < 3; round += 1) rounds.push([await pulls(ours), await disturbed(ours)]);
  rounds.sort((a, b) => a[1].p99 / a[0].p99 - b[1].p99 / b[0].p99);
  const [alone, beside] = rounds[1];
  row(
    `99th percentile of manifest pulls while SBOMs of ${megabytes} MB are read, to undisturbed`,
    beside.p99 / alone.p99,
    `${beside.p99.toFixed(1)} to ${alone.p99.toFixed(1)} ms, ${beside.reads} read`,
  );
} finally {
  for (const { child } of platforms) child.kill('SIGTERM');
  rmSync(folder, { recursive: true, force: true });
}
