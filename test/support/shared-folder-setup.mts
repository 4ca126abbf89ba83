// A folder in which the files of one run share what is slow to make and of no test's interest: keys of test platforms, a
// platform as a program of its own.

import { mkdtempSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';

export default function setup(): () => void {
  const folder = mkdtempSync(join(tmpdir(), 'chainctl-test-shared-'));
  process.env['CHAINCTL_TEST_SHARED'] = folder;
  return () => rmSync(folder, { recursive: true, force: true });
}
