// What a manifest may be: one document must not mean one image to this client and another to the next.

import { describe, expect, test } from 'vitest';
import { mediaTypes, parseManifest } from '../../src/local/registry/manifest.ts';

const { ociIndex, ociManifest, dockerList, dockerManifest, ociConfig, ociLayerGzip } = mediaTypes;
const digest = `sha256:${'a'.repeat(64)}`;
const config = { mediaType: ociConfig, digest, size: 2 };
const layer = { mediaType: ociLayerGzip, digest, size: 3 };
const child = { mediaType: ociManifest, digest, size: 4 };
const index = { schemaVersion: 2, manifests: [child] };
const image = { schemaVersion: 2, config, layers: [layer] };

const parse = (document: unknown, type?: string) => parseManifest(Buffer.from(JSON.stringify(document)), type);
const refusal = (document: unknown, type?: string): string => {
  try {
    parse(document, type);
  } catch (error) {
    return (error as Error).message.replace(/^MANIFEST_INVALID: /, '');
  }
  return 'it was taken';
};

describe.each([
  ['an index', ociIndex, index, ['config', 'layers', 'fsLayers']],
  ['an index', dockerList, index, ['config', 'layers', 'fsLayers']],
  ['an image manifest', ociManifest, image, ['manifests', 'fsLayers']],
  ['an image manifest', dockerManifest, image, ['manifests', 'fsLayers']],
] as const)('%s of the type %s', (what, mediaType, document, keys) => {
  test.each(keys.flatMap((key) => [[], [layer], null, {}, config, ''].map((value) => [key, value] as const)))(
    'has no %s, such as %j',
    (key, value) => {
      expect(refusal({ mediaType, ...document, [key]: value }, mediaType)).toBe(`${what} has no ${key}`);
    },
  );

  test('is taken without them, by its own word or by the header', () => {
    expect(parse({ mediaType, ...document }).mediaType).toBe(mediaType);
    expect(parse({ mediaType, ...document }, ` ${mediaType.toUpperCase()} ; charset=utf-8`).mediaType).toBe(mediaType);
    expect(parse({ mediaType, ...document }, '').mediaType).toBe(mediaType);
  });

  test('is no other type than it says, whatever the header', () => {
    for (const other of [ociIndex, ociManifest, dockerList, dockerManifest].filter((one) => one !== mediaType)) {
      expect(refusal({ mediaType, ...document }, other)).toBe(
        `Content-Type ${other} differs from the manifest's own mediaType`,
      );
    }
  });

  test.each([0, 1, 3, '2', null, undefined])('has not the schemaVersion %j', (schemaVersion) => {
    expect(refusal({ mediaType, ...document, schemaVersion }, mediaType)).toBe('schemaVersion must be 2');
  });
});

test.each([dockerList, dockerManifest])('%s has to be in the document itself', (type) => {
  expect(refusal(type === dockerList ? index : image, type)).toContain('has to carry it as its mediaType');
});

test('a type is needed, and one that is known', () => {
  expect(refusal(image)).toBe('the request needs a Content-Type');
  expect(refusal({ ...image, mediaType: 7 })).toBe('mediaType is not text');
  expect(refusal(image, 'application/json')).toBe('media type "application/json" is not supported');
});

describe('descriptors', () => {
  const places: Readonly<Record<string, (one: unknown) => [object, string]>> = {
    config: (one) => [{ ...image, config: one }, ociManifest],
    'layers[0]': (one) => [{ ...image, layers: [one] }, ociManifest],
    'manifests[0]': (one) => [{ ...index, manifests: [one] }, ociIndex],
    subject: (one) => [{ ...image, subject: one }, ociManifest],
  };
  const bad: readonly (readonly [unknown, string])[] = [
    ...[-1, -0.5, 1.5, '3', 2 ** 53, undefined, null].map((size) => [{ ...layer, size }, 'has no valid size'] as const),
    ...['sha256:abc', `sha256:${'A'.repeat(64)}`, `md5:${'a'.repeat(32)}`, `${digest}0`, '', 7, undefined].map(
      (one) => [{ ...layer, digest: one }, 'has no valid digest'] as const,
    ),
    ...['', undefined, 7].map((mediaType) => [{ ...layer, mediaType }, 'has no mediaType'] as const),
    ...['text', 7, []].map((one) => [one, 'is not a descriptor'] as const),
  ];

  test.each(Object.keys(places))('of %s are checked', (place) => {
    for (const [value, problem] of bad) {
      const [document, type] = places[place]?.(value) ?? [];
      expect(refusal(document, type), JSON.stringify(value)).toBe(`${place} ${problem}`);
    }
  });

  test('of size 0 are fine, and a digest of sha512 too', () => {
    const long = `sha512:${'b'.repeat(128)}`;
    expect(parse({ ...image, layers: [{ ...layer, size: 0, digest: long }] }, ociManifest).blobs).toEqual([
      config,
      { ...layer, size: 0, digest: long },
    ]);
  });

  test('of what is fetched elsewhere are not needed here; both its type and a place are needed for that', () => {
    const foreign = 'application/vnd.docker.image.rootfs.foreign.diff.tar.gzip';
    const blobs = (one: object) => parse({ ...image, layers: [one] }, ociManifest).blobs.length;
    expect(blobs({ ...layer, mediaType: foreign, urls: ['https://x.example/'] })).toBe(1);
    expect(blobs({ ...layer, mediaType: foreign, urls: [] })).toBe(2);
    expect(blobs({ ...layer, mediaType: foreign })).toBe(2);
    expect(blobs({ ...layer, urls: ['https://x.example/'] })).toBe(2);
  });

  test('of an index are manifests where their type says so, and blobs otherwise', () => {
    const { manifests, blobs } = parse({ ...index, manifests: [child, layer] }, ociIndex);
    expect([manifests, blobs]).toEqual([[child], [layer]]);
  });
});

test.each([
  [{ ...image, artifactType: 7 }, 'artifactType is not text'],
  [{ ...image, annotations: [] }, 'annotations must map text to text'],
  [{ ...image, annotations: { a: 1 } }, 'annotations must map text to text'],
  [{ ...image, layers: {} }, 'layers must be a list'],
  [[], 'the body is not a JSON object'],
  [null, 'the body is not a JSON object'],
])('%j: %s', (document, message) => {
  expect(refusal(document, ociManifest)).toBe(message);
});

test.each([
  ['{', 'the body is not JSON'],
  ['\ufeff{}', 'the body is not JSON'],
])('bytes of %j: %s', (text, message) => {
  expect(() => parseManifest(Buffer.from(text), ociManifest)).toThrow(message);
  expect(() => parseManifest(Buffer.concat([Buffer.from(text), Buffer.from([0xff])]), ociManifest)).toThrow(message);
});

describe('what a manifest says of itself', () => {
  const other = `sha256:${'c'.repeat(64)}`;
  test.each<[what: object, said: { subject?: string; artifactType?: string; annotations?: object }]>([
    [image, { artifactType: ociConfig }],
    [{ ...image, artifactType: '' }, { artifactType: ociConfig }],
    [{ ...image, artifactType: 'application/x' }, { artifactType: 'application/x' }],
    [{ ...image, subject: null }, { artifactType: ociConfig }],
    [
      { ...image, subject: { ...child, digest: other } },
      { artifactType: ociConfig, subject: other },
    ],
    [
      { ...image, annotations: { a: 'b' } },
      { artifactType: ociConfig, annotations: { a: 'b' } },
    ],
    [{ ...image, annotations: null }, { artifactType: ociConfig }],
  ])('%j', (document, { subject, artifactType, annotations = {} }) => {
    expect(parse(document, ociManifest)).toMatchObject({ subject, artifactType, annotations });
  });

  test('an index has a type only where it says so', () => {
    expect(parse(index, ociIndex).artifactType).toBeUndefined();
    expect(parse({ ...index, artifactType: 'application/x' }, ociIndex).artifactType).toBe('application/x');
  });
});
