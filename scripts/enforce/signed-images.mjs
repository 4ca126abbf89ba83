// Signed images for a benchmark, as many as it wants: a key of its own, one layer, and for each image the signature that
// cosign 2 would have put beside it. Made here because a hundred runs of cosign take longer than what is measured.

import { createHash, generateKeyPairSync, sign } from 'node:crypto';

const manifestType = 'application/vnd.oci.image.manifest.v1+json';
const configType = 'application/vnd.oci.image.config.v1+json';
const sha256 = (bytes) => createHash('sha256').update(bytes).digest('hex');

export function createSigner(registry) {
  const { publicKey, privateKey } = generateKeyPairSync('ec', { namedCurve: 'P-256' });
  const put = async (path, body, type) => {
    const answer = await fetch(`http://${registry}/v2/${path}`, {
      method: 'PUT',
      headers: { 'content-type': type },
      body,
    });
    if (!answer.ok) throw new Error(`${path}: ${answer.status} ${await answer.text()}`);
  };
  const blob = async (repository, bytes, mediaType, annotations) => {
    const began = await fetch(`http://${registry}/v2/${repository}/blobs/uploads/`, { method: 'POST' });
    const place = new URL(began.headers.get('location'), `http://${registry}`);
    const digest = `sha256:${sha256(bytes)}`;
    place.searchParams.set('digest', digest);
    await put(`${place.pathname}${place.search}`.replace(/^\/v2\//, ''), bytes, 'application/octet-stream');
    return { mediaType, digest, size: bytes.length, ...(annotations && { annotations }) };
  };
  const manifest = async (repository, tag, config, layers, annotations) => {
    const text = JSON.stringify({ schemaVersion: 2, mediaType: manifestType, config, layers, annotations });
    await put(`${repository}/manifests/${tag}`, text, manifestType);
    return `sha256:${sha256(text)}`;
  };
  return {
    publicKey: publicKey.export({ type: 'spki', format: 'pem' }),
    /** Returns `host/repository` of an image `latest` with a digest of its own. */
    async image(repository, isSigned = true) {
      const config = Buffer.from(
        JSON.stringify({ architecture: 'amd64', os: 'linux', rootfs: { type: 'layers', diff_ids: [] } }),
      );
      const place = `${registry}/${repository}`;
      const digest = await manifest(repository, 'latest', await blob(repository, config, configType), [], {
        repository,
      });
      if (!isSigned) return { place, digest };
      const payload = Buffer.from(
        JSON.stringify({
          critical: {
            identity: { 'docker-reference': place },
            image: { 'docker-manifest-digest': digest },
            type: 'cosign container image signature',
          },
          optional: null,
        }),
      );
      const layer = await blob(repository, payload, 'application/vnd.dev.cosign.simplesigning.v1+json', {
        'dev.cosignproject.cosign/signature': sign('sha256', payload, privateKey).toString('base64'),
      });
      const tag = `${digest.replace(':', '-')}.sig`;
      await manifest(repository, tag, await blob(repository, Buffer.from('{}'), configType), [layer]);
      return { place, digest };
    },
  };
}
