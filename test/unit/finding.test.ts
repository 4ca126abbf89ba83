// Where statements about an image are looked for, which of them are opened, in which order, and which bill of materials counts.

import { createHash } from 'node:crypto';
import { describe, expect, test } from 'vitest';
import {
  type AttestationSource,
  findCandidates,
  type LayerDescriptor,
  type ReferrerDescriptor,
  whyNotBom,
} from '../../src/attestations/finding.ts';
import type { StatementFacts } from '../../src/attestations/statement.ts';
import { findBom } from '../../src/commands/images/sbom.ts';
import { CliError } from '../../src/errors.ts';
import { newKeyPair } from '../../src/key-pairs.ts';

const image = `sha256:${'1'.repeat(64)}`;
const index = `sha256:${'2'.repeat(64)}`;
const spdx = 'https://spdx.dev/Document';
const cyclonedx = 'https://cyclonedx.org/bom';
const provenance = 'https://slsa.dev/provenance/v1';
const dsse = 'application/vnd.dsse.envelope.v1+json';

const layer = (name: string, predicateType?: string, mediaType = dsse): LayerDescriptor => ({
  mediaType,
  digest: name,
  size: 1,
  ...(predicateType === undefined ? {} : { annotations: { predicateType } }),
});

/** A repository: referrers by digest, layers by reference. */
function source(
  referrers: Readonly<Record<string, readonly ReferrerDescriptor[]>>,
  layers: Readonly<Record<string, readonly LayerDescriptor[]>>,
) {
  const opened: string[] = [];
  const it: AttestationSource = {
    referrers: async (digest) => referrers[digest] ?? [],
    manifest: async (reference) => {
      opened.push(reference);
      const found = layers[reference];
      return found && { layers: found };
    },
  };
  return { ...it, opened };
}

const referrer = (
  digest: string,
  annotations: Record<string, string> = {},
  artifactType = dsse,
): ReferrerDescriptor => ({
  ...{ mediaType: 'application/vnd.oci.image.manifest.v1+json', size: 1, artifactType, digest, annotations },
});
const found = async (from: AttestationSource, withIndex?: readonly LayerDescriptor[]) => {
  const { candidates, others } = await findCandidates(from, {
    digest: image,
    ...(withIndex === undefined ? {} : { index: { digest: index, manifests: withIndex } }),
  });
  return { candidates: candidates.map((one) => one.layer.digest), others, about: candidates.map((one) => one.about) };
};

test('referrers and cosign’s tag are looked at, the same layer once', async () => {
  const from = source(
    { [image]: [referrer('one')] },
    { one: [layer('a', spdx)], [`${image.replace(':', '-')}.att`]: [layer('b', spdx), layer('a', spdx)] },
  );
  expect(await found(from)).toEqual({ candidates: ['a', 'b'], others: [], about: [[image], [image]] });
});

test('the newest referrer comes first, by either annotation, and those without a time last', async () => {
  const created = (time: string) => ({ 'org.opencontainers.image.created': time });
  const from = source(
    {
      [image]: [
        referrer('none'),
        referrer('old', created('2026-01-01T00:00:00Z')),
        referrer('new', { 'dev.sigstore.bundle.created': '2026-03-01T00:00:00Z' }),
        referrer('bad', created('yesterday')),
        referrer('middle', created('2026-02-01T00:00:00Z')),
      ],
    },
    Object.fromEntries(['none', 'old', 'new', 'bad', 'middle'].map((name) => [name, [layer(`of ${name}`, spdx)]])),
  );
  expect((await found(from)).candidates).toEqual(['of new', 'of middle', 'of old', 'of none', 'of bad']);
});

test('SPDX comes before what does not say what it is, and that before CycloneDX; the last layer first', async () => {
  const from = source(
    { [image]: [referrer('one')] },
    { one: [layer('c', cyclonedx), layer('u'), layer('s1', spdx), layer('s2', spdx)] },
  );
  expect((await found(from)).candidates).toEqual(['s2', 's1', 'u', 'c']);
});

test('what says that it is something else is named and not opened', async () => {
  const from = source(
    {
      [image]: [
        referrer('p', { 'dev.sigstore.bundle.predicateType': provenance }),
        referrer('s', {}, 'application/vnd.example.signature'),
        referrer('one'),
      ],
    },
    {
      p: [layer('p')],
      s: [layer('s')],
      one: [layer('q', provenance), layer('t', spdx, 'text/plain'), layer('a', spdx)],
    },
  );
  expect(await found(from)).toMatchObject({
    candidates: ['a'],
    others: expect.arrayContaining([provenance, 'application/vnd.example.signature', 'text/plain']),
  });
  expect(from.opened).not.toContain('p');
  expect(from.opened).not.toContain('s');
});

test('BuildKit’s attestation counts when it is about this image, and only then', async () => {
  const beside = (digest: string, type: string, about: string): LayerDescriptor => ({
    ...{ mediaType: 'application/vnd.oci.image.manifest.v1+json', size: 1, digest },
    annotations: { 'vnd.docker.reference.type': type, 'vnd.docker.reference.digest': about },
  });
  const layers = { mine: [layer('a', spdx)], other: [layer('b', spdx)], image: [layer('c', spdx)] };
  const from = source({}, layers);
  const manifests = [
    beside('mine', 'attestation-manifest', image),
    beside('other', 'attestation-manifest', index),
    beside('image', 'something', image),
  ];
  expect(await found(from, manifests)).toMatchObject({ candidates: ['a'], about: [[image]] });
  expect(from.opened).not.toContain('other');
  expect(from.opened).not.toContain('image');
});

test('what is attached to the index comes after what is attached to the image, and may be about either', async () => {
  const from = source(
    { [index]: [referrer('i')], [image]: [referrer('m')] },
    { i: [layer('of index', spdx)], m: [layer('of image', cyclonedx)] },
  );
  expect(await found(from, [])).toMatchObject({
    candidates: ['of image', 'of index'],
    about: [[image], [index, image]],
  });
  expect((await found(from)).candidates).toEqual(['of image']);
});

describe('a statement is a bill of materials of the image', () => {
  const facts = (changes: Partial<StatementFacts> = {}, format: StatementFacts['document']['format'] = 'spdx') => ({
    ...{ predicateType: spdx, subjects: [image], form: 'object' as const },
    document: { format, version: '3.0', name: '', creators: [], created: undefined },
    ...changes,
  });
  const why = (it: StatementFacts, about: readonly string[] = [image]) => whyNotBom({ layer: layer('a'), about }, it);

  test.each<[string, StatementFacts, string | undefined]>([
    ['in SPDX', facts(), undefined],
    ['in CycloneDX', facts({ predicateType: cyclonedx }, 'cyclonedx'), undefined],
    ['without a version', facts({}, 'unknown'), undefined],
    ['among others it speaks of', facts({ subjects: [index, image] }), undefined],
    ['not when it speaks of others', facts({ subjects: [index] }), 'an SBOM that speaks of another image'],
    ['not when it speaks of nothing', facts({ subjects: [] }), 'an SBOM that speaks of another image'],
    ['not when it is something else', facts({ predicateType: provenance }), provenance],
    ['not when it is nothing', facts({ predicateType: '' }), 'something that is no statement'],
    ['not yet in SPDX 3', facts({}, 'spdx-3'), 'an SBOM in SPDX 3.0, which cannot be read yet'],
    [
      'not as tag-value text',
      facts({}, 'spdx-tag-value'),
      'an SBOM in SPDX 3.0 as tag-value text, which cannot be read; attest the JSON form',
    ],
  ])('%s', (_, it, reason) => {
    expect(why(it)).toBe(reason);
  });

  test('or of its index, where it lies there', () => {
    expect(why(facts({ subjects: [index] }), [index, image])).toBeUndefined();
  });
});

describe('of several bills of materials counts', () => {
  const ours = newKeyPair('P-256');
  const other = newKeyPair('P-256');
  const keyId = createHash('sha256')
    .update(ours.publicKey.export({ type: 'spki', format: 'der' }))
    .digest('hex');

  async function signedBy(pair: typeof ours | undefined, name: string, keyid?: string): Promise<Buffer> {
    const statement = JSON.stringify({
      ...{ _type: 'https://in-toto.io/Statement/v1', predicateType: spdx },
      subject: [{ name: 'image', digest: { sha256: image.slice(7) } }],
      predicate: { spdxVersion: 'SPDX-2.3', name, packages: [] },
    });
    if (pair === undefined) return Buffer.from(statement);
    const { sign } = await import('node:crypto');
    const type = 'application/vnd.in-toto+json';
    const signed = Buffer.from(`DSSEv1 ${type.length} ${type} ${Buffer.byteLength(statement)} ${statement}`);
    const sig = sign('sha256', signed, pair.privateKey).toString('base64');
    const payload = Buffer.from(statement).toString('base64');
    return Buffer.from(JSON.stringify({ payloadType: type, payload, signatures: [{ sig, ...(keyid && { keyid }) }] }));
  }

  const kinds = {
    verified: () => signedBy(ours, 'verified', keyId),
    forged: () => signedBy(other, 'forged', keyId),
    unknown: () => signedBy(other, 'unknown'),
    unsigned: () => signedBy(undefined, 'unsigned'),
    unreadable: async () => Buffer.from('{"payload":'),
    'too large': async () => new CliError('api', 'too large', { code: 'api.too-large' }),
    'not answered': async () => new CliError('api', 'away', { code: 'api.failed' }),
  };

  /** The candidates in this order; what counts, or the reason that nothing does. */
  async function best(...order: (keyof typeof kinds)[]): Promise<string> {
    const blobs = new Map<string, Buffer | CliError>();
    for (const [at, kind] of order.entries()) blobs.set(`${at}`, await kinds[kind]());
    const layers = order.map((_, at) => layer(`${at}`, spdx)).reverse();
    const registry = {
      referrers: async () => [],
      manifest: async (_: string, reference: string) => {
        if (!reference.endsWith('.att')) throw new CliError('not-found', 'none');
        return { digest: '', mediaType: '', layers };
      },
      blob: async (_: string, digest: string) => {
        const blob = blobs.get(digest);
        if (blob === undefined || blob instanceof CliError) throw blob ?? new Error('none');
        return blob;
      },
    };
    const trusted = { key: { key: ours.publicKey, name: 'ours' }, keyless: async () => undefined };
    const nothing = (others: readonly string[]) => new CliError('not-found', `nothing but ${others.join()}`);
    try {
      const bom = await findBom(registry, 'app', { digest: image }, trusted, nothing);
      const { name } = JSON.parse(bom.document.toString()) as { name: string };
      return `${name} is ${bom.trust.kind}`;
    } catch (error) {
      if (!(error instanceof CliError)) throw error;
      return error.message;
    }
  }

  test.each<[string, (keyof typeof kinds)[], string]>([
    ['the first that is verified', ['verified', 'forged'], 'verified is verified'],
    ['whatever comes before it', ['unsigned', 'forged', 'unknown', 'verified'], 'verified is verified'],
    ['a forged one before all that are not verified', ['forged', 'unsigned'], 'forged is forged'],
    ['also when an unsigned one came first', ['unsigned', 'forged'], 'forged is forged'],
    ['and when others came before and after', ['unknown', 'forged', 'unsigned'], 'forged is forged'],
    ['otherwise the first', ['unsigned', 'unknown'], 'unsigned is unknown'],
    ['whichever it is', ['unknown', 'unsigned'], 'unknown is unknown'],
    ['none that cannot be read', ['unreadable', 'unsigned'], 'unsigned is unknown'],
    ['none that is too large', ['too large', 'unsigned'], 'unsigned is unknown'],
    ['nothing but the reason, when all are too large', ['too large', 'unreadable'], 'too large'],
    ['nothing but what is there', ['unreadable'], 'nothing but something that is no statement'],
    ['nothing while the registry does not answer', ['not answered', 'verified'], 'away'],
  ])('%s', async (_, order, outcome) => {
    expect(await best(...order)).toBe(outcome);
  });
});
