// Evaluates advisories for installed packages. Guarantees: the newest event of an advisory decides, and a fix counts
// for what is as new as it.

import { compareVersions } from '../attestations/version-order.ts';
import type {
  AdvisoryAdvisory,
  AdvisoryDocument,
  AdvisoryDocumentList,
  AdvisoryEvent,
} from './schema/types/advisory.gen.ts';

export const advisoryStatuses = [
  'detected',
  'affected',
  'pending-upstream',
  'fix-available',
  'fix-not-planned',
  'fixed',
  'not-affected',
] as const;
export type AdvisoryStatus = (typeof advisoryStatuses)[number];

/** Statuses that no longer concern the installed version, shown only when asked for. */
const settled: readonly AdvisoryStatus[] = ['fixed', 'not-affected'];

export interface InstalledPackage {
  readonly name: string;
  readonly version: string;
  readonly type: string;
  /** Origin package; empty when that is itself. */
  readonly origin: string;
}

export interface AdvisoryFinding {
  readonly package: { readonly name: string; readonly version: string };
  readonly advisories: readonly { readonly advisory: AdvisoryAdvisory; readonly status: AdvisoryStatus }[];
}

/** Requests made at the same time. */
const batchSize = 8;

/**
 * Returns what there is about apk packages, sorted by name: of these statuses, or without any of them what is not
 * settled. `list` answers the documents of a package that others were built from.
 */
export async function findAdvisories(
  packages: readonly InstalledPackage[],
  statuses: readonly AdvisoryStatus[],
  list: (id: string) => Promise<AdvisoryDocumentList>,
): Promise<readonly AdvisoryFinding[]> {
  const installed = packages
    .filter(({ type }) => type === 'apk')
    .map((one) => ({ ...one, origin: one.origin || one.name }));
  const origins = [...new Set(installed.map(({ origin }) => origin))];
  const documents = new Map<string, AdvisoryDocument>();
  for (let at = 0; at < origins.length; at += batchSize) {
    const answers = await Promise.all(origins.slice(at, at + batchSize).map(list));
    for (const { items = [] } of answers) for (const document of items) documents.set(document.id ?? '', document);
  }
  const isWanted = (one: AdvisoryStatus) => (statuses.length === 0 ? !settled.includes(one) : statuses.includes(one));
  return installed
    .map(({ name, version, origin }) => ({
      package: { name, version },
      advisories: (documents.get(origin)?.advisories ?? [])
        .map((advisory) => ({ advisory, status: statusOf(advisory, version) }))
        .filter((one) => isWanted(one.status)),
    }))
    .filter(({ advisories }) => advisories.length > 0)
    .sort((a, b) => (a.package.name < b.package.name ? -1 : 1));
}

/** Returns its id, then its names elsewhere. */
export const advisoryNames = ({ id, aliases = [] }: AdvisoryAdvisory): readonly string[] => [
  ...(id === undefined ? [] : [id]),
  ...aliases,
];

export const latestEvent = (events: readonly AdvisoryEvent[] = []): AdvisoryEvent | undefined =>
  [...events].sort((a, b) => Date.parse(a.timestamp ?? '') - Date.parse(b.timestamp ?? '')).at(-1);

/** Returns what the newest event says of the installed version. */
function statusOf({ events }: AdvisoryAdvisory, version: string): AdvisoryStatus {
  const event = latestEvent(events);
  if (event?.fixed) return compareVersions(version, event.fixed.fixedVersion ?? '') >= 0 ? 'fixed' : 'fix-available';
  if (event?.falsePositiveDetermination) return 'not-affected';
  if (event?.pendingUpstreamFix) return 'pending-upstream';
  if (event?.fixNotPlanned || event?.analysisNotPlanned) return 'fix-not-planned';
  return event?.truePositiveDetermination ? 'affected' : 'detected';
}
