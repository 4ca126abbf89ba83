// Requests a second over 16 connections, this build and another one in turns: token exchange, also to the rate at which
// this machine signs with RSA 2048 on all of its cores; a small list; creating identities, each on disk when it is
// answered. The load is `wrk` (Debian's package of that name), or a process of this script where there is none; on a
// machine with more than two cores the platform has two of them and the load the others (`taskset`). Needs a build.
//
// Usage: node scripts/bench-throughput.mjs --against=FOLDER [--seconds=5] [--rounds=3]

import { spawn, spawnSync } from 'node:child_process';
import { generateKeyPairSync, sign } from 'node:crypto';
import { mkdirSync, mkdtempSync, rmSync, writeFileSync } from 'node:fs';
import { Agent, request } from 'node:http';
import { availableParallelism, loadavg, tmpdir } from 'node:os';
import { join } from 'node:path';
import { fileURLToPath } from 'node:url';
import { parseArgs } from 'node:util';
import { isMainThread, parentPort, Worker, workerData } from 'node:worker_threads';

const connections = 16;
const self = fileURLToPath(import.meta.url);

/** Signs for so many milliseconds, and tells how often. */
function signFor(milliseconds) {
  const { privateKey } = generateKeyPairSync('rsa', { modulusLength: 2048 });
  const text = Buffer.alloc(800, 'a');
  let count = 0;
  for (const end = performance.now() + milliseconds; performance.now() < end; count += 1)
    sign('sha256', text, privateKey);
  parentPort.postMessage(count);
}

async function signingRate(seconds) {
  const counts = await Promise.all(
    Array.from({ length: availableParallelism() }, () => {
      const worker = new Worker(self, { workerData: seconds * 1000 });
      return new Promise((resolve, reject) => worker.once('message', resolve).once('error', reject));
    }),
  );
  return counts.reduce((sum, count) => sum + count, 0) / seconds;
}

/** The stand-in for wrk: prints the answers a second, and how many were no success. */
async function load({ url, method, headers, seconds, creates }) {
  const agent = new Agent({ keepAlive: true, maxSockets: connections });
  let done = 0;
  let failed = 0;
  let serial = 0;
  const once = () =>
    new Promise((resolve, reject) => {
      serial += 1;
      const sent = request(url, { method, agent, headers }, (response) => {
        response.resume().once('end', () => {
          done += 1;
          if (response.statusCode >= 400) failed += 1;
          resolve();
        });
      });
      sent.once('error', reject).end(creates ? identity(`${process.pid}-${serial}`) : undefined);
    });
  const end = performance.now() + seconds * 1000;
  const loop = async () => {
    while (performance.now() < end) await once();
  };
  const began = performance.now();
  await Promise.all(Array.from({ length: connections }, loop));
  console.log(JSON.stringify({ rate: (done * 1000) / (performance.now() - began), failed }));
  agent.destroy();
}

function identity(name) {
  return JSON.stringify({
    name: `robot-${name}`,
    claimMatch: { issuer: 'https://issuer.example', subject: `repo:acme/app-${name}` },
  });
}

const wrkScript = `
local count = 0
local seed = os.time() .. '-' .. math.floor(os.clock() * 1000000)
request = function()
  count = count + 1
  if wrk.headers['x-creates'] == nil then return wrk.format() end
  local name = seed .. '-' .. count
  return wrk.format(nil, nil, nil, '{"name":"robot-' .. name ..
    '","claimMatch":{"issuer":"https://issuer.example","subject":"repo:acme/app-' .. name .. '"}}')
end
done = function(summary, latency, requests)
  local errors = summary.errors
  io.write(string.format('{"rate":%f,"failed":%d}\\n', summary.requests * 1000000 / summary.duration,
    errors.status + errors.connect + errors.read + errors.write + errors.timeout))
end`;

async function main() {
  const { values } = parseArgs({
    options: {
      against: { type: 'string' },
      seconds: { type: 'string', default: '5' },
      rounds: { type: 'string', default: '3' },
    },
  });
  const seconds = Number(values.seconds);
  const folder = mkdtempSync(join(tmpdir(), 'chainctl-bench-throughput-'));
  const script = join(folder, 'wrk.lua');
  const hasWrk = spawnSync('wrk', ['--version']).error === undefined;
  const cores = availableParallelism();
  const isPinned = cores > 2 && spawnSync('taskset', ['--version']).error === undefined;
  const pinned = (list, command) => (isPinned ? ['taskset', '--cpu-list', list, ...command] : command);
  const platforms = [];
  process.once('exit', () => {
    for (const { child } of platforms) child.kill('SIGKILL');
    rmSync(folder, { recursive: true, force: true, maxRetries: 5 });
  });
  for (const signal of ['SIGINT', 'SIGTERM']) process.once(signal, () => process.exit(1));

  const start = async (name, build) => {
    const home = join(folder, name);
    mkdirSync(home, { mode: 0o700 });
    const env = { PATH: process.env.PATH, HOME: home };
    const program = join(build, 'bin', 'chainctl.js');
    const words = ['local', 'start', '--data-dir', join(home, 'data'), '--output=json'];
    const [command, ...rest] = pinned('0,1', [process.execPath, program, ...words]);
    const child = spawn(command, rest, { env, stdio: ['ignore', 'pipe', 'ignore'] });
    platforms.push({ child });
    let text = '';
    for await (const chunk of child.stdout) {
      text += chunk;
      if (/^\{.*\}\n$/s.test(text)) break;
    }
    const { api, issuer } = JSON.parse(text);
    const minted = spawnSync(process.execPath, [program, 'local', 'token', '--data-dir', join(home, 'data')], { env });
    const login = minted.stdout.toString().trim();
    const exchange = `${issuer}/sts/exchange?aud=${encodeURIComponent(api)}`;
    const answer = await fetch(exchange, { method: 'POST', headers: { authorization: `Bearer ${login}` } });
    const authorization = `Bearer ${(await answer.json()).token}`;
    const groups = await (await fetch(`${api}/iam/v1/groups`, { headers: { authorization } })).json();
    const organization = groups.items.find((group) => group.name === 'example.com').id;
    return {
      exchange: { url: exchange, method: 'POST', headers: { authorization: `Bearer ${login}` } },
      list: { url: `${api}/iam/v1/groups`, method: 'GET', headers: { authorization } },
      create: {
        url: `${api}/iam/v1/identities/${organization}`,
        method: 'POST',
        headers: { authorization, 'content-type': 'application/json', 'x-creates': '1' },
      },
    };
  };

  const measure = (work, creates) => {
    const { url, method, headers } = work;
    const lines = Object.entries(headers).flatMap(([key, value]) => ['-H', `${key}: ${value}`]);
    const client = hasWrk
      ? ['wrk', '-t1', '--timeout=30s', `-c${connections}`, `-d${seconds}s`, '-s', script, ...lines, url]
      : [process.execPath, self, 'load', JSON.stringify({ ...work, seconds, creates })];
    const text = hasWrk && method === 'POST' ? `wrk.method = 'POST'\n${wrkScript}` : wrkScript;
    writeFileSync(script, text);
    const [command, ...rest] = pinned(`2-${cores - 1}`, client);
    const { stdout, stderr } = spawnSync(command, rest, { encoding: 'utf8' });
    const [found] = /\{"rate".*\}/.exec(stdout) ?? [];
    if (found === undefined) throw new Error(`${url}: ${stderr}${stdout}`);
    const { rate, failed } = JSON.parse(found);
    if (failed > 0) throw new Error(`${url}: ${failed} requests failed`);
    return rate;
  };

  const builds = [fileURLToPath(new URL('..', import.meta.url)), ...(values.against ? [values.against] : [])];
  const works = [];
  for (const [at, build] of builds.entries()) works.push(await start(`build-${at}`, build));
  const rates = { sign: [], exchange: [[], []], list: [[], []], create: [[], []] };
  // The first round warms up.
  for (let round = -1; round < Number(values.rounds); round += 1) {
    const signs = await signingRate(Math.min(seconds, 2));
    if (round >= 0) rates.sign.push(signs);
    for (const kind of ['exchange', 'list', 'create']) {
      const order = round % 2 === 0 ? [...works.keys()] : [...works.keys()].reverse();
      for (const at of order) {
        const rate = measure(works[at][kind], kind === 'create');
        if (round >= 0) rates[kind][at].push(rate);
      }
    }
  }
  const median = (list) => [...list].sort((a, b) => a - b)[Math.floor(list.length / 2)] ?? 0;
  const tell = (what, one, other, unit = 'a second') =>
    console.log(
      `${what.padEnd(78)} ${(one / other).toFixed(2).padStart(7)}   ${one.toFixed(0)} to ${other.toFixed(0)} ${unit}`,
    );
  const load1 = loadavg()[0]?.toFixed(1);
  console.log(
    `\nThroughput, ${connections} connections, ${hasWrk ? 'wrk' : 'our own client, because wrk is not installed'}, load ${load1}:`,
  );
  const signs = median(rates.sign);
  tell(`token exchange, to RSA-2048 signatures on ${cores} cores: this build`, median(rates.exchange[0]), signs);
  if (works.length < 2) return;
  tell('token exchange, to RSA-2048 signatures: the other build', median(rates.exchange[1]), signs);
  tell('token exchange, this build to the other', median(rates.exchange[0]), median(rates.exchange[1]));
  tell('a small list, this build to the other', median(rates.list[0]), median(rates.list[1]));
  tell('creating identities, this build to the other', median(rates.create[0]), median(rates.create[1]));
  for (const { child } of platforms) child.kill('SIGTERM');
}

if (!isMainThread) signFor(workerData);
else if (process.argv[2] === 'load') await load(JSON.parse(process.argv[3]));
else await main();
