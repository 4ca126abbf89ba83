// The tests of HTTP and of updates run on the runtime of the executables, whose client and processes are others: the same
// rules hold for both.

import { spawnSync } from 'node:child_process';
import { mkdtempSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { root } from '../build-constants.mjs';
import { fileOfPackage } from './packages.mjs';
import { hostTarget } from './targets.mjs';

const tests = ['transport', 'transport-proxy', 'api-http', 'oci-client', 'sts', 'update'].map(
  (name) => `test/unit/${name}.test.ts`,
);
const folder = mkdtempSync(join(tmpdir(), 'chainctl-bun-'));
try {
  const bun = join(folder, 'bun');
  writeFileSync(bun, await fileOfPackage(hostTarget().runtime), { mode: 0o755 });
  // Its own test runner stands in for vitest, whose imports it understands.
  const { status } = spawnSync(bun, ['test', '--timeout=30000', ...tests], { cwd: root, stdio: 'inherit' });
  process.exitCode = status ?? 1;
} finally {
  rmSync(folder, { recursive: true, force: true });
}
