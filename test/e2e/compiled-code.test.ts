// The code that a build compiles beforehand (scripts/code-cache.mjs): taken by the V8 that made it, and no harm elsewhere.

import { spawnSync } from 'node:child_process';
import {
  cpSync,
  mkdtempSync,
  readdirSync,
  readFileSync,
  renameSync,
  rmSync,
  symlinkSync,
  writeFileSync,
} from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { afterAll, beforeAll, expect, test } from 'vitest';

const root = join(import.meta.dirname, '..', '..');
let folder: string;
let pack: string;

beforeAll(() => {
  folder = mkdtempSync(join(tmpdir(), 'chainctl-compiled-'));
  cpSync(join(root, 'dist'), join(folder, 'dist'), { recursive: true });
  rmSync(join(folder, 'dist', 'code'), { recursive: true, force: true });
  symlinkSync(join(root, 'node_modules'), join(folder, 'node_modules'));
  cpSync(join(root, 'bin'), join(folder, 'bin'), { recursive: true });
  const made = node([join(root, 'scripts', 'code-cache.mjs'), `--dist=${join(folder, 'dist')}`], process.env);
  expect(made.stderr).toBe('');
  pack = join(folder, 'dist', 'code', `${process.versions.v8}-${process.arch}.pack`);
  writeFileSync(
    join(folder, 'taken.cjs'),
    `const vm = require('node:vm'); const { Script } = vm; const seen = { taken: 0, refused: 0, without: 0 };
     vm.Script = function (source, options) {
       const script = new Script(source, options);
       seen[options.cachedData === undefined ? 'without' : script.cachedDataRejected ? 'refused' : 'taken'] += 1;
       return script;
     };
     process.on('exit', () => process.stderr.write(JSON.stringify(seen)));`,
  );
});
afterAll(() => rmSync(folder, { recursive: true, force: true }));

function node(args: readonly string[], env: NodeJS.ProcessEnv = { PATH: process.env['PATH'], HOME: folder }) {
  return spawnSync(process.execPath, args, { env, encoding: 'utf8' });
}

function configView() {
  const { status, stdout, stderr } = node([
    '--require',
    join(folder, 'taken.cjs'),
    join(folder, 'bin', 'chainctl.js'),
    'config',
    'view',
  ]);
  return { status, stdout, seen: JSON.parse(stderr) as Record<'taken' | 'refused' | 'without', number> };
}

test('what V8 has compiled before is taken as it is, out of one file', () => {
  rmSync(join(folder, 'dist', 'aside'), { recursive: true, force: true });
  renameSync(join(folder, 'dist', 'chunks'), join(folder, 'dist', 'aside'));
  const { status, stdout, seen } = configView();
  expect({ status, seen }).toEqual({ status: 0, seen: { taken: expect.any(Number), refused: 0, without: 0 } });
  expect(seen.taken).toBeGreaterThan(3);
  expect(stdout).toContain('mode: browser');
  renameSync(join(folder, 'dist', 'aside'), join(folder, 'dist', 'chunks'));
});

/** Returns where in the file what V8 has compiled of a chunk begins. */
function codeOf(bytes: Buffer, chunk: string): number {
  const index = JSON.parse(bytes.toString('latin1', 16, 16 + Number(bytes.toString('latin1', 0, 8)))) as Record<
    string,
    [at: number, source: number, code: number]
  >;
  const [, [at, source]] = Object.entries(index).find(([name]) => name.startsWith(`chunks/${chunk}-`)) ?? ['', [0, 0]];
  return 16 + at + source;
}

test('what is of another V8, cut short or not there is compiled anew, with the same answer', () => {
  const { stdout: expected, seen } = configView();
  const bytes = readFileSync(pack);
  const start = codeOf(bytes, 'run');
  const ofAnother = Buffer.from(bytes);
  // The first numbers are V8's own marks of version and flags.
  ofAnother.writeUInt32LE((bytes.readUInt32LE(start + 4) ^ 1) >>> 0, start + 4);
  writeFileSync(pack, ofAnother);
  expect(configView()).toMatchObject({ status: 0, stdout: expected, seen: { refused: 1, taken: seen.taken - 1 } });
  writeFileSync(pack, bytes.subarray(0, start + 100));
  const cut = configView();
  expect(cut).toMatchObject({ status: 0, stdout: expected, seen: { refused: 0 } });
  expect(cut.seen.without).toBeGreaterThan(0);
  for (const length of [0, 10, 100]) {
    writeFileSync(pack, bytes.subarray(0, length));
    expect(configView()).toMatchObject({ status: 0, stdout: expected, seen: { taken: 0, refused: 0 } });
  }
  rmSync(join(folder, 'dist', 'code'), { recursive: true });
  expect(configView()).toMatchObject({ status: 0, stdout: expected, seen: { taken: 0, refused: 0 } });
});

test('a stack trace names the lines of the chunk', () => {
  const chunks = join(folder, 'dist', 'chunks');
  // One that is loaded before the program looks after errors itself.
  const file = join(chunks, readdirSync(chunks).find((name) => name.startsWith('process-')) ?? '');
  const source = readFileSync(file, 'utf8');
  writeFileSync(file, `${source}\nthrow new Error('on purpose');\n`);
  const { stderr, status } = node([join(folder, 'bin', 'chainctl.js'), '--help']);
  expect(status).toBe(1);
  expect(stderr).toContain(`${file}:${source.split('\n').length + 1}`);
});
