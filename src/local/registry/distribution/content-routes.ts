import { besideOperations } from '../../../api/schema/beside.ts';
import { digestOf, parseDigest } from '../../store/digest.ts';
import { parseManifest } from '../manifest.ts';
import { isTag } from '../reference.ts';
import { RegistryError, refuse } from '../registry-error.ts';
import { recordPush, toVisit } from '../registry-events.ts';
import { blobSize, unlinkBlob } from '../stored-blobs.ts';
import { addManifest, deleteManifest, findManifest, findProblems, manifestWith } from '../stored-manifests.ts';
import { findTag } from '../stored-tags.ts';
import { publishReferrer, publishTag } from '../sync.ts';
import {
  type AccessRequirement,
  existing,
  incapable,
  type Principal,
  type ResolvedRepository,
} from './authorization.ts';
import { pushedRepository, removeTags } from './changes.ts';
import { type Exchange, type RegistryParts, readBody, requireDigest, sendBytes, sendEmpty } from './exchange.ts';

/** Twice what the specification asks registries to take. */
const maxManifestBytes = 8 * 1024 * 1024;

function pullRequirement(name: string): AccessRequirement {
  return { name, action: 'pull', capabilities: besideOperations['distribution.v2.Registry.Pull'].capabilities };
}

/** `GET` and `HEAD` of a blob, whole or one range of it. */
export async function pullBlob(parts: RegistryParts, exchange: Exchange, name: string, text: string): Promise<void> {
  const { request, response } = exchange;
  const principal = await parts.authorization.identify(request, [pullRequirement(name)]);
  const digest = requireDigest(text);
  const found = parts.store.read((tx) => {
    const repository = existing(parts.authorization.authorize(tx, request, principal, pullRequirement(name)));
    const size = blobSize(tx, repository, text);
    return size === undefined ? undefined : { repository, size };
  });
  if (found === undefined) throw refuse(404, 'BLOB_UNKNOWN', 'blob unknown to registry');
  const { repository, size } = found;
  // A file somebody cut or removed behind our back must not pass for the blob.
  if ((await parts.blobs.size(digest)) !== size) throw new Error(`the file of blob ${text} is damaged or gone`);

  const etag = `"${text}"`;
  const headers = { 'Docker-Content-Digest': text, ETag: etag, 'Accept-Ranges': 'bytes' };
  if (isKnown(exchange, etag)) {
    response.writeHead(304, headers).end();
    return;
  }
  const range = requestedRange(exchange, size, etag);
  if (range === 'unsatisfiable') {
    const unsatisfiable = { 'Content-Range': `bytes */${size}` };
    throw new RegistryError(416, { code: 'SIZE_INVALID', message: 'no such range in the blob' }, unsatisfiable);
  }
  const method = request.method === 'HEAD' ? 'HEAD' : 'GET';
  await parts.logPull(repository, toVisit(request, principal), { type: 'blob', digest: text, method });

  const { start, end } = range ?? { start: 0, end: size - 1 };
  response.writeHead(range === undefined ? 200 : 206, {
    ...headers,
    'Content-Type': 'application/octet-stream',
    'Content-Length': String(end - start + 1),
    ...(range === undefined ? {} : { 'Content-Range': `bytes ${start}-${end}/${size}` }),
  });
  if (method === 'HEAD' || size === 0) {
    response.end();
    return;
  }
  await parts.blobs.send(digest, { start, end }, response);
  response.end();
}

export async function deleteBlob(
  parts: RegistryParts,
  exchange: Exchange,
  name: string,
  digest: string,
): Promise<void> {
  const requirement: AccessRequirement = { name, action: 'delete', capabilities: ['manifest.delete'] };
  const principal = await parts.authorization.identify(exchange.request, [requirement]);
  requireDigest(digest);
  parts.store.transact((tx) => {
    const repository = existing(parts.authorization.authorize(tx, exchange.request, principal, requirement));
    if (blobSize(tx, repository, digest) === undefined) throw refuse(404, 'BLOB_UNKNOWN', 'blob unknown to registry');
    const manifest = manifestWith(tx, repository, digest);
    // Deleting it would break an image that was promised to be kept.
    if (manifest !== undefined) throw refuse(405, 'UNSUPPORTED', `the blob is part of manifest ${manifest}`);
    unlinkBlob(tx, repository, digest);
  });
  sendEmpty(exchange, 202, {});
}

/** `GET` and `HEAD` of a manifest, by tag or digest. */
export async function pullManifest(
  parts: RegistryParts,
  exchange: Exchange,
  name: string,
  reference: string,
): Promise<void> {
  const { request, response } = exchange;
  const principal = await parts.authorization.identify(request, [pullRequirement(name)]);
  requireReference(reference);
  const { repository, manifest } = parts.store.read((tx) => {
    const repository = existing(parts.authorization.authorize(tx, request, principal, pullRequirement(name)));
    return { repository, manifest: findManifest(tx, repository, reference) };
  });
  if (manifest === undefined) throw manifestUnknown(reference);
  const headers = { 'Docker-Content-Digest': manifest.digest, ETag: `"${manifest.digest}"` };
  if (isKnown(exchange, headers.ETag)) {
    response.writeHead(304, headers).end();
    return;
  }
  await parts.logPull(repository, toVisit(request, principal), {
    type: 'manifest',
    digest: manifest.digest,
    method: request.method === 'HEAD' ? 'HEAD' : 'GET',
    ...(isTag(reference) ? { tag: reference } : {}),
  });
  sendBytes(exchange, manifest.content, manifest.mediaType, headers);
}

/** `PUT` of a manifest: under a tag, or by digest with any number of `tag` parameters. */
export async function pushManifest(
  parts: RegistryParts,
  exchange: Exchange,
  name: string,
  reference: string,
): Promise<void> {
  const { request, response, url } = exchange;
  const requirement: AccessRequirement = { name, action: 'push', capabilities: ['manifest.create'] };
  const principal = await parts.authorization.identify(request, [requirement]);
  parts.store.read((tx) => parts.authorization.authorize(tx, request, principal, requirement));

  const named = parseDigest(reference);
  const tags = named === undefined ? [reference] : [...new Set(url.searchParams.getAll('tag'))];
  for (const tag of tags) {
    // A digest we cannot read is no tag either.
    if (tag.includes(':')) throw refuse(400, 'DIGEST_INVALID', 'not a digest this registry can check');
    if (!isTag(tag)) throw refuse(400, 'MANIFEST_INVALID', 'not a valid tag');
  }
  const content = await readBody(request, maxManifestBytes);
  const digest = digestOf(content, named?.algorithm);
  if (named !== undefined && digest !== reference) {
    throw refuse(400, 'DIGEST_INVALID', 'provided digest did not match uploaded content');
  }
  const manifest = parseManifest(content, request.headers['content-type']);

  await parts.store.commit((tx) => {
    const place = parts.authorization.authorize(tx, request, principal, requirement);
    const repository = pushedRepository(parts, tx, place, principal);
    const problems = findProblems(tx, repository, manifest);
    if (problems.length > 0) throw new RegistryError(400, problems);
    addManifest(tx, repository, manifest, { digest, content });
    const visit = toVisit(request, principal);
    if (tags.length === 0) recordPush(tx, repository, visit, { type: 'manifest', digest });
    if (manifest.subject !== undefined) publishReferrer(tx, repository, digest, manifest.subject);
    for (const tag of tags) {
      const previous = findTag(tx, repository, tag);
      requireTagRight(place, principal, previous, digest);
      publishTag(tx, repository, tag, digest);
      recordPush(tx, repository, visit, {
        type: 'manifest',
        digest,
        tag,
        ...(previous === undefined || previous === digest ? {} : { previousDigest: previous }),
      });
    }
  });
  if (named !== undefined && tags.length > 0) response.setHeader('OCI-Tag', tags);
  sendEmpty(exchange, 201, {
    Location: `/v2/${name}/manifests/${digest}`,
    'Docker-Content-Digest': digest,
    ...(manifest.subject === undefined ? {} : { 'OCI-Subject': manifest.subject }),
  });
}

/** `DELETE` by digest takes the manifest and its tags; by tag only the tag. */
export async function removeManifest(
  parts: RegistryParts,
  exchange: Exchange,
  name: string,
  reference: string,
): Promise<void> {
  const byTag = isTag(reference);
  const requirement: AccessRequirement = {
    name,
    action: 'delete',
    capabilities: [byTag ? 'tag.delete' : 'manifest.delete'],
  };
  const principal = await parts.authorization.identify(exchange.request, [requirement]);
  if (!byTag) requireDigest(reference);
  parts.store.transact((tx) => {
    const repository = existing(parts.authorization.authorize(tx, exchange.request, principal, requirement));
    const which = byTag ? { name: reference } : { digest: reference };
    const tags = removeTags(parts, tx, repository, which, principal);
    if (byTag ? tags === 0 : !deleteManifest(tx, repository, reference)) throw manifestUnknown(reference);
  });
  sendEmpty(exchange, 202, {});
}

/**
 * A reference with a colon is no tag, so it has to be a digest. Any other text may be the tag of some other registry.
 */
function requireReference(reference: string): void {
  if (reference.includes(':')) requireDigest(reference);
}

function requireTagRight(
  place: ResolvedRepository,
  principal: Principal,
  previous: string | undefined,
  digest: string,
): void {
  if (previous === digest) return;
  const capability = previous === undefined ? 'tag.create' : 'tag.update';
  if (!place.capabilities.has(capability)) throw incapable(place.name, principal, [capability]);
}

function manifestUnknown(reference: string): RegistryError {
  return refuse(404, 'MANIFEST_UNKNOWN', 'manifest unknown to registry', { reference });
}

/**
 * Returns whether the client says that it has these bytes: one of a list of tags, weak or not, or any (RFC 9110,
 * 13.1.2).
 */
function isKnown({ request }: Exchange, etag: string): boolean {
  const tags = (request.headers['if-none-match'] ?? '').split(',').map((tag) => tag.trim().replace(/^W\//, ''));
  return tags.includes(etag) || tags.includes('*');
}

/** One byte range, both ends inclusive. Several ranges, other units and a stale If-Range mean the whole (RFC 9110). */
function requestedRange(
  { request }: Exchange,
  size: number,
  etag: string,
): { start: number; end: number } | 'unsatisfiable' | undefined {
  // Ranges are for GET; whoever only looks is told of the whole (RFC 9110, 14.2).
  if (request.method !== 'GET') return undefined;
  const condition = request.headers['if-range'];
  if (condition !== undefined && condition !== etag) return undefined;
  const [, first, last] = /^bytes=([0-9]{0,15})-([0-9]{0,15})$/.exec(request.headers.range ?? '') ?? [];
  if (first === undefined || last === undefined || (first === '' && last === '')) return undefined;
  if (first === '') {
    // The last so many bytes.
    const length = Math.min(Number(last), size);
    return length === 0 ? 'unsatisfiable' : { start: size - length, end: size - 1 };
  }
  const start = Number(first);
  if (last !== '' && Number(last) < start) return undefined;
  if (start >= size) return 'unsatisfiable';
  return { start, end: last === '' ? size - 1 : Math.min(Number(last), size - 1) };
}
