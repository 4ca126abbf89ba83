// The order of apk's versions (apk-package(5) of apk-tools 3, "pkgver").

import { expect, test } from 'vitest';
import { compareVersions } from '../../src/attestations/version-order.ts';

const inOrder = [
  '0_git20250101-r0',
  '0_git20250102-r0',
  '0.1-r0',
  '1.2_alpha-r0',
  '1.2_beta-r0',
  '1.2_beta2-r0',
  '1.2_pre-r0',
  '1.2_rc9-r0',
  '1.2_rc10-r0',
  '1.2-r9',
  '1.2-r10',
  '1.2_cvs1-r0',
  '1.2_svn1-r0',
  '1.2_git1-r0',
  '1.2_hg1-r0',
  '1.2_p1-r0',
  '1.2a-r0',
  '1.2b-r0',
  '1.2.0-r0',
  '1.10-r0',
];

test('every suffix has its place', () => {
  for (const [at, version] of inOrder.entries()) {
    for (const [other, than] of inOrder.entries()) {
      expect(Math.sign(compareVersions(version, than)), `${version} ${than}`).toBe(Math.sign(at - other));
    }
  }
});

test('the hash of a commit is passed over', () => {
  expect(compareVersions('1.2~0a1b2c3-r1', '1.2-r1')).toBe(0);
  expect(compareVersions('1.2_git3~0a1b2c3-r1', '1.2_git3-r2')).toBeLessThan(0);
});
