import { createHash, generateKeyPairSync, type KeyObject, sign } from 'node:crypto';
import { expect, test } from 'vitest';
import { probeStatement, readDocument, readEnvelope } from '../../src/attestations/statement.ts';
import { trustOf as trustOfEnvelope } from '../../src/commands/images/attestation.ts';
import { newKeyPair } from '../../src/key-pairs.ts';
import { attest, spdxPredicate } from '../../src/local/registry/attestations.ts';

const trustOf = (envelope: object, key: KeyObject | undefined) =>
  trustOfEnvelope(
    readEnvelope(Buffer.from(JSON.stringify(envelope))),
    key && { key, name: 'the one its registry publishes' },
  );
const pair = () => newKeyPair('P-256');
const keyIdOf = (key: KeyObject) =>
  createHash('sha256')
    .update(key.export({ type: 'spki', format: 'der' }))
    .digest('hex');

function envelopeBy({ privateKey, publicKey }: ReturnType<typeof pair>, keyId = keyIdOf(publicKey)) {
  const descriptor = {
    mediaType: 'application/vnd.oci.image.manifest.v1+json',
    digest: `sha256:${'a'.repeat(64)}`,
    size: 1,
  };
  const { blobs } = attest(
    { keyId, privateKey },
    { name: 'example.com/app', descriptor },
    { predicateType: spdxPredicate, predicate: { packages: [] } },
    '2026-03-27T00:00:00Z',
  );
  const text = blobs.map(({ bytes }) => bytes.toString()).find((blob) => blob.includes('"payloadType"')) ?? '';
  return JSON.parse(text) as { payloadType: string; payload: string; signatures: { keyid: string; sig: string }[] };
}

const ours = pair();
const good = envelopeBy(ours);
const changed = Buffer.from(Buffer.from(good.payload, 'base64').toString().replace('app', 'apq')).toString('base64');

test('what the key signed is verified, with or without a key id, alone or among others', () => {
  expect(trustOf(good, ours.publicKey)).toEqual({ kind: 'verified' });
  const [signature] = good.signatures;
  expect(trustOf({ ...good, signatures: [{ sig: signature?.sig }] }, ours.publicKey)).toEqual({ kind: 'verified' });
  const other = envelopeBy(pair()).signatures;
  expect(trustOf({ ...good, signatures: [...other, ...good.signatures] }, ours.publicKey)).toEqual({
    kind: 'verified',
  });
});

// Sigstore's algorithm registry; SHA-256 for every curve is what cosign 2 did.
test.each([
  ['P-384', 'sha384'],
  ['P-384', 'sha256'],
  ['P-521', 'sha512'],
  ['P-521', 'sha256'],
])('a key on %s signs with %s', (namedCurve, hash) => {
  const { privateKey, publicKey } = generateKeyPairSync('ec', { namedCurve });
  const payload = Buffer.from('{}');
  const type = 'application/vnd.in-toto+json';
  const signedBy = (text: string) => {
    const sig = sign(hash, Buffer.from(`DSSEv1 ${type.length} ${type} ${text.length} ${text}`), privateKey);
    return { payloadType: type, payload: payload.toString('base64'), signatures: [{ sig: sig.toString('base64') }] };
  };
  expect(trustOf(signedBy('{}'), publicKey)).toEqual({ kind: 'verified' });
  expect(trustOf(signedBy('[]'), publicKey).kind).toBe('unknown');
  expect(trustOf(signedBy('{}'), generateKeyPairSync('ec', { namedCurve }).publicKey).kind).toBe('unknown');
});

test.each([
  ['a changed payload', { ...good, payload: changed }],
  ['another type', { ...good, payloadType: 'text/plain' }],
  ['the signature of another key under our id', envelopeBy(pair(), keyIdOf(ours.publicKey))],
  ['no signature under our id', { ...good, signatures: [{ keyid: keyIdOf(ours.publicKey), sig: '' }] }],
  ['rubbish under our id', { ...good, signatures: [{ keyid: keyIdOf(ours.publicKey), sig: '%%%' }] }],
])('forged: %s', (_what, envelope) => {
  expect(trustOf(envelope, ours.publicKey).kind).toBe('forged');
});

test.each([
  ['another key', envelopeBy(pair()), ours.publicKey, 'another key'],
  ['no key to check with', good, undefined, 'publishes no key'],
  ['no signatures', { ...good, signatures: [] }, ours.publicKey, 'not signed'],
  ['a bare statement', { predicateType: spdxPredicate }, ours.publicKey, 'not signed'],
  ['signatures that are none', { ...good, signatures: [null] }, ours.publicKey, 'another key'],
])('not verified, and said why: %s', (_what, envelope, key, reason) => {
  expect(trustOf(envelope, key)).toEqual({ kind: 'unknown', reason: expect.stringContaining(reason) });
});

/** What is read of a statement: how its document lies, of what it speaks, and the document itself. */
function readWhole(statement: unknown) {
  const bytes = Buffer.from(typeof statement === 'string' ? statement : JSON.stringify(statement));
  const probe = probeStatement();
  probe.push(bytes);
  probe.end();
  const facts = probe.facts();
  const pieces: Buffer[] = [];
  const reader = readDocument(facts, (piece) => pieces.push(Buffer.from(piece)));
  reader.push(bytes);
  reader.end();
  return { ...facts, text: Buffer.concat(pieces).toString() };
}
const inEnvelope = (statement: unknown) => ({
  payloadType: 'application/vnd.in-toto+json',
  payload: Buffer.from(JSON.stringify(statement)).toString('base64'),
  signatures: [],
});

test.each([
  ['object', { a: 'b' }, '{"a":"b"}'],
  ['framed', { Data: '{"a":"b"}', Timestamp: 'x' }, '{"a":"b"}'],
  ['text', '{"a":"b"}', '{"a":"b"}'],
  ['text', 'SPDXVersion: SPDX-2.3', 'SPDXVersion: SPDX-2.3'],
])('a document that lies as %s is read in or out of an envelope', (form, predicate, text) => {
  const statement = { predicateType: 't', subject: [{ name: 'n', digest: { sha256: 'ab', sha512: 'cd' } }], predicate };
  for (const lies of [statement, inEnvelope(statement), { dsseEnvelope: inEnvelope(statement) }]) {
    expect(readWhole(lies)).toMatchObject({ form, text, predicateType: 't', subjects: ['sha256:ab', 'sha512:cd'] });
  }
});

test.each([
  [undefined, []],
  [null, []],
  ['text', []],
  [{ digest: { sha256: 'ab' } }, []],
  [[null, 7, 'x', {}, { digest: null }, { digest: 'ab' }, { digest: { sha256: 'ab' } }], ['sha256:ab']],
])('of the subjects %j only digests count', (subject, subjects) => {
  expect(readWhole({ predicateType: 't', subject, predicate: {} }).subjects).toEqual(subjects);
});

test.each([
  ['that ends early', '{"predicateType":"t","predicate":{'],
  ['whose payload ends early', JSON.stringify({ payload: Buffer.from('{"predicate":{').toString('base64') })],
  ['whose payload is no text', '{"payload":7}'],
  ['whose payload is an object', '{"payload":{}}'],
  ['whose payload in a bundle is a list', '{"dsseEnvelope":{"payload":[]}}'],
  ['that is no JSON', 'statement'],
])('a statement %s is none', (_, text) => {
  expect(() => readWhole(text)).toThrow(SyntaxError);
});

test('an envelope has a payload, and what is around it as it stands', () => {
  const read = (value: unknown) => readEnvelope(Buffer.from(JSON.stringify(value)));
  expect(read({ predicateType: 't' })).toBeUndefined();
  expect(read({ ...good, signatures: [null, { sig: 'x' }] })).toMatchObject({
    signatures: [{}, { sig: 'x' }],
    payloadType: good.payloadType,
    material: undefined,
    mediaType: '',
  });
  expect(read({ ...good, signatures: 'none' })?.signatures).toEqual([]);
  const verificationMaterial = { publicKey: { hint: 'h' } };
  expect(read({ mediaType: 'm', verificationMaterial, dsseEnvelope: good })).toMatchObject({
    payload: Buffer.from(good.payload, 'base64'),
    signatures: good.signatures,
    material: verificationMaterial,
    mediaType: 'm',
  });
  expect(() => readEnvelope(Buffer.from(JSON.stringify(good).slice(0, -1)))).toThrow(SyntaxError);
});
