import { expect, test } from 'vitest';
import { compareApkVersions } from '../../src/local/registry/apk-version.ts';

test('versions are ordered as apk orders them', () => {
  const ascending = [
    '1.2_alpha1',
    '1.2_beta',
    '1.2_rc1',
    '1.2_rc2',
    '1.2-r0',
    '1.2-r1',
    '1.2-r10',
    '1.2a',
    '1.2b',
    '1.2_git20240101',
    '1.2_p1',
    '1.2.0',
    '1.2.9',
    '1.2.10-r0',
    '1.10',
    '2',
    '20250619-r6',
  ];
  // Letters and suffixes are compared within one number; the list above is split where that would not hold.
  const groups = [ascending.slice(0, 7), ['1.2', '1.2a', '1.2b'], ['1.2', '1.2_git1', '1.2_p1'], ascending.slice(11)];
  for (const group of groups) {
    for (const [position, version] of group.entries()) {
      expect(compareApkVersions(version, version)).toBe(0);
      for (const later of group.slice(position + 1)) {
        expect(compareApkVersions(version, later), `${version} < ${later}`).toBeLessThan(0);
        expect(compareApkVersions(later, version), `${later} > ${version}`).toBeGreaterThan(0);
      }
    }
  }
  expect(compareApkVersions('3.5.4-r0', '3.5.4')).toBe(0);
});
