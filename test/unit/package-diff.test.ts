import { expect, test } from 'vitest';
import type { PackageDiff } from '../../src/attestations/diff-rows.ts';
import { diffPackages } from '../../src/attestations/package-diff.ts';
import { readPackageUrl } from '../../src/attestations/package-url.ts';

const one = (purl: string) => {
  const { type, version } = readPackageUrl(purl);
  const name = /\/([^/@?]+)(?:@[^/]*)?$/.exec(purl.replace(/[?#].*$/, ''))?.[1] ?? '';
  return { id: '', name, version, purl, type, origin: '', license: '', description: '' };
};
const all = (...purls: string[]) => purls.map(one);
const told = (diff: PackageDiff) => ({
  added: (diff.added ?? []).map(({ reference }) => reference),
  removed: (diff.removed ?? []).map(({ reference }) => reference),
  changed: (diff.changed ?? []).map(({ previous, current }) => [previous.reference, current.reference]),
});
const nothing = { added: [], removed: [], changed: [] };

test.each([
  ['another order', ['pkg:npm/x@1', 'pkg:npm/x@2'], ['pkg:npm/x@2', 'pkg:npm/x@1'], nothing],
  ['one more version', ['pkg:npm/x@1'], ['pkg:npm/x@2', 'pkg:npm/x@1'], { ...nothing, added: ['pkg:npm/x@2'] }],
  ['a copy less', ['pkg:npm/x@1', 'pkg:npm/x@1'], ['pkg:npm/x@1'], { ...nothing, removed: ['pkg:npm/x@1'] }],
  [
    'one version for another, beside one that stays',
    ['pkg:npm/x@1', 'pkg:npm/x@3'],
    ['pkg:npm/x@2', 'pkg:npm/x@3'],
    { ...nothing, changed: [['pkg:npm/x@1', 'pkg:npm/x@2']] },
  ],
  [
    'two versions for one',
    ['pkg:npm/x@1', 'pkg:npm/x@2'],
    ['pkg:npm/x@3'],
    { ...nothing, removed: ['pkg:npm/x@1', 'pkg:npm/x@2'], added: ['pkg:npm/x@3'] },
  ],
  [
    'architectures are different things',
    ['pkg:deb/debian/x@1?arch=amd64', 'pkg:deb/debian/x@1?arch=i386'],
    ['pkg:deb/debian/x@1?arch=amd64'],
    { ...nothing, removed: ['pkg:deb/debian/x@1?arch=i386'] },
  ],
  [
    'other qualifiers are not',
    ['pkg:deb/debian/x@1?distro=debian-12&arch=amd64'],
    ['pkg:deb/debian/x@1?arch=amd64&distro=debian-13'],
    nothing,
  ],
  [
    'subpaths are',
    ['pkg:golang/g/x@1#a'],
    ['pkg:golang/g/x@1#b'],
    { ...nothing, removed: ['pkg:golang/g/x@1#a'], added: ['pkg:golang/g/x@1#b'] },
  ],
  ['encoded or not', ['pkg:npm/%40acme/x@1'], ['pkg:npm/@acme/x@1'], nothing],
  // What breaks a rule of package URLs is compared all the same.
  [
    'no namespace where one is required',
    ['pkg:maven/x@1'],
    ['pkg:maven/x@2'],
    { ...nothing, changed: [['pkg:maven/x@1', 'pkg:maven/x@2']] },
  ],
])('%s', (_what, before, after, expected) => {
  expect(told(diffPackages(all(...before), all(...after), ['-']))).toEqual(expected);
});

test('the difference makes the second of the first, whatever is in them', () => {
  let seed = 7;
  const random = (below: number) => {
    seed = (seed * 1_103_515_245 + 12_345) % 2_147_483_648;
    return seed % below;
  };
  for (let round = 0; round < 300; round += 1) {
    const some = () =>
      Array.from({ length: random(8) }, () => `pkg:npm/${'ab'[random(2)]}@${random(3)}?arch=${'xy'[random(2)]}`);
    const [before, after] = [some(), some()];
    const { added, removed, changed } = told(diffPackages(all(...before), all(...after), ['npm']));
    const made = [...before];
    for (const gone of [...removed, ...changed.map(([previous]) => previous ?? '')]) {
      expect(made).toContain(gone);
      made.splice(made.indexOf(gone), 1);
    }
    made.push(...added, ...changed.map(([, current]) => current ?? ''));
    expect(made.sort()).toEqual([...after].sort());
  }
});

test('only the types asked for', () => {
  const diff = diffPackages(all('pkg:npm/x@1', 'pkg:apk/wolfi/y@1'), [], ['apk']);
  expect(told(diff).removed).toEqual(['pkg:apk/wolfi/y@1']);
});
