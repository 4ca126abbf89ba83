// A long list as a ratio to curl, which downloads the same answer from the same server, interleaved in one run: json,
// table, csv and id of `iam identities list`, with their peak memory. Twice: from a local platform that has so many rows,
// which is what the aims are about, and from a server that has nothing to do but send a finished answer, which says what
// our own work is. `--rows=100000 --rounds=5 --enforce --only=platform|finished`. CHAINCTL_PROGRAM names an executable,
// whose CPU time for json is compared with the Node build's;
// `--against=FOLDER` a checkout that is built, whose json is compared with this one's.

import { mkdtempSync, rmSync, writeFileSync } from 'node:fs';
import { createServer } from 'node:http';
import { loadavg, tmpdir } from 'node:os';
import { join } from 'node:path';
import { isMainThread, parentPort, Worker, workerData } from 'node:worker_threads';
import {
  measure,
  median,
  program as nodeBuild,
  option,
  platformOf,
  requireGnuTime,
  signedIn,
} from './bench-support.mjs';

const executable = process.env.CHAINCTL_PROGRAM;
const against = option('against');

/** The answer of a platform that lists every field, as the REST gateway does. */
function answer(rows) {
  const organization = '0475f6baca584a8964a6bce6b74dbe78dd8805b6';
  const items = Array.from({ length: rows }, (_, at) => ({
    id: `${organization}/${(at * 7919).toString(16).padStart(16, '0')}`,
    name: `identity-${at}`,
    description: at % 3 === 0 ? 'Builds and publishes the images of one service' : '',
    createdAt: '2026-01-02T03:04:05Z',
    updatedAt: '2026-01-02T03:04:05Z',
    claimMatch: {
      issuer: 'https://token.actions.githubusercontent.com',
      subjectPattern: `^repo:(?:acme/app-${at}):.*$`,
    },
  }));
  return JSON.stringify({ items });
}

if (!isMainThread) {
  const identities = Buffer.from(answer(workerData.rows));
  const nothing = Buffer.from('{"items":[]}');
  const server = createServer((request, response) => {
    const body = request.url?.startsWith('/iam/v1/identities') ? identities : nothing;
    response.writeHead(200, { 'content-type': 'application/json', 'content-length': body.length });
    response.end(body);
  });
  server.listen(0, '127.0.0.1', () => parentPort?.postMessage(server.address().port));
}

const rows = Number(option('rows') ?? 100_000);
const rounds = Number(option('rounds') ?? 5);
let over = false;

/** A server that sends a finished answer. Its token is checked by nobody. */
async function finished() {
  const worker = new Worker(new URL(import.meta.url), { workerData: { rows } });
  const port = await new Promise((resolve) => worker.once('message', resolve));
  const api = `http://127.0.0.1:${port}`;
  const part = (value) => Buffer.from(JSON.stringify(value)).toString('base64url');
  const token = `${part({ alg: 'RS256' })}.${part({ aud: api, exp: Math.floor(Date.now() / 1000) + 3600 })}.c2ln`;
  return { api, token, stop: () => worker.terminate() };
}

/** A platform with as many identities. */
const platform = (folder) => platformOf('bench-lists-platform.ts', folder, rows);

async function main() {
  const only = option('only');
  console.log(`Node ${process.version}, ${rows} rows, ${rounds} rounds, medians; load ${loadavg()[0]?.toFixed(1)}`);
  for (const [name, source] of Object.entries({ platform, finished })) {
    if (only !== undefined && only !== name) continue;
    const folder = mkdtempSync(join(tmpdir(), 'chainctl-bench-lists-'));
    const { api, token, stop } = await source(folder);
    try {
      console.log(`\n${name === 'platform' ? 'From a local platform' : 'From a server with a finished answer'}`);
      tell(await compare(api, token, folder), name === 'platform');
    } finally {
      await stop();
      rmSync(folder, { recursive: true, force: true });
    }
  }
  if (over && process.argv.includes('--enforce')) process.exitCode = 1;
}

async function compare(api, token, folder) {
  const memory = join(folder, 'memory');
  const env = signedIn(folder, { api, token });
  // In a file: what is on a command line can be read by everybody.
  const headers = join(folder, 'headers');
  writeFileSync(headers, `Authorization: Bearer ${token}\n`, { mode: 0o600 });

  const program = [option('program') ?? nodeBuild];
  const list = (format) => [...program, 'iam', 'identities', 'list', '-o', format];
  const node = process.execPath;
  const cases = [
    { name: 'curl', command: 'curl', args: ['-sf', '-H', `@${headers}`, `${api}/iam/v1/identities`] },
    { name: 'one small call', command: node, args: [...program, 'iam', 'organizations', 'list', '-o', 'json'] },
    ...['json', 'table', 'csv', 'id'].map((format) => ({ name: format, command: node, args: list(format) })),
    ...(against
      ? [{ name: 'json, other', command: node, args: [join(against, 'bin/chainctl.js'), ...list('json').slice(1)] }]
      : []),
    ...(executable ? [{ name: 'json, executable', command: executable, args: list('json').slice(1) }] : []),
  ].map((one) => ({ ...one, ms: [], first: [], mb: [], cpu: [] }));
  for (let round = 0; round <= rounds; round += 1) {
    for (const one of cases) {
      const taken = await measure(one.command, one.args, env, { memory, keeps: false });
      if (round > 0) for (const figure of ['ms', 'first', 'mb', 'cpu']) one[figure].push(taken[figure]);
    }
  }
  return cases;
}

function tell(cases, hasAims) {
  const [curl, small, json] = ['curl', 'one small call', 'json'].map((name) => cases.find((one) => one.name === name));
  const aims = hasAims ? { json: { time: 1.5 }, table: { time: 1.3, memory: 1.5 } } : {};
  for (const one of cases) {
    const peer = one.name === 'table' ? json : curl;
    const ratio = median(one.ms) / median(peer.ms);
    const memoryRatio = median(one.mb) / median(json.mb);
    const aim = aims[one.name];
    const isOver = aim !== undefined && (ratio > aim.time || memoryRatio > (aim.memory ?? Number.POSITIVE_INFINITY));
    over ||= isOver;
    console.log(
      `${one.name.padEnd(16)} ${median(one.ms).toFixed(0).padStart(6)} ms  ${ratio.toFixed(2).padStart(5)} × ${peer.name.padEnd(5)}` +
        ` CPU ${median(one.cpu).toFixed(2)} s  first byte ${median(one.first).toFixed(0).padStart(5)} ms` +
        `  peak ${median(one.mb).toFixed(0).padStart(4)} MB (${memoryRatio.toFixed(2)} × json)${isOver ? '  over its aim' : ''}`,
    );
  }
  const firstAim = median(curl.first) + median(small.ms);
  for (const one of cases.filter(({ name }) => ['json', 'csv', 'id'].includes(name))) {
    const isLate = median(one.first) > firstAim;
    over ||= isLate;
    console.log(
      `first row of ${one.name}: ${median(one.first).toFixed(0)} ms, aim ${firstAim.toFixed(0)} ms${isLate ? '  over its aim' : ''}`,
    );
  }
  const other = cases.find(({ name }) => name === 'json, other');
  if (other) {
    const [cpu, otherCpu] = [median(json.cpu), median(other.cpu)];
    console.log(
      `CPU time of json: this build ${cpu.toFixed(2)} s, the other ${otherCpu.toFixed(2)} s, ratio ${(cpu / otherCpu).toFixed(2)}`,
    );
  }
  if (!executable) return;
  const own = cases.find(({ name }) => name === 'json, executable');
  const ratio = median(own.cpu) / median(json.cpu);
  over ||= ratio > 0.7;
  console.log(
    `CPU time of json: executable ${median(own.cpu).toFixed(2)} s, Node ${median(json.cpu).toFixed(2)} s, ratio ` +
      `${ratio.toFixed(2)}, aim 0.70${ratio > 0.7 ? '  over its aim' : ''}`,
  );
}

if (isMainThread) {
  requireGnuTime();
  await main();
}
