// Images and what is attested of them, pushed as foreign tools push it.

import { writeTokens } from '../../src/auth/token-cache.ts';
import { createClient, digestOf, imageManifest, ociIndex, ociManifest } from '../platform/registry-client.ts';
import { fakeHost } from './fake-host.ts';
import { personId } from './ids.ts';
import { temporaryFolder } from './platform.ts';
import { withImages } from './signed-in-registry.ts';

export const spdxType = 'https://spdx.dev/Document';
export const dsseType = 'application/vnd.dsse.envelope.v1+json';
export const inTotoType = 'application/vnd.in-toto+json';

export const spdxOf = (...purls: readonly string[]) => ({
  spdxVersion: 'SPDX-2.3',
  packages: purls.map((purl) => ({
    name: /([^/]*)@/.exec(purl)?.[1],
    versionInfo: /@([^?]*)/.exec(purl)?.[1],
    externalRefs: [{ referenceType: 'purl', referenceLocator: purl }],
  })),
});

export interface Attached {
  readonly type?: string;
  readonly artifactType?: string;
  readonly layerAnnotations?: Readonly<Record<string, string>>;
  readonly annotations?: Readonly<Record<string, string>>;
  /** As cosign keeps it, under a tag made of the digest, instead of as a referrer. */
  readonly tagged?: boolean;
}

export async function withAttestedImages(name: string) {
  const world = await withImages();
  const { platform, host, run } = world;
  const dev = personId('dev@example.com');
  const client = createClient(platform, dev);
  const env = { PATH: '/nowhere', TUF_ROOT: temporaryFolder(), XDG_CACHE_HOME: temporaryFolder() };
  writeTokens(fakeHost({ env }), host, { token: await platform.token(dev, { audience: host }), refreshToken: null });

  const pushManifest = async (reference: string, manifest: string, type = ociManifest): Promise<string> => {
    const pushed = await client.pushManifest(name, reference, manifest, type);
    if (pushed.status !== 201) throw new Error(`manifest refused: ${pushed.status} ${pushed.bytes}`);
    return digestOf(manifest);
  };

  return {
    ...world,
    client,
    env,
    name,
    image: (reference: string) => `${host}/${name}${reference.includes(':') ? '@' : ':'}${reference}`,
    run: (...words: string[]) => run(['images', ...words], { env }),

    push: (tag: string) => client.pushImage(name, tag, `layer of ${tag}`),

    async pushIndex(tag: string, children: readonly { digest: string; platform?: object; annotations?: object }[]) {
      const manifests = [];
      for (const child of children) {
        const { bytes, headers } = await client.request('GET', `/v2/${name}/manifests/${child.digest}`);
        manifests.push({ mediaType: headers.get('content-type'), size: bytes.length, ...child });
      }
      return pushManifest(tag, JSON.stringify({ schemaVersion: 2, mediaType: ociIndex, manifests }), ociIndex);
    },

    statement: (digest: string, predicateType: string, predicate: unknown) =>
      JSON.stringify({
        _type: 'https://in-toto.io/Statement/v1',
        predicateType,
        subject: [{ name, digest: { sha256: digest.replace('sha256:', '') } }],
        predicate,
      }),

    async attach(digest: string, content: string | Buffer, attached: Attached = {}): Promise<string> {
      const bytes = Buffer.from(content);
      await client.pushBlob(name, '{}');
      await client.pushBlob(name, bytes);
      const subject = await client.request('GET', `/v2/${name}/manifests/${digest}`);
      const manifest = JSON.stringify({
        ...JSON.parse(imageManifest('{}', 'x')),
        ...(attached.artifactType === undefined ? {} : { artifactType: attached.artifactType }),
        layers: [
          {
            mediaType: attached.type ?? inTotoType,
            digest: digestOf(bytes),
            size: bytes.length,
            ...(attached.layerAnnotations === undefined ? {} : { annotations: attached.layerAnnotations }),
          },
        ],
        ...(attached.tagged === true
          ? {}
          : {
              subject: {
                mediaType: subject.headers.get('content-type'),
                digest,
                size: subject.bytes.length,
              },
            }),
        ...(attached.annotations === undefined ? {} : { annotations: attached.annotations }),
      });
      return pushManifest(attached.tagged === true ? `${digest.replace(':', '-')}.att` : digestOf(manifest), manifest);
    },
  };
}
