import type {
  AdvisoryDocument,
  AdvisoryDocumentFilter,
  AdvisoryDocumentList,
  AdvisoryEvent,
  AdvisoryVulnerabilityMetadata,
  AdvisoryVulnerabilityMetadataFilter,
  AdvisoryVulnerabilityMetadataList,
} from '../../api/schema/types/advisory.gen.ts';
import type {
  VulnerabilitiesV1AdvisoriesList,
  VulnerabilitiesV1Advisory,
  VulnerabilitiesV1AdvisoryEvent,
  VulnerabilitiesV1AdvisoryFilter,
} from '../../api/schema/types/vulnerabilities-v1.gen.ts';
import { pageOf } from '../api/paging.ts';
import { groupsWith } from '../authorization/access.ts';
import { invalidArgument } from '../core/failures.ts';
import type { Caller } from '../core/types.ts';
import type { Tx } from '../store/database.ts';
import { writtenAdvisories } from './written-advisories.ts';

const maxIds = 1000;

/** Advisories by origin package; of each only those with one of the `cves`, when there are any. */
export function listDocuments(tx: Tx, _caller: Caller, request: AdvisoryDocumentFilter): AdvisoryDocumentList {
  const wanted = new Set(request.cves ?? []);
  const items = documents(tx, request.id).flatMap((document): AdvisoryDocument[] => {
    if (wanted.size === 0) return [document];
    const advisories = document.advisories?.filter(({ id = '', aliases = [] }) =>
      [id, ...aliases].some((name) => wanted.has(name)),
    );
    return advisories === undefined || advisories.length === 0 ? [] : [{ ...document, advisories }];
  });
  return { items };
}

export function listVulnerabilityMetadata(
  tx: Tx,
  _caller: Caller,
  request: AdvisoryVulnerabilityMetadataFilter,
): AdvisoryVulnerabilityMetadataList {
  const ids = new Set([...(request.ids ?? []), ...(request.id ? [request.id] : [])]);
  if (ids.size > maxIds) throw invalidArgument(`ids: at most ${maxIds} at once`);
  if (!['', 'id', 'id asc'].includes(request.orderBy ?? '')) {
    throw invalidArgument('order_by: only "id asc" is supported');
  }
  const all = tx
    .all('SELECT id, metadata FROM vulnerability_metadata ORDER BY id')
    .filter((row) => ids.size === 0 || ids.has(String(row['id'])));
  const page = pageOf(tx, all, (row) => String(row['id']), request);
  return {
    items: page.items.map((row) => JSON.parse(String(row['metadata'])) as AdvisoryVulnerabilityMetadata),
    nextPageToken: page.nextPageToken,
    totalCount: page.totalCount,
    skipped: page.skipped,
  };
}

/** The same advisories one by one, and those written where the caller may list them; empty for whoever may nowhere. */
export function listAdvisories(
  tx: Tx,
  caller: Caller,
  request: VulnerabilitiesV1AdvisoryFilter,
): VulnerabilitiesV1AdvisoriesList {
  const places = groupsWith(tx, caller, ['advisories.list']);
  if (places.length === 0) return { totalCount: '0' };
  const isOneOf = (wanted: readonly string[] | undefined, value: string | undefined): boolean =>
    wanted === undefined || wanted.length === 0 || (value !== undefined && wanted.includes(value));
  const all = [...documents(tx, undefined).flatMap(toAdvisories), ...writtenAdvisories(tx, places)]
    .filter(
      (advisory) =>
        (request.id === undefined || request.id === '' || request.id === advisory.id) &&
        isOneOf(request.advisoryIds, advisory.advisoryId) &&
        isOneOf(request.artifactType, advisory.artifactType) &&
        isOneOf(request.artifactName, advisory.artifactName) &&
        isOneOf(request.componentName, advisory.componentName) &&
        isOneOf(request.componentType, advisory.componentType) &&
        (request.aliases === undefined ||
          request.aliases.length === 0 ||
          request.aliases.some((alias) => advisory.aliases?.includes(alias))),
    )
    .sort((a, b) => (String(a.id) < String(b.id) ? -1 : 1));
  const page = pageOf(tx, all, (advisory) => advisory.id ?? '', request);
  return { items: [...page.items], nextPageToken: page.nextPageToken, totalCount: page.totalCount };
}

function documents(tx: Tx, id: string | undefined): AdvisoryDocument[] {
  const rows =
    id === undefined || id === ''
      ? tx.all('SELECT document FROM advisory_documents ORDER BY id')
      : tx.all('SELECT document FROM advisory_documents WHERE id = ?', id);
  return rows.map((row) => JSON.parse(String(row['document'])) as AdvisoryDocument);
}

function toAdvisories({ id: artifactName = '', advisories = [] }: AdvisoryDocument): VulnerabilitiesV1Advisory[] {
  return advisories.map(({ id = '', aliases = [], events = [] }) => {
    const times = events.flatMap(({ timestamp }) => timestamp ?? []).sort();
    const [createdAt] = times;
    const updatedAt = times.at(-1);
    return {
      id,
      advisoryId: id,
      artifactType: 'apk',
      artifactName,
      componentName: artifactName,
      componentType: 'apk',
      aliases,
      events: events.map(toAdvisoryEvent),
      ...(createdAt === undefined ? {} : { createdAt }),
      ...(updatedAt === undefined ? {} : { updatedAt }),
    };
  });
}

/** The two APIs name most kinds alike; the kinds of false positives lose their prefix. */
function toAdvisoryEvent({ falsePositiveDetermination, ...event }: AdvisoryEvent): VulnerabilitiesV1AdvisoryEvent {
  if (falsePositiveDetermination === undefined) return { ...event, status: 'APPROVED' };
  const { type = '', note = '' } = falsePositiveDetermination;
  const known = type.replace(/^FPT_TYPE_/, '');
  return { ...event, falsePositiveDetermination: { type: known, note }, status: 'APPROVED' };
}
