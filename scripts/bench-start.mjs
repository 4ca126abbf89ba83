// What it costs to start the local platform, as ratios to another build of chainctl in the same run: from the start of the
// program to its first answered request, with the demo and with nothing, in a new folder; and the memory it holds then.
//
// Usage: npm run bench:start -- --against=FOLDER [--rounds=7]

import { spawn } from 'node:child_process';
import { once } from 'node:events';
import { existsSync, mkdtempSync, readFileSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { fileURLToPath } from 'node:url';

const option = (name) => process.argv.find((word) => word.startsWith(`--${name}=`))?.slice(name.length + 3);
const against = option('against');
const rounds = Number(option('rounds') ?? 7);
if (against === undefined || !existsSync(join(against, 'dist', 'chainctl.cjs'))) {
  console.error('bench:start: say which build to compare with: --against=FOLDER of a checkout that is built');
  process.exit(2);
}
const builds = { ours: fileURLToPath(new URL('..', import.meta.url)), theirs: against };
const folder = mkdtempSync(join(tmpdir(), 'chainctl-bench-start-'));

/** Starts a platform on a data folder; gives milliseconds to the first answer and kilobytes of resident memory. */
async function start(build, seed, dataDir) {
  const began = performance.now();
  const child = spawn(
    process.execPath,
    [join(build, 'bin/chainctl.js'), 'local', 'start', `--seed=${seed}`, `--data-dir=${dataDir}`, '--output=json'],
    { env: { PATH: process.env.PATH, HOME: folder }, stdio: ['ignore', 'pipe', 'ignore'] },
  );
  const ended = once(child, 'exit');
  let out = '';
  for await (const chunk of child.stdout) {
    out += chunk;
    if (out.includes('\n}') || /^\{.*\}\n/s.test(out)) break;
  }
  const { api } = JSON.parse(out);
  const response = await fetch(`${api}/.well-known/openid-configuration`, { headers: { connection: 'close' } });
  await response.text();
  const ms = performance.now() - began;
  const [, kilobytes] = /VmRSS:\s+(\d+)/.exec(readFileSync(`/proc/${child.pid}/status`, 'utf8')) ?? [];
  child.kill('SIGINT');
  await ended;
  return { ms, kilobytes: Number(kilobytes) };
}

const median = (values) => [...values].sort((a, b) => a - b)[Math.floor(values.length / 2)];

try {
  for (const [what, seed, isNew] of [
    ['a new folder with the demo', 'demo', true],
    ['a folder that has the demo', 'demo', false],
    ['a new folder with nothing', 'empty', true],
  ]) {
    const samples = { ours: [], theirs: [] };
    for (let round = -1; round < rounds; round += 1) {
      for (const [name, build] of Object.entries(builds)) {
        const dataDir = join(folder, isNew ? `${name}-${seed}-${round}` : `${name}-kept`);
        const sample = await start(build, seed, dataDir);
        if (round >= 0) samples[name].push(sample);
      }
    }
    for (const [unit, field, scale] of [
      ['ms to the first answer', 'ms', 1],
      ['MB resident', 'kilobytes', 1024],
    ]) {
      const [ours, theirs] = ['ours', 'theirs'].map((name) => median(samples[name].map((one) => one[field])) / scale);
      const ratio = (ours / theirs).toFixed(2);
      console.log(`${what}: ${unit}`.padEnd(60), ratio, ` ${ours.toFixed(0)} to ${theirs.toFixed(0)}`);
    }
  }
} finally {
  rmSync(folder, { recursive: true, force: true });
}
