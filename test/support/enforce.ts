// A repository in memory with what cosign puts into one, and the engine asked about it.

import { createHash } from 'node:crypto';
import { readPolicy } from '../../src/enforce/policy/document.ts';
import { parseReference } from '../../src/enforce/policy/globs.ts';
import type { Descriptor, Manifest, Repository, Surroundings } from '../../src/enforce/verify/surroundings.ts';
import { type Question, verify } from '../../src/enforce/verify/verify.ts';

/** What `test/fixtures/cosign/make.mjs` writes of one repository. */
export interface CosignFixture {
  readonly digest: string;
  readonly manifests: Readonly<Record<string, Omit<Manifest, 'digest'>>>;
  readonly blobs: Readonly<Record<string, string>>;
  readonly referrers: readonly Descriptor[];
}

export const repositoryOfFixture = ({ manifests, blobs, referrers }: CosignFixture): Repository => ({
  manifest: async (reference) => {
    const found = manifests[reference];
    return found && { ...found, digest: reference };
  },
  blob: async (digest) => Buffer.from(blobs[digest] ?? ''),
  referrers: async () => referrers,
});

/** A repository with one signature of cosign 2: a layer and its annotations below the tag of the digest. */
export function repositoryWith(
  digest: string,
  layers: readonly { readonly payload: string; readonly annotations: Readonly<Record<string, string>> }[],
): Repository {
  const hashOf = (text: string) => `sha256:${createHash('sha256').update(text).digest('hex')}`;
  const blobs = Object.fromEntries(layers.map(({ payload }) => [hashOf(payload), payload]));
  return repositoryOfFixture({
    digest,
    manifests: {
      [`${digest.replace(':', '-')}.sig`]: {
        layers: layers.map(({ payload, annotations }) => ({
          mediaType: 'application/vnd.dev.cosign.simplesigning.v1+json',
          digest: hashOf(payload),
          size: payload.length,
          annotations,
        })),
      },
    },
    blobs,
    referrers: [],
  });
}

export const payloadOf = (digest: string): string =>
  JSON.stringify({
    critical: {
      identity: { 'docker-reference': '' },
      image: { 'docker-manifest-digest': digest },
      type: 'cosign container image signature',
    },
    optional: null,
  });

/** Returns what a policy of these authorities says of the image. */
export async function decide(
  repository: Repository,
  digest: string,
  spec: object,
  around: Partial<Surroundings> = {},
  object?: Question['object'],
) {
  const reference = parseReference(`registry.example/me/app@${digest}`);
  if (reference?.digest === undefined) throw new Error('no reference');
  const document = JSON.stringify({
    apiVersion: 'policy.sigstore.dev/v1beta1',
    kind: 'ClusterImagePolicy',
    metadata: { name: 'p' },
    spec: { images: [{ glob: '**' }], ...spec },
  });
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
  const question = { image: { ...reference, digest: reference.digest }, given: 'registry.example/me/app', object };
  const [one] = (await verify(question, [readPolicy(document).policy], surroundings)).policies;
  if (one === undefined) throw new Error('the policy is not about the image');
  return { result: one.result, text: one.messages.join(' '), authorities: one.authorities };
}
