// A pull after the OCI distribution specification, for machines without a container client: challenge, token, manifest,
// blobs, every digest checked. Usage: pull.mjs HOST/REPOSITORY:TAG
// Credentials are a pull token in the environment (CHAINGUARD_IDENTITY_ID, CHAINGUARD_TOKEN) or, as Docker does it, what the
// credential helper says that ~/.docker/config.json names.

import { spawnSync } from 'node:child_process';
import { createHash } from 'node:crypto';
import { readFileSync } from 'node:fs';
import { homedir } from 'node:os';
import { join } from 'node:path';

const image = process.argv[2] ?? '';
const [, host, repository, tag] = /^([^/]+)\/(.+):([^:/]+)$/.exec(image) ?? [];
if (host === undefined) {
  console.error('usage: pull.mjs HOST/REPOSITORY:TAG');
  process.exit(2);
}
const origin = `http://${host}`;
const manifestTypes = [
  'application/vnd.oci.image.index.v1+json',
  'application/vnd.oci.image.manifest.v1+json',
  'application/vnd.docker.distribution.manifest.list.v2+json',
  'application/vnd.docker.distribution.manifest.v2+json',
];

function credentials() {
  const { CHAINGUARD_IDENTITY_ID: id, CHAINGUARD_TOKEN: token } = process.env;
  if (id && token) return `${id}:${token}`;
  const folder = process.env.DOCKER_CONFIG ?? join(homedir(), '.docker');
  const helper = JSON.parse(readFileSync(join(folder, 'config.json'), 'utf8')).credHelpers?.[host];
  if (helper === undefined) return undefined;
  const answer = spawnSync(`docker-credential-${helper}`, ['get'], { input: host, encoding: 'utf8' });
  if (answer.status !== 0) return undefined;
  const { Username, Secret } = JSON.parse(answer.stdout);
  return `${Username}:${Secret}`;
}

async function fail(response, what) {
  const body = await response.json().catch(() => ({}));
  throw new Error(`${what}: ${response.status} ${body.errors?.[0]?.message ?? ''}`.trim());
}

async function authorize() {
  const ping = await fetch(`${origin}/v2/`);
  const challenge = ping.headers.get('www-authenticate') ?? '';
  const realm = /realm="([^"]+)"/.exec(challenge)?.[1];
  if (realm === undefined) throw new Error(`${host} does not answer like a registry`);
  const url = new URL(realm);
  url.searchParams.set('service', /service="([^"]+)"/.exec(challenge)?.[1] ?? host);
  url.searchParams.set('scope', `repository:${repository}:pull`);
  const login = credentials();
  const headers = login === undefined ? {} : { authorization: `Basic ${Buffer.from(login).toString('base64')}` };
  const response = await fetch(url, { headers });
  if (!response.ok) await fail(response, 'no token');
  return (await response.json()).token;
}

async function get(kind, reference, token) {
  const response = await fetch(`${origin}/v2/${repository}/${kind}/${reference}`, {
    headers: { authorization: `Bearer ${token}`, accept: manifestTypes.join(', ') },
  });
  if (!response.ok) await fail(response, `${kind} ${reference}`);
  const bytes = Buffer.from(await response.arrayBuffer());
  const digest = `sha256:${createHash('sha256').update(bytes).digest('hex')}`;
  if (reference.includes(':') && digest !== reference) throw new Error(`${reference} arrived as ${digest}`);
  return { bytes, digest };
}

try {
  const token = await authorize();
  let { bytes, digest } = await get('manifests', tag, token);
  let manifest = JSON.parse(bytes);
  if (manifest.manifests !== undefined) {
    const arch = process.arch === 'arm64' ? 'arm64' : 'amd64';
    const chosen = manifest.manifests.find((one) => one.platform?.architecture === arch);
    if (chosen === undefined) throw new Error(`there is no image for ${arch}`);
    ({ bytes, digest } = await get('manifests', chosen.digest, token));
    manifest = JSON.parse(bytes);
  }
  let total = bytes.length;
  for (const blob of [manifest.config, ...manifest.layers])
    total += (await get('blobs', blob.digest, token)).bytes.length;
  console.log(`${image}@${digest}: ${manifest.layers.length} layers, ${total} bytes, every digest checked`);
} catch (error) {
  console.error(`pull: ${error.message}`);
  process.exitCode = 1;
}
