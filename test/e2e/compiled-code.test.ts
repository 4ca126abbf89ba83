// The code that a build compiles beforehand (scripts/code-cache.mjs): taken by the V8 that made it, and no harm elsewhere.

import { spawnSync } from 'node:child_process';
import { cpSync, mkdtempSync, readdirSync, readFileSync, rmSync, symlinkSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { afterAll, beforeAll, expect, test } from 'vitest';

const root = join(import.meta.dirname, '..', '..');
let folder: string;
let code: string;

beforeAll(() => {
  folder = mkdtempSync(join(tmpdir(), 'chainctl-compiled-'));
  cpSync(join(root, 'dist'), join(folder, 'dist'), { recursive: true });
  rmSync(join(folder, 'dist', 'code'), { recursive: true, force: true });
  symlinkSync(join(root, 'node_modules'), join(folder, 'node_modules'));
  cpSync(join(root, 'bin'), join(folder, 'bin'), { recursive: true });
  const made = node([join(root, 'scripts', 'code-cache.mjs'), `--dist=${join(folder, 'dist')}`], process.env);
  expect(made.stderr).toBe('');
  code = join(folder, 'dist', 'code', `${process.versions.v8}-${process.arch}`);
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

test('what V8 has compiled before is taken as it is', () => {
  const { status, stdout, seen } = configView();
  expect({ status, seen }).toEqual({ status: 0, seen: { taken: expect.any(Number), refused: 0, without: 0 } });
  expect(seen.taken).toBeGreaterThan(3);
  expect(stdout).toContain('mode: browser');
});

test('what is cut short, of another V8 or not there is compiled anew, with the same answer', () => {
  const { stdout: expected } = configView();
  for (const name of readdirSync(code)) {
    const bytes = readFileSync(join(code, name));
    // The first numbers are V8's own marks of version and flags.
    if (name.startsWith('run-')) bytes.writeUInt32LE((bytes.readUInt32LE(4) ^ 1) >>> 0, 4);
    writeFileSync(join(code, name), name.startsWith('find-') ? bytes.subarray(0, bytes.length >> 1) : bytes);
  }
  const damaged = configView();
  expect(damaged).toMatchObject({ status: 0, stdout: expected, seen: { refused: 2 } });
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
