import { createHash } from 'node:crypto';
import type { TestPlatform } from '../support/platform.ts';

export const ociManifest = 'application/vnd.oci.image.manifest.v1+json';
export const ociIndex = 'application/vnd.oci.image.index.v1+json';
export const ociConfig = 'application/vnd.oci.image.config.v1+json';
export const ociLayer = 'application/vnd.oci.image.layer.v1.tar+gzip';

export interface Sent {
  readonly headers?: Readonly<Record<string, string>>;
  readonly body?: Buffer | string;
  readonly token?: string | undefined;
}

export interface Got {
  readonly status: number;
  readonly headers: Headers;
  readonly bytes: Buffer;
  // biome-ignore lint/suspicious/noExplicitAny: tests look into answers of every shape
  readonly json: any;
  /** `code` of the first problem of an error answer. */
  readonly code: string | undefined;
}

/** One request, redirects and all left to the test. */
export async function send(base: string, method: string, path: string, sent: Sent = {}): Promise<Got> {
  const response = await fetch(new URL(path, base), {
    method,
    redirect: 'manual',
    headers: {
      ...(sent.token === undefined ? {} : { authorization: `Bearer ${sent.token}` }),
      ...sent.headers,
    },
    ...(sent.body === undefined ? {} : { body: typeof sent.body === 'string' ? sent.body : new Uint8Array(sent.body) }),
  });
  const bytes = Buffer.from(await response.arrayBuffer());
  const isJson = /json/.test(response.headers.get('content-type') ?? '') && bytes.length > 0;
  const json = isJson ? JSON.parse(bytes.toString()) : undefined;
  return { status: response.status, headers: response.headers, bytes, json, code: json?.errors?.[0]?.code };
}

export function basic(user: string, password: string): Record<string, string> {
  return { authorization: `Basic ${Buffer.from(`${user}:${password}`).toString('base64')}` };
}

export function digestOf(bytes: Buffer | string, algorithm: 'sha256' | 'sha512' = 'sha256'): string {
  return `${algorithm}:${createHash(algorithm).update(bytes).digest('hex')}`;
}

/** Host and port: the audience of tokens for the registry. */
export function audienceOf(platform: TestPlatform): string {
  return new URL(platform.urls.registry).host;
}

/** A client that holds a platform token for the registry and sends it straight to `/v2`. */
export function createClient(platform: TestPlatform, identity: string) {
  const base = platform.urls.registry;
  const token = platform.token(identity, { audience: audienceOf(platform) });
  const request = async (method: string, path: string, sent: Sent = {}): Promise<Got> =>
    send(base, method, path, { token: await token, ...sent });

  const pushBlob = async (name: string, bytes: Buffer | string): Promise<string> => {
    const digest = digestOf(bytes);
    const started = await request('POST', `/v2/${name}/blobs/uploads/`);
    const location = started.headers.get('location');
    if (started.status !== 202 || location === null) throw new Error(`upload refused: ${started.status}`);
    const done = await request('PUT', `${location}?digest=${digest}`, { body: Buffer.from(bytes) });
    if (done.status !== 201) throw new Error(`blob refused: ${done.status} ${done.bytes}`);
    return digest;
  };

  const pushManifest = (name: string, reference: string, manifest: string, type = ociManifest): Promise<Got> =>
    request('PUT', `/v2/${name}/manifests/${reference}`, { body: manifest, headers: { 'content-type': type } });

  return {
    request,
    pushBlob,
    pushManifest,
    /** A whole image of one layer, under a tag. */
    async pushImage(name: string, tag: string, layer: string, extra: object = {}): Promise<string> {
      const manifest = imageManifest('{}', layer, extra);
      await pushBlob(name, '{}');
      await pushBlob(name, layer);
      const pushed = await pushManifest(name, tag, manifest);
      if (pushed.status !== 201) throw new Error(`manifest refused: ${pushed.status} ${pushed.bytes}`);
      return digestOf(manifest);
    },
  };
}

export function imageManifest(config: string, layer: string | Buffer, extra: object = {}): string {
  return JSON.stringify({
    schemaVersion: 2,
    mediaType: ociManifest,
    config: { mediaType: ociConfig, digest: digestOf(config), size: config.length },
    layers: [{ mediaType: ociLayer, digest: digestOf(layer), size: layer.length }],
    ...extra,
  });
}
