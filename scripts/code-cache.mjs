// What V8 compiles of dist/ before anything runs, kept beside it so that a start need not: a start of the commands that are
// typed and scripted most is recorded, with a platform of its own. The chunks go into the same file, those in front that every
// command loads, so that a start opens one file instead of thirty. It is of one V8 and one processor; any other ignores it
// (src/node/entry.ts). Nothing is written at run time: a cache that a user can write would be code that a
// root shell with that user's HOME runs.
//
// Usage: node scripts/code-cache.mjs [--dist=FOLDER]

import { spawn } from 'node:child_process';
import { once } from 'node:events';
import { mkdirSync, mkdtempSync, readdirSync, readFileSync, rmSync, statSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join, relative, resolve } from 'node:path';
import { fileURLToPath } from 'node:url';

const root = fileURLToPath(new URL('..', import.meta.url));
const dist = resolve(
  process.argv.find((word) => word.startsWith('--dist='))?.slice('--dist='.length) ?? join(root, 'dist'),
);
const folder = mkdtempSync(join(tmpdir(), 'chainctl-code-'));
const code = join(folder, 'code');
mkdirSync(code);
// Not through bin/: what is recorded may stand elsewhere.
const program = join(folder, 'chainctl.cjs');
writeFileSync(program, `require(${JSON.stringify(join(dist, 'chainctl.cjs'))});\n`);
const env = { PATH: process.env.PATH, HOME: folder, CHAINCTL_CODE: code, CHAINCTL_DIST: dist };

function start(words, stdin = 'ignore') {
  const recorder = join(root, 'scripts', 'code-recorder.cjs');
  return spawn(process.execPath, ['--require', recorder, program, ...words], { env, stdio: [stdin, 'pipe', 'pipe'] });
}

async function run(...words) {
  const child = start(words);
  let out = '';
  let errors = '';
  child.stdout.on('data', (text) => {
    out += text;
  });
  child.stderr.on('data', (text) => {
    errors += text;
  });
  const [status] = await once(child, 'close');
  if (status !== 0) throw new Error(`chainctl ${words.join(' ')} ended with ${status}: ${errors}`);
  return out;
}

/** Opens the console and some of its pages, as its browser does. */
async function lookAtConsole(...pages) {
  const child = start(['console', '--no-browser', '-o', 'json']);
  const gone = once(child, 'close');
  try {
    const [text] = await Promise.race([
      once(child.stdout, 'data'),
      gone.then(() => Promise.reject(new Error('chainctl console did not come up'))),
    ]);
    const { url, file } = JSON.parse(text);
    const code = /name="code" value="([^"]+)"/.exec(readFileSync(fileURLToPath(file), 'utf8'))?.[1] ?? '';
    const body = new URLSearchParams({ code });
    const entered = await fetch(`${url}code`, { method: 'POST', redirect: 'manual', body });
    const cookie = entered.headers.getSetCookie()[0]?.split(';')[0] ?? '';
    for (const page of pages) {
      const first = new URL(`${entered.headers.get('location')}${page}`, url);
      const led = await fetch(first, { headers: { cookie }, redirect: 'manual' });
      const shown = await fetch(new URL(led.headers.get('location') ?? first, url), { headers: { cookie } });
      if (shown.status !== 200) throw new Error(`the console's page "${page}" answered ${shown.status}`);
    }
  } finally {
    child.kill('SIGINT');
    await gone;
  }
}

const data = ['--data-dir', join(folder, 'platform')];
const platform = start(['local', 'start', '--output=json', ...data]);
let said = '';
let common;
platform.stderr.on('data', (text) => {
  said += text;
});
const ended = once(platform, 'close');
try {
  await Promise.race([
    once(platform.stdout, 'data'),
    ended.then(() => Promise.reject(new Error(`no platform came up: ${said.trim()}`))),
  ]);
  for (const [, name, value] of (await run('local', 'env', ...data)).matchAll(/^export (\w+)=(.*)$/gm))
    env[name] = value;
  const token = join(folder, 'token');
  writeFileSync(token, await run('local', 'token', ...data), { mode: 0o600 });
  await run('auth', 'login', '--identity-token', token);
  const used = join(folder, 'used.json');
  env.CHAINCTL_USED = used;
  for (const words of [
    '--help',
    'iam identities create --help',
    'config view',
    'auth status --quick',
    'iam organizations list -o json',
    'iam organizations list',
    'images list -o json',
  ]) {
    await run(...words.split(' '));
    const names = JSON.parse(readFileSync(used, 'utf8'));
    common = common?.filter((name) => names.includes(name)) ?? names;
  }
  await lookAtConsole('', 'settings/pull-tokens', 'images');
} finally {
  platform.kill('SIGINT');
  await ended;
}

const names = readdirSync(code, { recursive: true })
  .filter((name) => name.endsWith('.cjs'))
  .map((name) => relative(code, join(code, name)).replaceAll('\\', '/'));
const ordered = [...common, ...names.filter((name) => !common.includes(name)).toSorted()];
const parts = ordered.map((name) => [readFileSync(join(code, `${name}.source`)), readFileSync(join(code, name))]);

/** Returns the index as text for parts that begin at a byte. Where each begins is counted from the index's own first byte. */
function indexFrom(start) {
  let at = start;
  const index = ordered.map((name, which) => {
    const [source, compiled] = parts[which];
    const entry = [name, [at, source.length, compiled.length]];
    at += source.length + compiled.length;
    return entry;
  });
  return JSON.stringify(Object.fromEntries(index));
}

// Longer by what the places in it may grow.
const room = indexFrom(0).length + 8 * ordered.length;
const index = indexFrom(room).padEnd(room);
const head = parts
  .slice(0, common.length)
  .reduce((sum, [source, compiled]) => sum + source.length + compiled.length, room);
const lengths = [room, head].map((length) => String(length).padStart(8, '0')).join('');
const to = join(dist, 'code', `${process.versions.v8}-${process.arch}.pack`);
rmSync(join(dist, 'code'), { recursive: true, force: true });
mkdirSync(join(dist, 'code'));
writeFileSync(to, Buffer.concat([Buffer.from(lengths + index, 'latin1'), ...parts.flat()]));
rmSync(folder, { recursive: true, force: true });
console.log(
  `compiled code of ${ordered.length} chunks for V8 ${process.versions.v8}, ${Math.round(statSync(to).size / 1024)} kB, ${common.length} of them read at once`,
);
