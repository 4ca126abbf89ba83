import { readFileSync } from 'node:fs';
import { describe, expect, it } from 'vitest';
import { decodeCapabilities, encodeCapabilities, sortCapabilities } from '../../src/api/capabilities.ts';
import { capabilities } from '../../src/api/schema/capabilities.gen.ts';
import { builtInRoles } from '../../src/api/schema/roles.gen.ts';

const past = new Set(
  (JSON.parse(readFileSync('spec/enforce-roles.json', 'utf8')) as { capabilities: string[] }[]).flatMap(
    ({ capabilities: own }) => own,
  ),
);
/** As the SDK of that table has the roles: without what those of 2022 to 2024 held besides. */
const ofRole = (name: string) =>
  (builtInRoles.find((role) => role.name === name)?.capabilities ?? []).filter((each) => !past.has(each));

// The table of semantics 3.2.
const vectors: [string, readonly string[], string][] = [
  ['(none)', [], 'AAAAAAAAADIAAAAAAAAAAA=='],
  ['groups.list', ['groups.list'], 'AAAAAAAAADIAAAAAAAAACA=='],
  ['groups.list repo.list', ['groups.list', 'repo.list'], 'AAAAAAAAADsEAAAAAAAACA=='],
  ['advisories.list', ['advisories.list'], 'AAAAAAAAAFwAAAAAAAAAAAAAAAAIAAAA'],
  ['registry.pull', ofRole('registry.pull'), 'AAAAAAAAAH1EAgAAAAAACBAACAAAAAFk'],
  ['viewer', ofRole('viewer'), 'AAAAAAAAAN1EQgBAgIBESNiIGDBIiqlkFCCgkBRACAAAAAAAFgSACQ=='],
  ['editor', ofRole('editor'), 'AAAAAAAAAN1PQgDwgIBESNiIGDBIiqlkFCCgkBRACAAAAAAAFl-ACQ=='],
  ['owner', ofRole('owner'), 'AAAAAAAAAN7_8gDx4eD__vn--DBJ__tvlCHm8B_wHmMAAAAAPn_8uQ=='],
];

describe('capability sets (semantics 3.2)', () => {
  it.each(vectors)('%s', (_, names, encoded) => {
    expect(encodeCapabilities(names)).toBe(encoded);
    expect(encodeCapabilities([...names].reverse())).toBe(encoded);
    expect(decodeCapabilities(encoded)).toEqual(names);
  });

  it('reads the set of every capability back in ascending enum number', () => {
    const names = capabilities.map(({ name }) => name);
    expect(decodeCapabilities(encodeCapabilities([...names].reverse()))).toEqual(names);
    expect(capabilities.map(({ number }) => number)).toEqual(
      capabilities.map(({ number }) => number).sort((a, b) => a - b),
    );
  });

  it('reads the older list of enum numbers, whatever its order', () => {
    const numberOf = (name: string) => capabilities.find((each) => each.name === name)?.number;
    expect(decodeCapabilities([numberOf('repo.list'), 999_999, numberOf('groups.list'), 0])).toEqual([
      'groups.list',
      'repo.list',
    ]);
    expect(decodeCapabilities([])).toEqual([]);
  });

  it('ignores bits that no capability has', () => {
    const words = [250n, 0n, 0n, (1n << (135n - 128n)) | (1n << (136n - 128n)), 1n << (249n - 192n)];
    const bytes = Buffer.alloc(words.length * 8);
    for (const [index, word] of words.entries()) bytes.writeBigUInt64BE(word, index * 8);
    expect(decodeCapabilities(bytes.toString('base64url'))).toEqual([]);
  });

  it.each(['', 'AAAA', 'AAAAAAAAADI=', 'AAAAAAAAAP8AAAAAAAAACA==', '!!!!', 7, null, undefined, {}])(
    'refuses %j',
    (encoded) => {
      expect(() => decodeCapabilities(encoded)).toThrow(RangeError);
    },
  );

  it('refuses to encode a name that no capability has', () => {
    expect(() => encodeCapabilities(['groups.list', 'groups.fly'])).toThrow('"groups.fly" is not a capability');
  });

  it('sorts by enum number, without duplicates and unknown names', () => {
    expect(sortCapabilities(['repo.list', 'nonsense', 'groups.list', 'repo.list'])).toEqual([
      'groups.list',
      'repo.list',
    ]);
  });
});

describe('built-in roles (roles.md 1)', () => {
  it('hold as many capabilities as the reference counts', () => {
    const published = builtInRoles.filter(({ name }) => name !== 'gulfstream');
    expect(Object.fromEntries(published.map(({ name }) => [name, ofRole(name).length]))).toEqual({
      owner: 138,
      editor: 62,
      viewer: 51,
      console_viewer: 45,
      limited_owner: 53,
      'registry.pull': 10,
      'registry.push': 20,
      'registry.pull_token_creator': 15,
      'apk.pull': 3,
      'libraries.java.pull': 2,
      'libraries.java.pull_token_creator': 6,
      'libraries.python.pull': 2,
      'libraries.python.pull_token_creator': 6,
      'libraries.javascript.pull': 2,
      'libraries.javascript.pull_token_creator': 6,
      'guardener.user': 16,
      'guardener.admin': 18,
      'actions.viewer': 1,
      'argos.osv.reader': 1,
    });
  });

  it('list them in ascending enum number', () => {
    for (const role of builtInRoles) expect(sortCapabilities(role.capabilities)).toEqual(role.capabilities);
  });

  it('are described as the public tutorial shows', () => {
    expect(builtInRoles.find(({ name }) => name === 'viewer')?.description).toBe('Viewer Role (built-in)');
  });
});
