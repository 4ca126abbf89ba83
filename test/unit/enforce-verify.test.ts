// What the engine says of images, on signatures of the forms that cosign 2 and 3 write (enforce.md 2), from a registry in memory.

import { createHash, generateKeyPairSync, type KeyObject, sign } from 'node:crypto';
import { expect, test } from 'vitest';
import { readPolicy } from '../../src/enforce/policy/document.ts';
import { parseReference } from '../../src/enforce/policy/globs.ts';
import type { Descriptor, Manifest, Repository, Surroundings } from '../../src/enforce/verify/surroundings.ts';
import { verify } from '../../src/enforce/verify/verify.ts';
import { startSigstore } from '../support/sigstore.ts';

const hashOf = (bytes: string | Buffer) => `sha256:${createHash('sha256').update(bytes).digest('hex')}`;
const digest = hashOf('an image');
const simpleSigning = 'application/vnd.dev.cosign.simplesigning.v1+json';
const bundleType = 'application/vnd.dev.sigstore.bundle.v0.3+json';

/** One repository, with what cosign puts into it. */
function registry() {
  const blobs = new Map<string, Buffer>();
  const manifests = new Map<string, Manifest>();
  const referrers: Descriptor[] = [];
  const put = (mediaType: string, text: string, annotations: Record<string, string> = {}): Descriptor => {
    const bytes = Buffer.from(text);
    blobs.set(hashOf(bytes), bytes);
    return { mediaType, digest: hashOf(bytes), size: bytes.length, annotations };
  };
  const tagged = (ending: string, layer: Descriptor): void => {
    const tag = `${digest.replace(':', '-')}.${ending}`;
    const layers = [...(manifests.get(tag)?.layers ?? []), layer];
    manifests.set(tag, { digest: hashOf(tag), layers });
  };
  const repository: Repository = {
    manifest: async (reference) => manifests.get(reference),
    blob: async (wanted) => blobs.get(wanted) ?? Promise.reject(new Error('no such blob')),
    referrers: async () => referrers,
  };
  return {
    repository,
    tagged,
    put,
    /** cosign 2: a layer whose annotation holds the signature of its bytes. */
    signature(key: KeyObject, about = digest) {
      const payload = JSON.stringify({
        critical: {
          identity: { 'docker-reference': '' },
          image: { 'docker-manifest-digest': about },
          type: 'cosign container image signature',
        },
        optional: null,
      });
      const text = sign('sha256', Buffer.from(payload), key).toString('base64');
      tagged('sig', put(simpleSigning, payload, { 'dev.cosignproject.cosign/signature': text }));
    },
    /** cosign 3: a bundle among the referrers, a statement that says no more than what was signed. */
    bundle(key: KeyObject, predicateType = 'https://sigstore.dev/cosign/sign/v1', about = digest) {
      const bundle = {
        mediaType: bundleType,
        verificationMaterial: { publicKey: { hint: 'x' } },
        dsseEnvelope: envelope(key, predicateType, about),
      };
      refer(JSON.stringify(bundle));
    },
    refer,
  };
  function refer(text: string): void {
    const layer = put(bundleType, text);
    const id = hashOf(`referrer ${layer.digest}`);
    manifests.set(id, { digest: id, artifactType: bundleType, layers: [layer] });
    referrers.push({
      mediaType: 'application/vnd.oci.image.manifest.v1+json',
      artifactType: bundleType,
      digest: id,
      size: 1,
    });
  }
}

const statement = (predicateType: string, about: string, predicate: object = {}) =>
  JSON.stringify({
    _type: 'https://in-toto.io/Statement/v1',
    subject: [{ digest: { sha256: about.slice(7) } }],
    predicateType,
    predicate,
  });

function envelope(key: KeyObject, predicateType: string, about: string) {
  const type = 'application/vnd.in-toto+json';
  const payload = Buffer.from(statement(predicateType, about));
  const head = Buffer.from(`DSSEv1 ${type.length} ${type} ${payload.length} `);
  const sig = sign('sha256', Buffer.concat([head, payload]), key).toString('base64');
  return { payload: payload.toString('base64'), payloadType: type, signatures: [{ sig }] };
}

const pair = () => generateKeyPairSync('ec', { namedCurve: 'P-256' });
const pem = (key: KeyObject) => String(key.export({ type: 'spki', format: 'pem' }));

const policyOf = (authorities: readonly object[], more: object = {}) =>
  readPolicy(
    JSON.stringify({
      apiVersion: 'policy.sigstore.dev/v1beta1',
      kind: 'ClusterImagePolicy',
      metadata: { name: 'p' },
      spec: { images: [{ glob: '**' }], authorities, ...more },
    }),
  ).policy;

async function ask(
  repository: Repository,
  authorities: readonly object[],
  more: object = {},
  around: Partial<Surroundings> = {},
) {
  const image = parseReference(`registry.example/me/app@${digest}`);
  if (image?.digest === undefined) throw new Error('no reference');
  const surroundings: Surroundings = {
    repository: () => repository,
    secret: async () => undefined,
    configMap: async () => undefined,
    trustRoot: async () => undefined,
    download: () => Promise.reject(new Error('nothing is there')),
    runRule: async () => 'no program runs here',
    now: () => Date.now(),
    ...around,
  };
  const question = { image: { ...image, digest: image.digest }, given: 'registry.example/me/app' };
  const { policies } = await verify(question, [policyOf(authorities, more)], surroundings);
  const [one] = policies;
  if (one === undefined) throw new Error('the policy is not about the image');
  return {
    result: one.result,
    text: one.messages.join(' '),
    signers: one.authorities.flatMap(({ signatures }) => signatures),
  };
}

const reference = `registry.example/me/app@${digest}`;

test('an image that nobody signed is refused in the words of upstream', async () => {
  const { publicKey } = pair();
  const { result, text } = await ask(registry().repository, [{ key: { data: pem(publicKey) } }]);
  expect(result).toBe('FAIL');
  expect(text).toBe(`signature key validation failed for authority authority-0 for ${reference}: no signatures found`);
});

test.each(['signature', 'bundle'] as const)(
  'a %s made with the key passes, one of another key does not',
  async (form) => {
    const [own, other] = [pair(), pair()];
    const place = registry();
    place[form](other.privateKey);
    const authority = [{ key: { data: pem(own.publicKey) } }];
    expect((await ask(place.repository, authority)).text).toContain(
      'no matching signatures: the signature was made with another key',
    );
    place[form](own.privateKey);
    expect((await ask(place.repository, authority)).result).toBe('PASS');
  },
);

test('of several keys in one PEM only the first counts, as in policy-controller, and reading says so', async () => {
  const [first, second] = [pair(), pair()];
  const place = registry();
  place.signature(second.privateKey);
  const authority = [{ key: { data: pem(first.publicKey) + pem(second.publicKey) } }];
  expect((await ask(place.repository, authority)).result).toBe('FAIL');
  place.signature(first.privateKey);
  expect((await ask(place.repository, authority)).result).toBe('PASS');
  const text = JSON.stringify({
    apiVersion: 'policy.sigstore.dev/v1beta1',
    kind: 'ClusterImagePolicy',
    metadata: { name: 'p' },
    spec: { images: [{ glob: '**' }], authorities: authority },
  });
  expect(readPolicy(text).warnings).toEqual([
    'line 1: spec.authorities[0].key.data holds several keys, and only the first counts; give each an authority of its own',
  ]);
});

test('a signature of another image does not count, whoever made it', async () => {
  const { publicKey, privateKey } = pair();
  const place = registry();
  place.signature(privateKey, hashOf('another image'));
  place.bundle(privateKey, undefined, hashOf('another image'));
  expect((await ask(place.repository, [{ key: { data: pem(publicKey) } }])).text).toContain('no signatures found');
});

test('one authority is enough, a warning is none, and static ones say why', async () => {
  const { publicKey } = pair();
  const empty = registry().repository;
  const key = { key: { data: pem(publicKey) } };
  expect((await ask(empty, [key, { static: { action: 'pass' } }])).result).toBe('PASS');
  expect(await ask(empty, [{ static: { action: 'fail', message: 'not here' } }])).toMatchObject({
    result: 'FAIL',
    text: 'disallowed by static policy: not here',
  });
  expect((await ask(empty, [key], { mode: 'warn' })).result).toBe('WARN');
});

test('attestations need their type, and a signature of the image is none', async () => {
  const { publicKey, privateKey } = pair();
  const place = registry();
  place.signature(privateKey);
  const authority = [{ key: { data: pem(publicKey) }, attestations: [{ name: 'sbom', predicateType: 'spdxjson' }] }];
  expect((await ask(place.repository, authority)).text).toContain('no matching attestations with type spdxjson');
  place.bundle(privateKey, 'https://spdx.dev/Document/v2.3');
  // A type with a version is another type, as upstream has it.
  expect((await ask(place.repository, authority)).text).toContain('there is https://spdx.dev/Document/v2.3');
  place.bundle(privateKey, 'https://spdx.dev/Document');
  expect((await ask(place.repository, authority)).result).toBe('PASS');
  const old = registry();
  old.tagged(
    'att',
    old.put(
      'application/vnd.dsse.envelope.v1+json',
      JSON.stringify(envelope(privateKey, 'https://spdx.dev/Document', digest)),
    ),
  );
  expect((await ask(old.repository, authority)).result).toBe('PASS');
});

test('keys lie in secrets as well; a KMS is refused by name', async () => {
  const { publicKey, privateKey } = pair();
  const place = registry();
  place.signature(privateKey);
  const secret = async (name: string) =>
    name === 'k' ? { 'cosign.pub': pem(publicKey), 'cosign.key': 'x' } : undefined;
  expect((await ask(place.repository, [{ key: { secretRef: { name: 'k' } } }], {}, { secret })).result).toBe('PASS');
  expect((await ask(place.repository, [{ key: { secretRef: { name: 'no' } } }], {}, { secret })).text).toContain(
    'there is no secret cosign-system/no',
  );
  const whole = async () => ({ k: String(privateKey.export({ type: 'pkcs8', format: 'pem' })) });
  expect((await ask(place.repository, [{ key: { secretRef: { name: 'k' } } }], {}, { secret: whole })).text).toContain(
    'the key of the authority is no public key in PEM',
  );
  expect((await ask(place.repository, [{ key: { kms: 'awskms:///k' } }])).text).toContain(
    'keys in a KMS are not supported',
  );
});

test('a keyless signature counts for whom the policy names, and for nobody without a trust root', async () => {
  const sigstore = await startSigstore();
  const [subject, issuer] = ['dev@example.com', 'https://accounts.example.com'];
  const made = await sigstore.sign(statement('https://sigstore.dev/cosign/sign/v1', digest), subject, issuer);
  const place = registry();
  place.refer(JSON.stringify(made.bundle));
  const keyless = (...identities: object[]) => [{ keyless: { url: 'https://fulcio.sigstore.dev', identities } }];
  // What nobody signed is told as that, whoever would be trusted.
  expect((await ask(registry().repository, keyless({ issuer, subject }))).text).toBe(
    `signature keyless validation failed for authority authority-0 for ${reference}: no signatures found`,
  );
  const trustRoot = async () => sigstore.root;
  expect((await ask(place.repository, keyless({ issuer, subject }))).text).toContain(
    'there is no trust root of sigstore',
  );
  const good = await ask(place.repository, keyless({ issuer, subject }), {}, { trustRoot });
  expect(good).toMatchObject({ result: 'PASS', signers: [{ identity: { issuer, subject } }] });
  expect(
    (await ask(place.repository, keyless({ issuer, subjectRegExp: '@example\\.com$' }), {}, { trustRoot })).result,
  ).toBe('PASS');
  const other = await ask(place.repository, keyless({ issuer, subject: 'v@example.com' }), {}, { trustRoot });
  expect(other.text).toContain(
    'none of the expected identities matched what was in the certificate: got dev@example.com',
  );
  const elsewhere = await startSigstore();
  const stranger = await ask(
    place.repository,
    keyless({ issuer, subject }),
    {},
    { trustRoot: async () => elsewhere.root },
  );
  expect(stranger.result).toBe('FAIL');
});

test('what somebody pushed that is no signature counts as none', async () => {
  const { publicKey } = pair();
  const place = registry();
  place.tagged('sig', place.put(simpleSigning, 'not json', { 'dev.cosignproject.cosign/signature': 'x' }));
  place.refer('{"dsseEnvelope":7}');
  place.refer('[]');
  expect((await ask(place.repository, [{ key: { data: pem(publicKey) } }])).text).toContain('no signatures found');
});
