import type {
  RegistryEolTag,
  RegistryEolTagFilter,
  RegistryEolTagList,
  RegistryPackageVersion,
  RegistryPackageVersionMetadata,
  RegistryPackageVersionMetadataRequest,
} from '../../../api/schema/types/registry.gen.ts';
import { pageOf } from '../../api/paging.ts';
import { toWireTime } from '../../api/wire-time.ts';
import { groupsWith } from '../../authorization/access.ts';
import { invalidArgument, notFound, permissionDenied } from '../../core/failures.ts';
import type { CallContext } from '../../core/handler.ts';
import type { Caller } from '../../core/types.ts';
import type { SqlRow, Tx } from '../../store/database.ts';
import { configOf, imagesOf, type ReadBlob } from '../image-documents.ts';
import { hasGracePeriod } from '../sources.ts';
import { selectTags } from './registry-selection.ts';
import { isWanted, requireRepository } from './tags.ts';

const packageLabel = 'dev.chainguard.package.main';
const versionLabel = 'org.opencontainers.image.version';

/** Version streams of a package, with the days they end. */
export function getPackageVersions(
  tx: Tx,
  caller: Caller,
  request: RegistryPackageVersionMetadataRequest,
): RegistryPackageVersionMetadata {
  if (groupsWith(tx, caller, ['version.list']).length === 0) throw permissionDenied('missing: version.list');
  const { package: name } = request;
  if (name === undefined || name === '') throw invalidArgument('package is required');
  const metadata = findMetadata(tx, name);
  if (metadata === undefined) throw notFound(`package ${JSON.stringify(name)} not found`);
  return metadata;
}

/** Tags of images whose main package the platform knows the streams of, by ascending id. */
export function listEolTags(
  tx: Tx,
  caller: Caller,
  request: RegistryEolTagFilter,
  { readBlob }: CallContext,
): RegistryEolTagList {
  const tags = selectTags(tx, caller, { capability: 'tag.list', name: request.name, uidp: request.uidp }).filter(
    (row) => isWanted(String(row['name']), { ...request, excludeReferrers: true }),
  );
  const page = pageOf(tx, tags, (row) => String(row['id']), request);
  const known = new Map<string, MainPackage | undefined>();
  const items = page.items.flatMap((row) => {
    const key = `${row['repo']} ${row['digest']}`;
    if (!known.has(key)) known.set(key, mainPackageOf(tx, row, readBlob));
    const main = known.get(key);
    return main === undefined ? [] : [toEolTag(tx, row, main)];
  });
  return { items, nextPageToken: page.nextPageToken };
}

interface MainPackage {
  readonly name: string;
  readonly stream: RegistryPackageVersion;
  readonly graceMonths: number;
}

/** Returns what the image is about, by its labels, and the stream its version belongs to. */
function mainPackageOf(tx: Tx, tag: SqlRow, readBlob: ReadBlob): MainPackage | undefined {
  const repository = requireRepository(tx, String(tag['repo']));
  const [image] = imagesOf(tx, repository, String(tag['digest']), readBlob);
  const labels = image && configOf(image.manifest, readBlob)?.config?.Labels;
  const name = labels?.[packageLabel];
  const version = labels?.[versionLabel];
  const metadata = name === undefined ? undefined : findMetadata(tx, name);
  if (name === undefined || version === undefined || metadata === undefined) return undefined;
  const stream = [...(metadata.versions ?? []), ...(metadata.eolVersions ?? [])].find(
    (one) => one.version !== undefined && (version === one.version || version.startsWith(`${one.version}.`)),
  );
  return stream && { name, stream, graceMonths: metadata.gracePeriodMonths ?? 0 };
}

function toEolTag(tx: Tx, row: SqlRow, { name, stream, graceMonths }: MainPackage): RegistryEolTag {
  const end = stream.eolDate === undefined ? undefined : Date.parse(stream.eolDate);
  const base = { id: String(row['id']), name: String(row['name']), mainPackageName: name, mainPackageVersion: stream };
  if (end === undefined || end > tx.now) return { ...base, tagStatus: 'TAG_ACTIVE', graceStatus: 'GRACE_NOT_ELIGIBLE' };
  const graceEnd = new Date(end);
  graceEnd.setUTCMonth(graceEnd.getUTCMonth() + graceMonths);
  const hasGrace = hasGracePeriod(tx, String(row['repo']));
  const isOver = graceMonths === 0 || graceEnd.getTime() <= tx.now;
  return {
    ...base,
    tagStatus: hasGrace && !isOver ? 'TAG_IN_GRACE' : 'TAG_INACTIVE',
    graceStatus: isOver
      ? graceMonths === 0
        ? 'GRACE_NOT_ELIGIBLE'
        : 'GRACE_EXPIRED'
      : hasGrace
        ? 'GRACE_ACTIVE'
        : 'GRACE_ELIGIBLE',
    ...(graceMonths === 0 ? {} : { gracePeriodExpiryDate: toWireTime(graceEnd.getTime()) }),
  };
}

function findMetadata(tx: Tx, name: string): RegistryPackageVersionMetadata | undefined {
  const row = tx.get('SELECT metadata FROM package_versions WHERE package = ?', name);
  return row === undefined ? undefined : (JSON.parse(String(row['metadata'])) as RegistryPackageVersionMetadata);
}
