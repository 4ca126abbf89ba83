import { createHash, generateKeyPairSync, type KeyObject, sign, X509Certificate } from 'node:crypto';
import { AsnConvert, OctetString } from '@peculiar/asn1-schema';
import { MessageImprint, TimeStampReq, TimeStampResp } from '@peculiar/asn1-tsp';
import { AlgorithmIdentifier } from '@peculiar/asn1-x509';
import { Pkcs10CertificateRequestGenerator } from '@peculiar/x509';
import { bundleFromJSON } from '@sigstore/bundle';
import { TrustedRoot } from '@sigstore/protobuf-specs';
import { toSignedEntity, toTrustMaterial, Verifier } from '@sigstore/verify';
import { beforeEach, describe, expect, test } from 'vitest';
import { demoFolders, demoOrganizations, personId } from '../support/ids.ts';
import { startTestPlatform, TestClock, type TestPlatform } from '../support/platform.ts';

const developer = personId('dev@example.com');
const group = demoOrganizations.private;

let platform: TestPlatform;
let clock: TestClock;
let base: string;

beforeEach(async () => {
  clock = new TestClock();
  platform = await startTestPlatform({ clock, modules: ['sigstore', 'audit'] });
  base = pathOf((await create('signing')).body.hostname);
});

const pathOf = (hostname: string): string => hostname.slice(hostname.indexOf('/'));

const create = async (name: string, more: object = {}, parent = group) =>
  platform.call(await platform.token(developer), 'POST', `/iam/v1/sigstore/${parent}`, { body: { name, ...more } });

const signingToken = (identity = developer) => platform.token(identity, { audience: 'sigstore' });

const keys = () => generateKeyPairSync('ec', { namedCurve: 'P-256' });
const pemOf = (key: KeyObject): string => String(key.export({ type: 'spki', format: 'pem' }));
const proofOf = (key: KeyObject, name: string, hash = 'sha256'): string =>
  sign(hash, Buffer.from(name), key).toString('base64');

const ask = (token: string | undefined, body: unknown, version = 'v2') =>
  platform.call(token, 'POST', `${base}/api/${version}/signingCert`, { body });

const withKey = (publicKey: KeyObject, privateKey: KeyObject, name = 'dev@example.com') => ({
  publicKeyRequest: {
    publicKey: { algorithm: 'ECDSA', content: pemOf(publicKey) },
    proofOfPossession: proofOf(privateKey, name),
  },
});

async function stamp(bytes: Buffer, algorithm = '2.16.840.1.101.3.4.2.1', hash = 'sha256'): Promise<Buffer> {
  const request = new TimeStampReq({
    messageImprint: new MessageImprint({
      hashAlgorithm: new AlgorithmIdentifier({ algorithm }),
      hashedMessage: new OctetString(createHash(hash).update(bytes).digest()),
    }),
    nonce: Uint8Array.from([0x4d, 0x12, 0x34]).buffer,
    certReq: true,
  });
  return post(Buffer.from(AsnConvert.serialize(request)));
}

async function post(bytes: Buffer): Promise<Buffer> {
  const response = await fetch(`${platform.urls.api}${base}/api/v1/timestamp`, {
    method: 'POST',
    headers: { 'content-type': 'application/timestamp-query' },
    body: Uint8Array.from(bytes),
  });
  expect([response.status, response.headers.get('content-type')]).toEqual([201, 'application/timestamp-reply']);
  return Buffer.from(await response.arrayBuffer());
}

/** Signed with a certificate of the authority and timestamped, as one of sigstore's own bundles. */
async function signed(payload: Buffer): Promise<{ bundle: object; root: TrustedRoot }> {
  const { publicKey, privateKey } = keys();
  const answer = await ask(await signingToken(), withKey(publicKey, privateKey));
  expect(answer.status, JSON.stringify(answer.body)).toBe(200);
  const [leaf = ''] = answer.body.signedCertificateDetachedSct.chain.certificates;
  const signature = sign('sha256', payload, privateKey);
  const bundle = {
    mediaType: 'application/vnd.dev.sigstore.bundle.v0.3+json',
    verificationMaterial: {
      certificate: { rawBytes: new X509Certificate(leaf).raw.toString('base64') },
      timestampVerificationData: {
        rfc3161Timestamps: [{ signedTimestamp: (await stamp(signature)).toString('base64') }],
      },
    },
    messageSignature: {
      messageDigest: { algorithm: 'SHA2_256', digest: createHash('sha256').update(payload).digest('base64') },
      signature: signature.toString('base64'),
    },
  };
  const root = await platform.call(undefined, 'GET', `${base}/trusted_root.json`);
  return { bundle, root: TrustedRoot.fromJSON(root.body) };
}

const verify = (bundle: object, payload: Buffer, root: TrustedRoot) =>
  new Verifier(toTrustMaterial(root), { ctlogThreshold: 0, tlogThreshold: 0, timestampThreshold: 1 }).verify(
    toSignedEntity(bundleFromJSON(bundle), payload),
  );

test('a signature with certificate and timestamp verifies with the libraries of sigstore, long after the certificate', async () => {
  const payload = Buffer.from('what is signed');
  const { bundle, root } = await signed(payload);
  clock.advance(30 * 24 * 3600 * 1000);
  const { identity } = verify(bundle, payload, root);
  expect(identity).toMatchObject({
    subjectAlternativeName: 'dev@example.com',
    extensions: { issuer: platform.urls.issuer },
  });
  expect(() => verify(bundle, Buffer.from('something else'), root)).toThrow();
});

test('another authority of the same name vouches for none of it', async () => {
  const payload = Buffer.from('what is signed');
  const { bundle } = await signed(payload);
  const other = pathOf((await create('signing', {}, demoFolders.sandbox)).body.hostname);
  const root = await platform.call(undefined, 'GET', `${other}/trusted_root.json`);
  expect(() => verify(bundle, payload, TrustedRoot.fromJSON(root.body))).toThrow(/timestamp|chain/);
});

test('a timestamp outside the life of the certificate does not make it good', async () => {
  const payload = Buffer.from('what is signed');
  const { publicKey, privateKey } = keys();
  const answer = await ask(await signingToken(), withKey(publicKey, privateKey));
  const [leaf = ''] = answer.body.signedCertificateDetachedSct.chain.certificates;
  clock.advance(11 * 60 * 1000);
  const { bundle, root } = await signed(payload);
  const late = structuredClone(bundle) as { verificationMaterial: { certificate: object }; messageSignature: object };
  const signature = sign('sha256', payload, privateKey);
  Object.assign(late.verificationMaterial, {
    certificate: { rawBytes: new X509Certificate(leaf).raw.toString('base64') },
    timestampVerificationData: {
      rfc3161Timestamps: [{ signedTimestamp: (await stamp(signature)).toString('base64') }],
    },
  });
  Object.assign(late.messageSignature, { signature: signature.toString('base64') });
  expect(() => verify(late, payload, root)).toThrow(/not valid or expired|certificate/);
});

test('the certificate is for ten minutes, for code, and names signer and issuer as those of Fulcio do', async () => {
  const { publicKey, privateKey } = keys();
  const answer = await ask(await signingToken(), withKey(publicKey, privateKey));
  const [leaf = '', signer = '', root = ''] = answer.body.signedCertificateDetachedSct.chain.certificates;
  const certificate = new X509Certificate(leaf);
  expect(certificate.subject).toBeFalsy();
  expect(certificate.subjectAltName).toBe('email:dev@example.com');
  expect(certificate.keyUsage).toEqual(['1.3.6.1.5.5.7.3.3']);
  expect(certificate.ca).toBe(false);
  expect(Date.parse(certificate.validTo) - Date.parse(certificate.validFrom)).toBe(600_000);
  expect(Date.parse(certificate.validFrom)).toBe(Math.floor(clock.now() / 1000) * 1000);
  expect(pemOf(certificate.publicKey)).toBe(pemOf(publicKey));
  expect(certificate.checkIssued(new X509Certificate(signer))).toBe(true);
  expect(certificate.verify(new X509Certificate(signer).publicKey)).toBe(true);
  expect(new X509Certificate(signer).verify(new X509Certificate(root).publicKey)).toBe(true);
  const bundle = await platform.call(undefined, 'GET', `${base}/api/v2/trustBundle`);
  expect(bundle.body).toEqual({ chains: [{ certificates: [signer, root] }] });
  // Another process makes no other keys.
  const again = await ask(await signingToken(), withKey(publicKey, privateKey));
  expect(again.body.signedCertificateDetachedSct.chain.certificates.slice(1)).toEqual([signer, root]);
});

describe('the first version of the API', () => {
  const asV1 = (content: string, signedEmailAddress: string) => ({
    publicKey: { algorithm: 'ecdsa', content },
    signedEmailAddress,
  });

  test.each([
    ['PEM', (key: KeyObject) => Buffer.from(pemOf(key)).toString('base64')],
    ['DER', (key: KeyObject) => key.export({ type: 'spki', format: 'der' }).toString('base64')],
  ])('takes the bytes of %s and answers with PEM', async (_format, content) => {
    const { publicKey, privateKey } = keys();
    const body = asV1(content(publicKey), proofOf(privateKey, 'dev@example.com'));
    const answer = await ask(await signingToken(), body, 'v1');
    expect([answer.status, answer.headers.get('content-type')]).toEqual([201, 'application/pem-certificate-chain']);
    const [leaf = ''] = answer.body.match(/-----BEGIN[\s\S]*?-----END CERTIFICATE-----/g) ?? [];
    expect(pemOf(new X509Certificate(leaf).publicKey)).toBe(pemOf(publicKey));
    const root = await platform.call(undefined, 'GET', `${base}/api/v1/rootCert`);
    expect(answer.body.endsWith(root.body)).toBe(true);
  });
});

test('a signing request is a proof of its own, unless somebody has changed it', async () => {
  const algorithm = { name: 'ECDSA', namedCurve: 'P-384', hash: 'SHA-384' } as const;
  const pair = await crypto.subtle.generateKey(algorithm, true, ['sign', 'verify']);
  const request = await Pkcs10CertificateRequestGenerator.create({ keys: pair, signingAlgorithm: algorithm });
  const token = await signingToken();
  const body = (pem: string) => ({ certificateSigningRequest: Buffer.from(pem).toString('base64') });
  expect((await ask(token, body(request.toString('pem')))).status).toBe(200);
  const changed = Buffer.from(request.rawData);
  changed[changed.length - 1] = (changed.at(-1) ?? 0) ^ 1;
  const pem = `-----BEGIN CERTIFICATE REQUEST-----\n${changed.toString('base64')}\n-----END CERTIFICATE REQUEST-----\n`;
  const refused = await ask(token, body(pem));
  expect([refused.status, refused.body.message]).toEqual([
    400,
    'the certificate signing request is not signed with its own key',
  ]);
  expect((await ask(token, body('not one'))).body.message).toBe('the certificate signing request cannot be read');
});

describe('who gets a certificate', () => {
  const attempt = async (token: string | undefined, name = 'dev@example.com') => {
    const { publicKey, privateKey } = keys();
    const { status, body } = await ask(token, withKey(publicKey, privateKey, name));
    return [status, body.message ?? 'issued'];
  };

  test('whoever may, where the authority is or above, and nobody else', async () => {
    expect(await attempt(await signingToken())).toEqual([200, 'issued']);
    const editor = platform.user('editor@example.com', ['editor', group]);
    const mine = await platform.token(editor, { audience: 'sigstore', email: 'editor@example.com' });
    expect(await attempt(mine, 'editor@example.com')).toEqual([200, 'issued']);
    const viewer = platform.user('viewer@example.com', ['viewer', group]);
    const theirs = await platform.token(viewer, { audience: 'sigstore', email: 'viewer@example.com' });
    const [status, message] = await attempt(theirs, 'viewer@example.com');
    expect([status, message]).toEqual([403, expect.stringContaining('sigstore.certificate.create')]);
  });

  test('a token for anything else than signing, a changed one and an expired one are no proof', async () => {
    const good = await signingToken();
    expect(await attempt(undefined)).toEqual([401, 'the request has no authorization token']);
    expect(await attempt(await platform.token(developer))).toEqual([401, 'the token is not for the audience sigstore']);
    expect((await attempt(`${good.slice(0, -8)}AAAAAAAA`))[0]).toBe(401);
    clock.advance(2 * 3600 * 1000);
    expect((await attempt(good))[0]).toBe(401);
  });

  test('a token may come in the body, as the API has it', async () => {
    const { publicKey, privateKey } = keys();
    const body = { credentials: { oidcIdentityToken: await signingToken() }, ...withKey(publicKey, privateKey) };
    expect((await ask(undefined, body)).status).toBe(200);
  });

  test('an identity without an address is named by its URL', async () => {
    const identity = platform.user('robot@example.com', ['editor', group]);
    const token = await platform.token(identity, { audience: 'sigstore' });
    const { publicKey, privateKey } = keys();
    const answer = await ask(token, withKey(publicKey, privateKey, identity));
    expect(answer.status).toBe(200);
    const [leaf = ''] = answer.body.signedCertificateDetachedSct.chain.certificates;
    expect(new X509Certificate(leaf).subjectAltName).toBe(`URI:${platform.urls.issuer}/${identity}`);
  });
});

describe('what is refused', () => {
  const rsa = generateKeyPairSync('rsa', { modulusLength: 1024 });
  const koblitz = generateKeyPairSync('ec', { namedCurve: 'secp256k1' });
  const own = keys();
  const weak = /must be ECDSA on P-256, P-384 or P-521, Ed25519, or RSA/;
  const cases: readonly [what: string, body: unknown, message: RegExp][] = [
    ['a short RSA key', withKey(rsa.publicKey, rsa.privateKey), weak],
    ['a curve that nobody verifies', withKey(koblitz.publicKey, koblitz.privateKey), weak],
    ['the proof of another name', withKey(own.publicKey, own.privateKey, 'ceo@example.com'), /no signature of "dev@/],
    ['the proof of another key', withKey(own.publicKey, keys().privateKey), /no signature of "dev@example.com"/],
    [
      'a key without proof',
      { publicKeyRequest: { publicKey: { content: pemOf(own.publicKey) } } },
      /needs a public key/,
    ],
    ['a private key', { publicKey: { content: 'PRIVATE KEY' }, proofOfPossession: 'x' }, /cannot be read/],
    ['nothing', {}, /needs a public key with a proof of possession/],
    ['a list', [], /no certificate request/],
    ['no JSON', '<', /no JSON/],
    ['too much', { x: 'x'.repeat(70_000) }, /larger than 65536 bytes/],
  ];

  test('keys, proofs and bodies that are not good', async () => {
    const token = await signingToken();
    for (const [what, body, message] of cases) {
      const answer = await ask(token, body);
      expect([what, answer.status, answer.body.message]).toEqual([what, 400, expect.stringMatching(message)]);
    }
  });

  test('the wrong method or path', async () => {
    for (const path of ['timestamp', 'nothing/here']) {
      expect((await platform.call(undefined, 'GET', `${base}/api/v1/${path}`)).status).toBeGreaterThanOrEqual(400);
    }
  });

  test('timestamps of what is no request, or of a broken hash', async () => {
    const rejected = (bytes: Buffer) => {
      const { status, timeStampToken } = AsnConvert.parse(bytes, TimeStampResp);
      return [status.status, [...(status.statusString ?? [])], timeStampToken];
    };
    expect(rejected(await post(Buffer.from('nonsense')))).toEqual([2, [expect.stringContaining('3161')], undefined]);
    expect(rejected(await stamp(Buffer.from('x'), '1.3.14.3.2.26', 'sha1'))).toEqual([
      2,
      [expect.stringContaining('SHA-256')],
      undefined,
    ]);
    expect(rejected(await stamp(Buffer.from('x'), '2.16.840.1.101.3.4.2.3'))[0]).toBe(2);
  });
});

describe('authorities in the API', () => {
  test('are named once in a place, and signed by the platform only', async () => {
    expect((await create('signing')).body.message).toContain('"signing" already exists');
    expect((await create('')).status).toBe(400);
    expect((await create('a/b')).status).toBe(400);
    const elsewhere = await create('cloud', { certificateAuthority: { kmsCa: { keyRef: 'k', certChain: 'c' } } });
    expect([elsewhere.status, elsewhere.body.message]).toEqual([400, expect.stringContaining('asks no cloud')]);
  });

  test('change, go, and keep their group from going', async () => {
    const token = await platform.token(developer);
    const [{ id, name }] = (await platform.call(token, 'GET', '/iam/v1/sigstore')).body.items;
    expect(name).toBe('signing');
    const renamed = await platform.call(token, 'PUT', `/iam/v1/sigstore/${id}`, { body: { description: 'releases' } });
    expect(renamed.body).toMatchObject({ id, name: 'signing', description: 'releases' });
    const inside = (await create('inside', {}, demoFolders.sandbox)).body.id;
    const group = await platform.call(token, 'DELETE', `/iam/v1/groups/${demoFolders.sandbox}`);
    expect(group.body.message).toContain('1 × certificate authority');
    expect((await platform.call(token, 'DELETE', `/iam/v1/sigstore/${inside}`)).status).toBe(200);
    expect((await platform.call(token, 'DELETE', `/iam/v1/sigstore/${id}`)).status).toBe(200);
    expect((await platform.call(undefined, 'GET', `${base}/trusted_root.json`)).status).toBe(404);
    expect((await ask(await signingToken(), {})).status).toBe(404);
  });

  test('a viewer sees them and makes none', async () => {
    const viewer = await platform.token(platform.user('viewer@example.com', ['viewer', group]));
    expect((await platform.call(viewer, 'GET', '/iam/v1/sigstore')).body.items).toHaveLength(1);
    const refused = await platform.call(viewer, 'POST', `/iam/v1/sigstore/${group}`, { body: { name: 'mine' } });
    expect(refused.status).toBe(403);
  });
});

test('no private key leaves by any address', async () => {
  const paths = ['api/v2/trustBundle', 'api/v1/rootCert', 'api/v1/timestamp/certchain', 'trusted_root.json'];
  const texts = await Promise.all(
    [...paths, 'signing_config.json', 'api/v2/configuration'].map(async (path) =>
      JSON.stringify((await platform.call(undefined, 'GET', `${base}/${path}`)).body),
    ),
  );
  const kept = platform.store.read((tx) => tx.get('SELECT secrets FROM sigstore_authorities'))?.['secrets'];
  const { signerKey, timestamperKey } = JSON.parse(String(kept));
  for (const key of [signerKey, timestamperKey]) {
    const inside = key.split('\n')[1];
    expect(inside.length).toBeGreaterThan(40);
    expect(texts.join()).not.toContain(inside);
  }
});
