// Start-up as a ratio to `node empty.cjs`, interleaved: every round starts each case once, in rotated order, so that a
// machine that slows down slows all cases alike. stdin is a file and stdout a pipe, as Docker
// calls a helper. A non-zero exit fails the run; a ratio over its aim is marked, and fails with --enforce.
// CHAINCTL_PROGRAM names an executable of `npm run release`, which is measured in the same rounds as the Node build.

import { spawn, spawnSync } from 'node:child_process';
import { createHash } from 'node:crypto';
import { once } from 'node:events';
import { closeSync, mkdirSync, mkdtempSync, openSync, readFileSync, rmSync, writeFileSync } from 'node:fs';
import { createServer } from 'node:net';
import { cpus, tmpdir } from 'node:os';
import { join } from 'node:path';
import { fileURLToPath } from 'node:url';

const root = fileURLToPath(new URL('..', import.meta.url));
const option = (name, fallback) =>
  Number(process.argv.find((word) => word.startsWith(`--${name}=`))?.split('=')[1] ?? fallback);
const rounds = option('rounds', 20);
const warmups = 3;
const enforce = process.argv.includes('--enforce');

const folder = mkdtempSync(join(tmpdir(), 'chainctl-bench-'));
const home = join(folder, 'home');
mkdirSync(home, { mode: 0o700 });
// Unset on purpose: on Node 20 NODE_EXTRA_CA_CERTS adds about 38 ms to every process before any script runs.
const env = {
  PATH: process.env.PATH,
  HOME: home,
  XDG_CACHE_HOME: join(home, '.cache'),
  XDG_CONFIG_HOME: join(home, '.config'),
};
const chainctl = join(root, 'bin', 'chainctl.js');
const helper = join(root, 'bin', 'docker-credential-cgr.js');
const dataDir = join(folder, 'platform');

function must(args, options = {}) {
  const result = spawnSync(process.execPath, args, { env, encoding: 'utf8', ...options });
  if (result.status !== 0) throw new Error(`${args.slice(1).join(' ')} ended with ${result.status}: ${result.stderr}`);
  return result.stdout;
}

function time(test) {
  const stdin = openSync(test.stdin ?? emptyFile, 'r');
  const started = process.hrtime.bigint();
  return new Promise((resolve, reject) => {
    const child = spawn(test.program ?? process.execPath, test.args, {
      env: { ...env, ...test.env },
      stdio: [stdin, 'pipe', 'pipe'],
    });
    let size = 0;
    let errors = '';
    child.stdout.on('data', (chunk) => {
      size += chunk.length;
    });
    child.stderr.on('data', (chunk) => {
      errors += chunk;
    });
    child.on('error', reject);
    child.on('close', (code) => {
      closeSync(stdin);
      const ms = Number(process.hrtime.bigint() - started) / 1e6;
      if (code !== 0) reject(new Error(`${test.name} ended with ${code}: ${errors}`));
      else if (test.prints && size === 0) reject(new Error(`${test.name} printed nothing`));
      else resolve(ms);
    });
  });
}

const emptyFile = join(folder, 'empty');
writeFileSync(emptyFile, '');
const floorScript = join(folder, 'empty.cjs');
writeFileSync(floorScript, '');

async function main() {
  must([chainctl, 'local', 'start', '--detach', '--data-dir', dataDir]);
  const exported = must([chainctl, 'local', 'env', '--data-dir', dataDir]);
  for (const [, name, value] of exported.matchAll(/^export (\w+)=(.*)$/gm)) env[name] = value;
  const jwt = join(folder, 'developer.jwt');
  writeFileSync(jwt, must([chainctl, 'local', 'token', '--data-dir', dataDir]), { mode: 0o600 });
  const registry = new URL(env.CHAINGUARD_PLATFORM_REGISTRY).host;
  must([
    chainctl,
    'auth',
    'login',
    '--identity-token',
    jwt,
    '--audience',
    env.CHAINGUARD_PLATFORM_AUDIENCE,
    '--audience',
    registry,
  ]);
  const server = join(folder, 'server');
  writeFileSync(server, registry);

  const executable = process.env.CHAINCTL_PROGRAM;
  const cases = [{ name: 'floor: node empty.cjs', args: [floorScript] }];
  // Aims: the Node build's, then the executable's.
  for (const [name, args, aims] of [
    ['version', ['version'], [1.1, 0.28]],
    ['--help', ['--help'], [1.15, 0.34]],
    ['iam identities create --help', ['iam', 'identities', 'create', '--help'], [1.25, 0.4]],
    ['one API call (iam organizations list -o json)', ['iam', 'organizations', 'list', '-o', 'json'], [2, 0.65]],
    ['images list -o json', ['images', 'list', '-o', 'json'], [2.5, 0.9]],
    ['auth status --quick', ['auth', 'status', '--quick'], [1.35, 0.45]],
    ['config view', ['config', 'view'], [1.35, 0.45]],
  ]) {
    cases.push({ name, args: [chainctl, ...args], aim: aims[0], prints: true });
    if (executable) cases.push({ name: `executable: ${name}`, program: executable, args, aim: aims[1], prints: true });
  }
  // It takes connections and says nothing: the first Tab waits for it, and the next ones must not.
  const silent = createServer(() => {}).listen(0, '127.0.0.1');
  silent.unref();
  await once(silent, 'listening');
  const silence = { CHAINGUARD_PLATFORM_API: `http://127.0.0.1:${silent.address().port}` };
  const typed = ['__complete', 'iam', 'identities', 'create', '--parent', ''];
  cases.push({ name: tabCase, args: [chainctl, ...typed], env: silence, prints: true });
  if (executable) {
    cases.push({ name: `executable: ${tabCase}`, program: executable, args: typed, env: silence, prints: true });
  }
  cases.push({
    name: 'docker-credential-cgr get, good token',
    args: [helper, 'get'],
    stdin: server,
    aim: 1.08,
    prints: true,
  });
  if (executable) {
    const args = ['__docker-credential-cgr', 'get'];
    cases.push({ name: helperCase, program: executable, args, stdin: server, aim: 0.28, prints: true });
  } else console.log('executable: not named by CHAINCTL_PROGRAM, left out');
  for (const peer of [
    ecrLogin(),
    { name: 'peer: docker --version', program: 'docker', args: ['--version'] },
    { name: 'peer: gh --version', program: 'gh', args: ['--version'] },
    { name: 'peer: skopeo --version', program: 'skopeo', args: ['--version'] },
  ]) {
    if (spawnSync('/bin/sh', ['-c', `command -v ${peer.program}`]).status === 0) cases.push(peer);
    else console.log(`${peer.name}: not installed, left out`);
  }

  const samples = cases.map(() => []);
  for (let round = 0; round < warmups + rounds; round += 1) {
    for (let step = 0; step < cases.length; step += 1) {
      const index = (round + step) % cases.length;
      const ms = await time(cases[index]);
      if (round >= warmups) samples[index].push(ms);
    }
  }

  const floor = median(samples[0]);
  let over = 0;
  console.log(
    `Node ${process.version}, ${cpus().length} × ${cpus()[0]?.model ?? 'unknown'}, ${rounds} rounds, ${new Date().toISOString().slice(0, 10)}, NODE_EXTRA_CA_CERTS unset`,
  );
  console.log(
    `${'case'.padEnd(48)} ${'× floor'.padStart(8)} ${'aim'.padStart(5)} ${'median'.padStart(8)} ${'mean ± sd'.padStart(14)} ${'min'.padStart(7)} ${'p90'.padStart(7)} ms`,
  );
  cases.forEach((test, index) => {
    const values = samples[index];
    const ratio = median(values) / floor;
    const isOver = test.aim !== undefined && ratio > test.aim;
    if (isOver) over += 1;
    const mean = values.reduce((sum, value) => sum + value, 0) / values.length;
    const sd = Math.sqrt(values.reduce((sum, value) => sum + (value - mean) ** 2, 0) / values.length);
    console.log(
      `${test.name.padEnd(48)} ${ratio.toFixed(2).padStart(8)} ${String(test.aim ?? '').padStart(5)} ${median(values).toFixed(1).padStart(8)} ` +
        `${`${mean.toFixed(1)} ± ${sd.toFixed(1)}`.padStart(14)} ${Math.min(...values)
          .toFixed(1)
          .padStart(7)} ${percentile(values, 0.9).toFixed(1).padStart(7)}${isOver ? '  over its aim' : ''}`,
    );
  });
  if (over > 0 && enforce) process.exitCode = 1;
  const medianOf = (name) => median(samples[cases.findIndex((test) => test.name === name)] ?? []);
  for (const prefix of executable ? ['', 'executable: '] : ['']) {
    const ratio = medianOf(`${prefix}${tabCase}`) / medianOf(`${prefix}--help`);
    console.log(`${prefix}Tab while the platform is silent is ${ratio.toFixed(2)} × --help; aim 1.50`);
  }
  if (cases.some(({ name }) => name === helperCase) && cases.some(({ name }) => name === ecrCase)) {
    const ratio = medianOf(helperCase) / medianOf(ecrCase);
    console.log(`the helper of the executable is ${ratio.toFixed(2)} × docker-credential-ecr-login; aim 0.90`);
  }
  reportMemory(cases);
}

const tabCase = 'Tab while the platform is silent';
const helperCase = 'executable: docker-credential-cgr get';
const ecrCase = 'peer: docker-credential-ecr-login get';

/** Amazon's helper with a login in its cache, so that it too answers from a file. */
function ecrLogin() {
  const registry = '123456789012.dkr.ecr.us-east-1.amazonaws.com';
  const account = Buffer.concat([Buffer.from('BENCH'), createHash('md5').digest()]).toString('base64');
  const entry = {
    AuthorizationToken: Buffer.from('AWS:secret').toString('base64'),
    RequestedAt: new Date().toISOString(),
    ExpiresAt: new Date(Date.now() + 12 * 3_600_000).toISOString(),
    ProxyEndpoint: `https://${registry}`,
    Service: 'ecr',
  };
  mkdirSync(join(home, '.ecr'));
  const cache = { Registries: { [`us-east-1-${account}-123456789012`]: entry }, Version: '1.0' };
  writeFileSync(join(home, '.ecr', 'cache.json'), JSON.stringify(cache));
  const stdin = join(folder, 'ecr');
  writeFileSync(stdin, registry);
  return {
    name: ecrCase,
    program: 'docker-credential-ecr-login',
    args: ['get'],
    stdin,
    env: { AWS_ACCESS_KEY_ID: 'BENCH', AWS_SECRET_ACCESS_KEY: 'x', AWS_REGION: 'us-east-1' },
    prints: true,
  };
}

/** Peak resident memory, which Node does not tell of its children: through Python where there is one. */
function reportMemory(cases) {
  const script =
    'import resource,subprocess,sys;subprocess.run(sys.argv[1:],stdout=-3);print(resource.getrusage(-1).ru_maxrss)';
  for (const test of cases) {
    if (!/floor|API call|docker-credential|ecr-login/.test(test.name)) continue;
    const words = ['-c', script, test.program ?? process.execPath, ...test.args];
    const input = readFileSync(test.stdin ?? emptyFile);
    const measured = spawnSync('python3', words, { env: { ...env, ...test.env }, input, encoding: 'utf8' });
    if (measured.status !== 0) return void console.log('memory: there is no python3 to measure it with, left out');
    console.log(`${test.name.padEnd(48)} ${(Number(measured.stdout) / 1024).toFixed(0).padStart(8)} MB`);
  }
}

function percentile(values, part) {
  const sorted = [...values].sort((a, b) => a - b);
  return sorted[Math.min(sorted.length - 1, Math.floor(sorted.length * part))];
}

const median = (values) => percentile(values, 0.5);

try {
  await main();
} finally {
  let pid;
  try {
    pid = JSON.parse(readFileSync(join(dataDir, 'platform.json'), 'utf8')).pid;
  } catch {
    // It never came up.
  }
  if (pid !== undefined) spawnSync(process.execPath, [chainctl, 'local', 'stop', '--data-dir', dataDir], { env });
  rmSync(folder, { recursive: true, force: true });
}
