// What it costs to start the local platform, as ratios to another build of chainctl in the same run: from the start of the
// program to its first answered request, with the demo and with nothing, in a new folder; CPU time and memory by then; and,
// because a new folder gets its images behind the first answer, to the first list of images, with the memory held a second later.
//
// Usage: npm run bench:start -- --against=FOLDER [--rounds=7]

import { spawn, spawnSync } from 'node:child_process';
import { once } from 'node:events';
import { existsSync, mkdtempSync, readdirSync, readFileSync, rmSync } from 'node:fs';
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

/** Milliseconds that the threads of a process have had a processor. */
function cpuOf(pid) {
  const times = readdirSync(`/proc/${pid}/task`).map((thread) =>
    Number(readFileSync(`/proc/${pid}/task/${thread}/schedstat`, 'utf8').split(' ')[0]),
  );
  return times.reduce((sum, time) => sum + time, 0) / 1e6;
}

const residentOf = (pid) => Number(/VmRSS:\s+(\d+)/.exec(readFileSync(`/proc/${pid}/status`, 'utf8'))?.[1]) / 1024;

/** Starts a platform on a data folder; gives milliseconds and megabytes. */
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
  const end = async () => {
    await new Promise((resolve) => setTimeout(resolve, 1000));
    const settled = residentOf(child.pid);
    child.kill('SIGINT');
    await ended;
    return { settled };
  };
  await answered(`${api}/.well-known/openid-configuration`);
  const first = performance.now() - began;
  const [cpu, resident] = [cpuOf(child.pid), residentOf(child.pid)];
  if (seed === 'empty') return { first, cpu, resident, ...(await end()) };
  const words = [join(build, 'bin/chainctl.js'), 'local', 'token', `--data-dir=${dataDir}`];
  const env = { PATH: process.env.PATH, HOME: folder };
  const developer = spawnSync(process.execPath, words, { env, encoding: 'utf8' }).stdout.trim();
  const asked = performance.now();
  const { token } = JSON.parse(await answered(`${api}/sts/exchange?aud=${encodeURIComponent(api)}`, developer, 'POST'));
  await answered(`${api}/registry/v1/repos`, token);
  const list = first + performance.now() - asked;
  return { first, cpu, resident, list, ...(await end()) };
}

async function answered(url, bearer, method = 'GET') {
  const authorization = bearer === undefined ? {} : { authorization: `Bearer ${bearer}` };
  const response = await fetch(url, { method, headers: { connection: 'close', ...authorization } });
  const text = await response.text();
  if (!response.ok) throw new Error(`${url} answered ${response.status}: ${text}`);
  return text;
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
    for (const [unit, field] of [
      ['ms to the first answer', 'first'],
      ['ms of CPU to the first answer', 'cpu'],
      ['MB resident then', 'resident'],
      ['ms to the first list of images', 'list'],
      ['MB resident a second later', 'settled'],
    ]) {
      if (samples.ours[0][field] === undefined) continue;
      const [ours, theirs] = ['ours', 'theirs'].map((name) => median(samples[name].map((one) => one[field])));
      const ratio = (ours / theirs).toFixed(2);
      console.log(`${what}: ${unit}`.padEnd(60), ratio, ` ${ours.toFixed(0)} to ${theirs.toFixed(0)}`);
    }
  }
} finally {
  rmSync(folder, { recursive: true, force: true });
}
