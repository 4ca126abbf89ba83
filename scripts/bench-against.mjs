// This build and another one side by side, both platforms processes of this run, asked in turns: a list of very many
// identities (time to its last byte, processor time, memory while four are read), how long others wait for an answer
// meanwhile, and whether connections whose client has died give their descriptors back. Reads /proc, so Linux only.
// Needs a build. Ends with `bench-throughput.mjs`, requests a second, and `bench-sboms.mjs`, the same of large documents.
//
// Usage: npm run bench:platform -- --against FOLDER [--identities 100000] [--rounds 3] [--connections 1000] [--no-sboms]

import { spawn, spawnSync } from 'node:child_process';
import { once } from 'node:events';
import { mkdirSync, mkdtempSync, readdirSync, readFileSync, rmSync } from 'node:fs';
import { Agent, get } from 'node:http';
import { createRequire } from 'node:module';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { setTimeout as sleep } from 'node:timers/promises';
import { fileURLToPath } from 'node:url';
import { parseArgs } from 'node:util';

const { values } = parseArgs({
  options: {
    against: { type: 'string' },
    identities: { type: 'string', default: '100000' },
    rounds: { type: 'string', default: '3' },
    connections: { type: 'string', default: '1000' },
    'no-sboms': { type: 'boolean', default: false },
  },
});
const identities = Number(values.identities);
const rounds = Number(values.rounds);
const connections = Number(values.connections);
/** Seconds in which descriptors have to be back. */
const patience = 5;
const root = fileURLToPath(new URL('..', import.meta.url));
const folder = mkdtempSync(join(tmpdir(), 'chainctl-bench-against-'));
const list = '/iam/v1/identities';
const other = '/iam/v1/groups';

const sorted = (numbers) => [...numbers].sort((a, b) => a - b);
const at = (numbers, part) => sorted(numbers)[Math.min(numbers.length - 1, Math.floor(numbers.length * part))];
const median = (numbers) => at(numbers, 0.5);

async function start(name, build) {
  const home = join(folder, name);
  mkdirSync(home, { mode: 0o700 });
  const env = { PATH: process.env.PATH, HOME: home };
  const dataDir = join(home, 'data');
  const run = (...words) => {
    const program = join(build, 'bin', 'chainctl.js');
    const { status, stdout, stderr } = spawnSync(process.execPath, [program, ...words], { env, encoding: 'utf8' });
    if (status !== 0) throw new Error(`${name}: chainctl ${words.slice(0, 2).join(' ')}: ${stderr}`);
    return stdout.trim();
  };
  const begin = () => JSON.parse(run('local', 'start', '--detach', '--data-dir', dataDir, '--output=json'));
  const stop = () => run('local', 'stop', '--data-dir', dataDir);
  begin();
  stop();
  fill(join(dataDir, 'platform.db'));
  const { api, issuer, pid } = begin();
  const exchanged = await fetch(`${issuer}/sts/exchange?aud=${encodeURIComponent(api)}`, {
    method: 'POST',
    headers: { authorization: `Bearer ${run('local', 'token', '--data-dir', dataDir)}` },
  });
  if (!exchanged.ok) throw new Error(`${name}: no token: ${exchanged.status}`);
  const { token } = await exchanged.json();
  return { name, api, pid, token, stop, agent: new Agent({ keepAlive: true }), figures: new Map() };
}

/** Written to the closed file: a hundred thousand calls of the API would take most of the run. */
function fill(path) {
  const load = createRequire(import.meta.url);
  const isBuiltIn = Number(process.versions.node.split('.')[0]) >= 24;
  const { DatabaseSync } = load(isBuiltIn ? 'node:sqlite' : '@photostructure/sqlite');
  const database = new DatabaseSync(path);
  database.exec(`
    WITH RECURSIVE n(i) AS (SELECT 0 UNION ALL SELECT i + 1 FROM n WHERE i < ${identities - 1})
    INSERT INTO identities (id, parent, name, kind, relationship, issuer, subject, created_at, updated_at)
    SELECT g.id || '/' || printf('%016x', i * 7919 % 1000003), g.id, 'robot-' || i, 'claimMatch',
      '{"issuer":"https://issuer.example","subject":"repo:acme/app-' || i || '"}',
      'https://issuer.example', 'repo:acme/app-' || i, 1700000000000 + i * 1000, 1700000000000 + i * 1000
    FROM n JOIN groups g ON g.name = 'example.com'`);
  database.close();
}

/** Milliseconds to the last byte. */
function ask(platform, path) {
  const began = performance.now();
  const headers = { authorization: `Bearer ${platform.token}` };
  return new Promise((resolve, reject) => {
    get(platform.api + path, { agent: platform.agent, headers }, (response) => {
      let size = 0;
      response.on('data', (chunk) => {
        size += chunk.length;
      });
      response.on('error', reject);
      response.on('end', () => {
        const isWhole = path !== list || size > identities * 100;
        if (response.statusCode === 200 && isWhole) resolve(performance.now() - began);
        else reject(new Error(`${platform.name}: ${path}: ${response.statusCode}, ${size} bytes`));
      });
    }).on('error', reject);
  });
}

function record(platform, what, figure) {
  platform.figures.set(what, [...(platform.figures.get(what) ?? []), figure]);
}

/** Megabytes. */
const memoryOf = ({ pid }) => Number(/VmRSS:\s+(\d+)/.exec(readFileSync(`/proc/${pid}/status`, 'utf8'))[1]) / 1024;
/** Clock ticks, of the system and the user. */
const ticksOf = ({ pid }) => {
  const fields = readFileSync(`/proc/${pid}/stat`, 'utf8').split(') ')[1].split(' ');
  return Number(fields[11]) + Number(fields[12]);
};
const descriptorsOf = ({ pid }) => readdirSync(`/proc/${pid}/fd`).length;

async function alone(platform) {
  const before = ticksOf(platform);
  record(platform, 'time', await ask(platform, list));
  record(platform, 'processor', ticksOf(platform) - before);
}

async function beside(platform) {
  const undisturbed = [];
  for (let time = 0; time < 100; time += 1) undisturbed.push(await ask(platform, other));
  const waits = [];
  let isDone = false;
  const listing = ask(platform, list).finally(() => {
    isDone = true;
  });
  while (!isDone) {
    waits.push(await ask(platform, other));
    await sleep(2);
  }
  await listing;
  record(platform, 'wait', at(waits, 0.99) / median(undisturbed));
}

async function four(platform) {
  const before = memoryOf(platform);
  let peak = before;
  const watch = setInterval(() => {
    peak = Math.max(peak, memoryOf(platform));
  }, 20);
  await Promise.all(Array.from({ length: 4 }, () => ask(platform, list)));
  clearInterval(watch);
  record(platform, 'memory', Math.max(peak, memoryOf(platform)) - before);
}

/** What each kind of client has said when it dies. */
const greetings = {
  'HTTP/2': Buffer.concat([Buffer.from('PRI * HTTP/2.0\r\n\r\nSM\r\n\r\n'), Buffer.from([0, 0, 0, 4, 0, 0, 0, 0, 0])]),
  'HTTP/1': Buffer.from('GET /iam/v1/groups HTTP/1.1\r\nHost: 127.0.0.1\r\n'),
};
const client = `
  const { connect } = require('node:net');
  const [port, count, text] = process.argv.slice(1);
  let open = 0;
  for (let index = 0; index < count; index++) {
    connect(port, '127.0.0.1', function () {
      this.write(Buffer.from(text, 'base64'), () => { if (++open === Number(count)) process.stdout.write('open'); });
    }).on('error', () => process.exit(1));
  }
  setInterval(() => {}, 1000);`;

/** Seconds until the descriptors are back after the client of many connections was killed; otherwise how many stay. */
async function halfOpen(platform, kind) {
  platform.agent.destroy();
  await sleep(500);
  const before = descriptorsOf(platform);
  const words = ['-e', client, new URL(platform.api).port, String(connections), greetings[kind].toString('base64')];
  const child = spawn(process.execPath, words, { stdio: ['ignore', 'pipe', 'inherit'] });
  const ended = once(child, 'exit');
  await Promise.race([once(child.stdout, 'data'), ended]);
  // The system accepts connections before the platform does.
  for (let tries = 0; tries < 200 && descriptorsOf(platform) - before < connections; tries += 1) await sleep(50);
  const during = descriptorsOf(platform);
  if (child.exitCode !== null || during - before < connections * 0.9) {
    child.kill('SIGKILL');
    throw new Error(`${platform.name}: only ${during - before} of ${connections} ${kind} connections were open`);
  }
  child.kill('SIGKILL');
  const killed = performance.now();
  while (descriptorsOf(platform) > before && performance.now() - killed < patience * 1000) await sleep(50);
  const left = descriptorsOf(platform) - before;
  return left > 0
    ? `${left} still held after ${patience} s`
    : `back after ${((performance.now() - killed) / 1000).toFixed(1)} s`;
}

const tell = (what, text) => console.log(`${what.padEnd(66)} ${text}`);

function compare(what, key, unit, [ours, theirs]) {
  const pair = [ours, theirs].map((platform) => median(platform.figures.get(key)));
  const figures = pair.map((figure) => figure.toFixed(0)).join(' to ');
  tell(what, `${(pair[0] / pair[1]).toFixed(2).padStart(6)}   ${figures} ${unit}`);
}

async function builds() {
  const platforms = [];
  // Platforms are processes of their own: nothing may end this one and leave them.
  process.prependOnceListener('exit', () => {
    for (const { stop } of platforms) stop();
  });
  for (const [name, build] of [
    ['this build', root],
    ['the other', values.against],
  ]) {
    platforms.push(await start(name, build));
  }
  for (let round = 0; round < rounds; round += 1) {
    const order = round % 2 === 0 ? platforms : platforms.toReversed();
    for (const work of [alone, beside, four]) for (const platform of order) await work(platform);
  }
  console.log(`\nThis build to ${values.against}, medians of ${rounds}, ${identities} identities:`);
  compare('a list: time to the last byte', 'time', 'ms', platforms);
  compare('a list: processor time', 'processor', 'ticks', platforms);
  compare('four lists at once: growth of memory', 'memory', 'MB', platforms);
  for (const { name, figures } of platforms) {
    tell(`99th percentile of others beside a list, to their median: ${name}`, median(figures.get('wait')).toFixed(1));
  }
  for (const kind of Object.keys(greetings)) {
    for (const platform of platforms) {
      const what = `descriptors of ${connections} ${kind} connections, client killed: ${platform.name}`;
      tell(what, await halfOpen(platform, kind));
    }
  }
  for (const { agent } of platforms) agent.destroy();
}

process.once('exit', () => rmSync(folder, { recursive: true, force: true, maxRetries: 5 }));
for (const signal of ['SIGINT', 'SIGTERM']) process.once(signal, () => process.exit(1));
if (values.against === undefined) console.log('Nothing compared with another build: name its folder with --against.');
else await builds();
const peer = values.against === undefined ? [] : [`--against=${values.against}`];
process.exitCode = spawnSync(
  process.execPath,
  [fileURLToPath(new URL('bench-throughput.mjs', import.meta.url)), ...peer],
  { stdio: 'inherit' },
).status;
if (!values['no-sboms']) {
  const script = fileURLToPath(new URL('bench-sboms.mjs', import.meta.url));
  const base = values.against === undefined ? [] : [`--base=${values.against}`];
  process.exitCode ||= spawnSync(process.execPath, [script, ...base], { stdio: 'inherit' }).status ?? 1;
}
