// Start-up as a ratio to `node empty.cjs`, interleaved: every round starts each case once, in rotated order, so that a
// machine that slows down slows all cases alike. stdin is a file and stdout a pipe, as Docker
// calls a helper. A non-zero exit fails the run; a ratio over its aim is marked, and fails with --enforce.

import { spawn, spawnSync } from 'node:child_process';
import { closeSync, mkdirSync, mkdtempSync, openSync, readFileSync, rmSync, writeFileSync } from 'node:fs';
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
    const child = spawn(test.program ?? process.execPath, test.args, { env, stdio: [stdin, 'pipe', 'pipe'] });
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

  const cases = [
    { name: 'floor: node empty.cjs', args: [floorScript] },
    { name: 'chainctl version', args: [chainctl, 'version'], aim: 1.2, prints: true },
    { name: 'chainctl --help', args: [chainctl, '--help'], aim: 1.6, prints: true },
    {
      name: 'chainctl iam identities create --help',
      args: [chainctl, 'iam', 'identities', 'create', '--help'],
      aim: 1.6,
      prints: true,
    },
    {
      name: 'one API call (iam organizations list -o json)',
      args: [chainctl, 'iam', 'organizations', 'list', '-o', 'json'],
      aim: 3,
      prints: true,
    },
    { name: 'docker-credential-cgr get, good token', args: [helper, 'get'], stdin: server, aim: 1.2, prints: true },
  ];
  for (const peer of [
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
