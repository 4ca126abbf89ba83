import { bodyOf } from '../../http/request-body.ts';
import type { ChunkPlace } from '../../store/blob-store.ts';
import type { Tx } from '../../store/database.ts';
import { type Digest, digestText, isDigestAlgorithm } from '../../store/digest.ts';
import { UploadError } from '../../store/upload-error.ts';
import { isName } from '../reference.ts';
import { RegistryError, refuse } from '../registry-error.ts';
import { recordPush, toVisit } from '../registry-events.ts';
import type { Repository } from '../repositories.ts';
import { addBlob, blobSize, linkBlob, pathsWithBlob } from '../stored-blobs.ts';
import type { AccessRequirement, Principal, ResolvedRepository } from './authorization.ts';
import { pushedRepository } from './changes.ts';
import { type Exchange, type RegistryParts, requireDigest, sendEmpty } from './exchange.ts';
import { dropAbandoned } from './upload-maintenance.ts';

/** How far behind the last sign of life of an upload may be noted. */
const touchEvery = 60 * 1000;
/** How many repositories are tried for a blob that may be mounted from any: each costs a look at the pusher's rights. */
const maxSources = 100;

/** The rights of every request about uploads. */
export function pushRequirement(name: string): AccessRequirement {
  return { name, action: 'push', capabilities: ['manifest.create'] };
}

/** `POST …/blobs/uploads/`: starts an upload, takes a whole blob, or mounts one from another repository. */
export async function startUpload(parts: RegistryParts, exchange: Exchange, name: string): Promise<void> {
  const { request, url } = exchange;
  const mount = url.searchParams.get('mount');
  const from = url.searchParams.get('from');
  const source = from !== null && isName(from) ? from : undefined;
  const needs = [pushRequirement(name)];
  // The challenge names the source too, so that a client comes back with a token good for both.
  if (mount !== null && source !== undefined) {
    needs.push({ name: source, action: 'pull', capabilities: ['manifest.list'] });
  }
  const principal = await parts.authorization.identify(request, needs);

  // Without `from` any repository will do that the pusher may read (specification, "Mounting a blob").
  if (mount !== null && (source !== undefined || from === null)) {
    const digest = requireDigest(mount);
    if (mountBlob(parts, exchange, principal, { name, source, digest })) {
      return sendBlobCreated(exchange, name, digest);
    }
  }

  const whole = url.searchParams.get('digest');
  const digest = whole === null ? undefined : requireDigest(whole);
  const algorithm = url.searchParams.get('digest-algorithm') ?? digest?.algorithm ?? 'sha256';
  if (!isDigestAlgorithm(algorithm)) throw refuse(400, 'DIGEST_INVALID', 'unsupported digest algorithm');

  const repository = await parts.store.commit((tx) => {
    dropAbandoned(parts, tx);
    return pushedRepository(
      parts,
      tx,
      parts.authorization.authorize(tx, request, principal, pushRequirement(name)),
      principal,
    );
  });
  const id = await parts.blobs.begin(algorithm);
  try {
    if (digest !== undefined) {
      await parts.blobs.append(id, bodyOf(request));
      const size = await parts.blobs.finish(id, digest);
      await keepBlob(parts, exchange, principal, repository, { digest, size });
      return sendBlobCreated(exchange, name, digest);
    }
    await parts.store.commit((tx) => {
      requireRow(tx, repository);
      tx.run(
        'INSERT INTO uploads (id, repo, started_at, touched_at) VALUES (?, ?, ?, ?)',
        id,
        repository.id,
        tx.now,
        tx.now,
      );
    });
  } catch (error) {
    await parts.blobs.cancel(id).catch(() => undefined);
    throw toRefusal(error);
  }
  sendEmpty(exchange, 202, uploadHeaders(name, id, 0));
}

/** `GET`, `PATCH`, `PUT` and `DELETE` of one upload. */
export async function continueUpload(
  parts: RegistryParts,
  exchange: Exchange,
  name: string,
  id: string,
): Promise<void> {
  const { request } = exchange;
  const principal = await parts.authorization.identify(request, [pushRequirement(name)]);
  const place = parts.store.read((tx) => parts.authorization.authorize(tx, request, principal, pushRequirement(name)));
  const repository = parts.store.read((tx) => {
    const row = place.repository && tx.get('SELECT repo FROM uploads WHERE id = ?', id);
    // An upload belongs to the repository it was started in; elsewhere its id means nothing.
    return row !== undefined && row['repo'] === place.repository?.id ? place.repository : undefined;
  });
  const received = repository === undefined ? undefined : await parts.blobs.received(id);
  if (repository === undefined || received === undefined) {
    const there = request.method === 'PUT' ? finished(parts, exchange, place) : undefined;
    if (there === undefined) throw uploadUnknown();
    return sendBlobCreated(exchange, name, there);
  }

  try {
    switch (request.method) {
      case 'PATCH': {
        const total = await parts.blobs.append(id, bodyOf(request), chunkPlace(exchange));
        touch(parts, id);
        return sendEmpty(exchange, 202, uploadHeaders(name, id, total));
      }
      case 'PUT': {
        const digest = requireDigest(exchange.url.searchParams.get('digest') ?? '');
        await parts.blobs.append(id, bodyOf(request), chunkPlace(exchange));
        const size = await parts.blobs.finish(id, digest);
        await keepBlob(parts, exchange, principal, repository, { digest, size, upload: id });
        return sendBlobCreated(exchange, name, digest);
      }
      case 'DELETE':
        await parts.blobs.cancel(id);
        parts.store.transact((tx) => tx.run('DELETE FROM uploads WHERE id = ?', id));
        return sendEmpty(exchange, 204, {});
      default:
        return sendEmpty(exchange, 204, uploadHeaders(name, id, received));
    }
  } catch (error) {
    if (error instanceof UploadError && error.reason === 'digest') {
      parts.store.transact((tx) => tx.run('DELETE FROM uploads WHERE id = ?', id));
    }
    if (error instanceof UploadError && error.reason === 'out-of-order') {
      const headers = uploadHeaders(name, id, received);
      throw new RegistryError(416, { code: 'BLOB_UPLOAD_INVALID', message: error.message }, headers);
    }
    throw toRefusal(error);
  }
}

/** The blob that a repeated last request is about: the answer to the first was lost, and the upload is over. */
function finished(
  { store }: RegistryParts,
  { url }: Exchange,
  { repository }: Pick<ResolvedRepository, 'repository'>,
): Digest | undefined {
  const digest = requireDigest(url.searchParams.get('digest') ?? '');
  const isThere = repository && store.read((tx) => blobSize(tx, repository, digestText(digest)) !== undefined);
  return isThere === true ? digest : undefined;
}

function mountBlob(
  parts: RegistryParts,
  exchange: Exchange,
  principal: Principal,
  wanted: { readonly name: string; readonly source: string | undefined; readonly digest: Digest },
): boolean {
  return parts.store.transact((tx) => {
    const text = digestText(wanted.digest);
    const place = parts.authorization.authorize(tx, exchange.request, principal, pushRequirement(wanted.name));
    const sources = wanted.source === undefined ? pathsWithBlob(tx, text, maxSources) : [wanted.source];
    const isThere = (source: string): boolean => {
      const found = parts.authorization.readable(tx, principal, source);
      return found !== undefined && blobSize(tx, found, text) !== undefined;
    };
    if (!sources.some(isThere)) return false;
    const repository = pushedRepository(parts, tx, place, principal);
    linkBlob(tx, repository, text);
    recordPush(tx, repository, toVisit(exchange.request, principal), { type: 'blob', digest: text });
    return true;
  });
}

/** The rows of a blob whose file is on disk. */
function keepBlob(
  parts: RegistryParts,
  exchange: Exchange,
  principal: Principal,
  repository: Repository,
  blob: { readonly digest: Digest; readonly size: number; readonly upload?: string },
): Promise<void> {
  const text = digestText(blob.digest);
  return parts.store.commit((tx) => {
    requireRow(tx, repository);
    addBlob(tx, repository, text, blob.size);
    if (blob.upload !== undefined) tx.run('DELETE FROM uploads WHERE id = ?', blob.upload);
    recordPush(tx, repository, toVisit(exchange.request, principal), { type: 'blob', digest: text });
  });
}

/** A long upload may outlive its repository. */
function requireRow(tx: Tx, repository: Repository): void {
  if (tx.get('SELECT 1 FROM repos WHERE id = ?', repository.id) === undefined) throw uploadUnknown();
}

function touch({ store }: RegistryParts, id: string): void {
  const stale = store.read((tx) => {
    const row = tx.get('SELECT touched_at FROM uploads WHERE id = ?', id);
    return row !== undefined && Number(row['touched_at']) < tx.now - touchEvery;
  });
  // Most chunks cost no commit this way.
  if (stale) store.transact((tx) => tx.run('UPDATE uploads SET touched_at = ? WHERE id = ?', tx.now, id));
}

/** Returns where a chunk says it belongs; undefined for a body that just goes on. */
function chunkPlace({ request }: Exchange): ChunkPlace | undefined {
  const header = request.headers['content-range'];
  if (header === undefined) return undefined;
  const [, first, last] = /^(?:bytes )?([0-9]{1,15})-([0-9]{1,15})(?:\/(?:[0-9]+|\*))?$/.exec(header) ?? [];
  if (first === undefined || last === undefined || Number(last) < Number(first)) {
    throw refuse(400, 'BLOB_UPLOAD_INVALID', 'Content-Range must be <first>-<last>');
  }
  const length = Number(last) - Number(first) + 1;
  const stated = request.headers['content-length'];
  if (stated !== undefined && Number(stated) !== length) {
    throw refuse(400, 'SIZE_INVALID', 'Content-Length and Content-Range differ');
  }
  return { start: Number(first), length };
}

function uploadHeaders(name: string, id: string, received: number): Record<string, string> {
  return {
    Location: `/v2/${name}/blobs/uploads/${id}`,
    // An empty upload is `0-0` too: the header has no form for nothing, and clients that resume count from here.
    Range: `0-${Math.max(0, received - 1)}`,
    'Docker-Upload-UUID': id,
  };
}

function sendBlobCreated(exchange: Exchange, name: string, digest: Digest): void {
  const text = digestText(digest);
  sendEmpty(exchange, 201, { Location: `/v2/${name}/blobs/${text}`, 'Docker-Content-Digest': text });
}

function uploadUnknown(): RegistryError {
  return refuse(404, 'BLOB_UPLOAD_UNKNOWN', 'blob upload unknown to registry');
}

function toRefusal(error: unknown): unknown {
  if (!(error instanceof UploadError)) return error;
  switch (error.reason) {
    case 'unknown':
      return uploadUnknown();
    case 'busy':
      return refuse(409, 'BLOB_UPLOAD_INVALID', error.message);
    case 'out-of-order':
      return refuse(416, 'BLOB_UPLOAD_INVALID', error.message);
    case 'digest':
      return refuse(400, 'DIGEST_INVALID', error.message);
    case 'length':
    case 'interrupted':
      return refuse(400, 'SIZE_INVALID', error.message);
  }
}
