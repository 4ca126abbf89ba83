// A folder in which the files of one run share what is slow to make and of no test's interest: keys of test platforms.

import { mkdtempSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';

export default function setup(): () => void {
  const folder = mkdtempSync(join(tmpdir(), 'chainctl-test-keys-'));
  process.env['CHAINCTL_TEST_KEYS'] = folder;
  return () => rmSync(folder, { recursive: true, force: true });
}
