// How policy documents are read, and what their globs cover (enforce.md 2 and 3).

import { generateKeyPairSync } from 'node:crypto';
import { describe, expect, test } from 'vitest';
import { readPolicies, readPolicy } from '../../src/enforce/policy/document.ts';
import { coveringGlob, normalForm, parseReference } from '../../src/enforce/policy/globs.ts';

const digest = `sha256:${'a'.repeat(64)}`;
const covers = (glob: string, image: string) => {
  const reference = parseReference(image);
  if (reference === undefined) throw new Error(`${image} is no reference`);
  return coveringGlob([glob], { ...reference, digest }, image) !== undefined;
};

test.each([
  ['ubuntu', `index.docker.io/library/ubuntu@${digest}`],
  ['me/app:1', `index.docker.io/me/app@${digest}`],
  ['docker.io/ubuntu', `index.docker.io/library/ubuntu@${digest}`],
  ['ttl.sh/me/tutorial/busybox', `ttl.sh/me/tutorial/busybox@${digest}`],
  ['localhost:5000/a/b:c', `localhost:5000/a/b@${digest}`],
])('the normal form of %s has the host and no tag', (image, expected) => {
  const reference = parseReference(image);
  expect(reference && normalForm({ ...reference, digest })).toBe(expected);
});

test.each(['', 'A/b', 'a//b', 'host.io/', 'a b', 'x@sha256:12'])('%j names no image', (text) => {
  expect(parseReference(text)).toBeUndefined();
});

test.each([
  ['ttl.sh/*', 'ttl.sh/app', true],
  ['ttl.sh/*', 'ttl.sh/me/app', false],
  ['ttl.sh/**', 'ttl.sh/me/tutorial/app', true],
  ['index.docker.io/*/*', 'ubuntu', true],
  ['*', 'ubuntu', true],
  ['*', 'me/app', false],
  ['*/*', 'me/app', true],
  // The digest always counts and the tag never does.
  ['ttl.sh/app', 'ttl.sh/app', true],
  ['**:latest', 'quay.io/app:latest', true],
  ['quay.io/app:latest', 'quay.io/app:1', false],
  ['quay.io/app@sha256:*', 'quay.io/app', true],
  ['quay.io/app*', 'quay.io/application', true],
  ['quay.io/a.p@sha256:*', 'quay.io/aXp'.toLowerCase(), false],
] as const)('%s over %s is %s', (glob, image, expected) => {
  expect(covers(glob, image)).toBe(expected);
});

const document = (spec: string, version = 'v1beta1') => `apiVersion: policy.sigstore.dev/${version}
kind: ClusterImagePolicy
metadata:
  name: p
spec:
${spec}`;
const images = '  images:\n  - glob: "**"\n';

test.each([
  ['', 'the document is empty'],
  ['- a', 'line 1: the document must be an object with fields'],
  ['a: [', 'line 1: '],
  [document(`${images}  authorities: []\n`), 'line 8: spec.authorities needs one authority at least'],
  [document('  images: []\n  authorities: [{ static: { action: pass } }]'), 'line 6: spec.images needs one glob'],
  [
    document(`${images}  authorities:\n  - key: {}\n    static: { action: pass }\n`),
    'line 9: spec.authorities[0] needs exactly one of key, keyless and static',
  ],
  [
    document(`${images}  authorities:\n  - static: { action: maybe }\n`),
    'line 9: spec.authorities[0].static.action must be pass or fail',
  ],
  [
    document('  images:\n  - glob: "a b"\n  authorities: [{ static: { action: pass } }]'),
    'line 7: spec.images[0].glob: "a b" may hold',
  ],
  [
    document(`${images}  authorities:\n  - key:\n      data: nothing\n`),
    'line 10: spec.authorities[0].key.data holds no PEM',
  ],
  [
    document(
      `${images}  authorities:\n  - key:\n      data: |\n        -----BEGIN PUBLIC KEY-----\n        MFkwEwYHKoZIzj0CAQYI\n        -----END PUBLIC KEY-----\n`,
    ),
    'line 10: spec.authorities[0].key.data holds a key that cannot be read',
  ],
  [
    document(
      `${images}  authorities:\n  - keyless:\n      identities:\n      - issuerRegExp: "("\n        subject: s\n`,
    ),
    'line 11: spec.authorities[0].keyless.identities[0].issuerRegExp',
  ],
  [
    document(`${images}  authorities: [{ static: { action: pass } }]\n  mode: off\n`),
    'line 9: spec.mode must be enforce or warn',
  ],
  [
    document(`${images}  authorities: [{ static: { action: pass } }]\n  modus: warn\n`),
    'line 9: "spec.modus" is not a field',
  ],
  [
    document(`${images}  authorities: [{ static: { action: pass } }]`).replace('name: p', 'name: P_'),
    'line 4: metadata.name',
  ],
  [
    `${document(`${images}  authorities: [{ static: { action: pass } }]`)}\n---\n${document(`${images}  authorities: [{ static: { action: pass } }]`)}`,
    'a policy "p" stands in line 4 already',
  ],
])('%j is refused with its line', (text, message) => {
  expect(() => readPolicies(text)).toThrow(message);
});

test('what is no public key is refused with what to type instead', () => {
  const { privateKey } = generateKeyPairSync('ec', { namedCurve: 'P-256' });
  const pem = (text: string) =>
    document(`  images: [{ glob: '**' }]\n  authorities:\n  - key: { data: ${JSON.stringify(text)} }\n`);
  const secret = String(privateKey.export({ type: 'pkcs8', format: 'pem' }));
  expect(() => readPolicies(pem(secret))).toThrow(
    /line 8: .*key\.data holds no PEM of a public key but a private key; .*-pubout/,
  );
  const certificate = '-----BEGIN CERTIFICATE-----\nAAAA\n-----END CERTIFICATE-----\n';
  expect(() => readPolicies(pem(certificate))).toThrow(/but a certificate; .*openssl x509 -noout -pubkey/);
});

test('an alias that stands for too much is refused and not unfolded', () => {
  const levels = ['a: &a ["x","x","x","x","x","x","x","x","x"]'];
  for (let at = 1; at < 9; at += 1) {
    const [before, own] = [String.fromCharCode(96 + at), String.fromCharCode(97 + at)];
    levels.push(`${own}: &${own} [${Array(9).fill(`*${before}`).join(',')}]`);
  }
  expect(() => readPolicies(levels.join('\n'))).toThrow();
});

describe('what 004 wrote (enforce.md 3)', () => {
  const old = (authority: string) =>
    document(`  images:\n  - glob: “ttl.sh/*”\n  authorities:\n  - ${authority}\n`, 'v1alpha1');

  test('is read as it was meant, and said', () => {
    const { policy, warnings, object } = readPolicy(old('keyless: { url: "https://fulcio.sigstore.dev" }'));
    expect(policy.globs).toEqual(['ttl.sh/*', 'ttl.sh/**']);
    expect(warnings).toHaveLength(3);
    expect(warnings.join('\n')).toMatch(
      /line 7: .*typographic quotes[\s\S]*line 9: .*names no identities[\s\S]*"ttl.sh\/\*\*" counts as well/,
    );
    const spec = object['spec'] as { images: object[]; authorities: { keyless: { identities: object[] } }[] };
    expect(spec.images).toEqual([{ glob: 'ttl.sh/*' }, { glob: 'ttl.sh/**' }]);
    expect(spec.authorities[0]?.keyless.identities).toEqual([{ issuerRegExp: '.*', subjectRegExp: '.*' }]);
    // What a cluster was given means the same when it is read back.
    expect(readPolicy(JSON.stringify(object)).policy).toEqual(policy);
  });

  test('several globs are told together', () => {
    const images = '  images:\n  - glob: a/*\n  - glob: b/c\n  - glob: d/*/*\n';
    const text = document(`${images}  authorities:\n  - static: { action: fail }\n`, 'v1alpha1');
    expect(readPolicy(text).warnings).toEqual([
      expect.stringMatching(
        /^lines 7, 9: a last \* stood for whatever followed .*, so "a\/\*\*", "d\/\*\/\*\*" count as well\./,
      ),
    ]);
  });

  test('lets nothing more in: a policy that passes is taken literally', () => {
    expect(readPolicy(old('static: { action: pass }')).policy.globs).toEqual(['ttl.sh/*']);
  });

  test('in v1beta1 a star is a star', () => {
    const text = old('static: { action: fail }').replace('v1alpha1', 'v1beta1');
    expect(readPolicy(text).policy.globs).toEqual(['ttl.sh/*']);
  });
});
