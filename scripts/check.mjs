// Everything about the sources that needs no running: format, lint, types, unused exports, generated files.

import { spawnSync } from 'node:child_process';
import { fileURLToPath } from 'node:url';

const root = fileURLToPath(new URL('..', import.meta.url));
const steps = [
  ['format and lint', 'biome', ['ci', '.']],
  ['types', 'tsc', ['--noEmit']],
  ['unused files, exports and packages', 'knip', []],
  ['generated files', 'tsx', ['scripts/gen.ts', '--check']],
];
let failed = 0;
for (const [name, program, args] of steps) {
  const started = Date.now();
  const result = spawnSync('npx', ['--no-install', program, ...args], { cwd: root, encoding: 'utf8' });
  const ok = result.status === 0;
  console.log(`${ok ? 'ok  ' : 'FAIL'} ${name} (${((Date.now() - started) / 1000).toFixed(1)} s)`);
  if (!ok) {
    failed += 1;
    console.log(`${result.stdout}${result.stderr}`);
  }
}
console.log(`check: ${steps.length - failed} passed, ${failed} failed`);
process.exitCode = failed === 0 ? 0 : 1;
