import { toWireTime } from '../../api/wire-time.ts';
import { mediaTypes } from '../manifest.ts';
import { RegistryError, refuse } from '../registry-error.ts';
import { listRepositoryNames, type Page } from '../repositories.ts';
import { iterateReferrers, type Referrer } from '../stored-manifests.ts';
import { findTag, listTags, tagUpdates } from '../stored-tags.ts';
import { type AccessRequirement, existing } from './authorization.ts';
import { type Exchange, type RegistryParts, requireDigest, sendBytes, sendJson } from './exchange.ts';

const maxPageSize = 10_000;
/** protocols 7.4. */
const maxHistoryLength = 1000;
/** Clients take no manifest longer than 4 MiB; a list of referrers is one to them. */
const maxReferrersBytes = 3 * 1024 * 1024;

export async function listRepositoryTags(parts: RegistryParts, exchange: Exchange, name: string): Promise<void> {
  const { request, url } = exchange;
  const requirement: AccessRequirement = { name, action: 'pull', capabilities: ['tag.list'] };
  const principal = await parts.authorization.identify(request, [requirement]);
  const limit = pageSize(url);
  const page = parts.store.read((tx) => {
    const repository = existing(parts.authorization.authorize(tx, request, principal, requirement));
    return listTags(tx, repository, url.searchParams.get('last') ?? '', limit);
  });
  sendJson(exchange, { name, tags: page.items }, nextPage(url, page, limit));
}

export async function listCatalog(parts: RegistryParts, exchange: Exchange): Promise<void> {
  const { request, url } = exchange;
  const principal = await parts.authorization.identify(request, 'catalog');
  const limit = pageSize(url);
  const page = parts.store.read((tx) => {
    const organizations = parts.authorization.catalog(tx, request, principal);
    return listRepositoryNames(tx, organizations, url.searchParams.get('last') ?? '', limit);
  });
  sendJson(exchange, { repositories: page.items }, nextPage(url, page, limit));
}

export async function listReferrers(
  parts: RegistryParts,
  exchange: Exchange,
  name: string,
  digest: string,
): Promise<void> {
  const { request, url } = exchange;
  const requirement: AccessRequirement = { name, action: 'pull', capabilities: ['referrers.list'] };
  const principal = await parts.authorization.identify(request, [requirement]);
  requireDigest(digest);
  const artifactType = url.searchParams.get('artifactType') ?? undefined;
  const manifests: Referrer[] = [];
  const more = parts.store.read((tx) => {
    const repository = unlessUnknown(() =>
      existing(parts.authorization.authorize(tx, request, principal, requirement)),
    );
    if (repository === undefined) return false;
    let size = 0;
    for (const referrer of iterateReferrers(tx, repository, digest, {
      last: url.searchParams.get('last') ?? '',
      artifactType,
    })) {
      size += Buffer.byteLength(JSON.stringify(referrer));
      // A single longer one still goes out, or paging would never end.
      if (size > maxReferrersBytes && manifests.length > 0) return true;
      manifests.push(referrer);
    }
    return false;
  });
  const last = manifests.at(-1)?.digest;
  const next = new URLSearchParams({ ...(artifactType === undefined ? {} : { artifactType }), last: last ?? '' });
  const body = { schemaVersion: 2, mediaType: mediaTypes.ociIndex, manifests };
  sendBytes(exchange, Buffer.from(JSON.stringify(body)), mediaTypes.ociIndex, {
    ...(artifactType === undefined ? {} : { 'OCI-Filters-Applied': 'artifactType' }),
    ...(more ? { Link: `<${url.pathname}?${next}>; rel="next"` } : {}),
  });
}

/**
 * A registry that knows referrers answers no request for them with 404 (specification, "Listing Referrers"): clients
 * take that for a registry which does not know them, and look for tags instead. Other refusals stay.
 */
function unlessUnknown<T>(work: () => T): T | undefined {
  try {
    return work();
  } catch (error) {
    if (error instanceof RegistryError && error.status === 404) return undefined;
    throw error;
  }
}

/** Chainguard's own: what a tag has named (protocols 7.4). */
export async function listHistory(parts: RegistryParts, exchange: Exchange, name: string, tag: string): Promise<void> {
  const { request, url } = exchange;
  const requirement: AccessRequirement = { name, action: 'pull', capabilities: ['tag.list'] };
  const principal = await parts.authorization.identify(request, [requirement]);
  const bounds = {
    start: timeParameter(url, 'start') ?? 0,
    end: timeParameter(url, 'end') ?? Number.MAX_SAFE_INTEGER,
  };
  const history = parts.store.read((tx) => {
    const repository = existing(parts.authorization.authorize(tx, request, principal, requirement));
    const updates = tagUpdates(tx, repository, tag, bounds, maxHistoryLength);
    if (updates.length === 0 && findTag(tx, repository, tag) === undefined) {
      throw refuse(404, 'MANIFEST_UNKNOWN', 'manifest unknown to registry', { tag });
    }
    return updates;
  });
  sendJson(exchange, {
    history: history.map((update) => ({ updateTimestamp: toWireTime(update.updatedAt), digest: update.digest })),
  });
}

function timeParameter(url: URL, name: string): number | undefined {
  const text = url.searchParams.get(name);
  if (text === null || text === '') return undefined;
  const time = /^\d{4}-\d\d-\d\dT/i.test(text) ? Date.parse(text) : Number.NaN;
  if (Number.isNaN(time)) throw refuse(400, 'BAD_REQUEST', `${name} must be an RFC 3339 time`);
  return time;
}

function pageSize(url: URL): number {
  const text = url.searchParams.get('n');
  if (text === null) return maxPageSize;
  if (!/^[0-9]+$/.test(text)) throw refuse(400, 'BAD_REQUEST', 'n must be a number');
  return Math.min(Number(text), maxPageSize);
}

function nextPage(url: URL, page: Page<string>, limit: number): Record<string, string> {
  const last = page.items.at(-1);
  // With n=0 there is no next page to speak of (specification, "Listing Tags").
  if (!page.more || last === undefined) return {};
  return { Link: `<${url.pathname}?${new URLSearchParams({ n: String(limit), last })}>; rel="next"` };
}
