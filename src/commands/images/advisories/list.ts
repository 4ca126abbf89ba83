import { compact } from '../../../api/compact.ts';
import type { AdvisoryAdvisory, AdvisoryDocument, AdvisoryEvent } from '../../../api/schema/types/advisory.gen.ts';
import type { Context } from '../../../cli/context.ts';
import { defineCommand, defineView } from '../../../cli/define.ts';
import type { Kind } from '../../../cli/inputs/kind.ts';
import { choice } from '../../../cli/inputs/values.ts';
import { imageReference } from '../image-reference.ts';
import { platformKind, signatureInputs, signatureProblems } from '../sbom-inputs.ts';
import { compareVersions } from './version-order.ts';

const statuses = [
  'detected',
  'affected',
  'pending-upstream',
  'fix-available',
  'fix-not-planned',
  'fixed',
  'not-affected',
] as const;
type Status = (typeof statuses)[number];

/** What no longer concerns the installed version, shown only when asked for. */
const settled: readonly Status[] = ['fixed', 'not-affected'];

const statusKind: Kind<Status> = { ...choice(...statuses), metavar: 'STATUS', splitsCommas: true };

interface Finding {
  readonly package: { readonly name: string; readonly version: string };
  readonly advisories: readonly { readonly advisory: AdvisoryAdvisory; readonly status: Status }[];
}

const namesOf = ({ id, aliases = [] }: AdvisoryAdvisory) => [...(id === undefined ? [] : [id]), ...aliases];

const view = defineView<Finding>({
  json: (finding) => ({
    package: finding.package,
    advisories: finding.advisories.map(({ advisory: { id = '', aliases = [], events = [] }, status }) => ({
      id,
      aliases,
      events: events.map(compact),
      status,
    })),
  }),
  envelope: 'array',
  rows: (finding) => finding.advisories.map((one) => ({ ...finding, advisories: [one] })),
  columns: [
    { head: 'PACKAGE', value: (row) => row.package.name },
    { head: 'VERSION', rank: 2, value: (row) => row.package.version },
    { head: 'ADVISORY', value: ({ advisories: [one] }) => (one === undefined ? '' : namesOf(one.advisory).join(', ')) },
    { head: 'STATUS', value: ({ advisories: [one] }) => one?.status },
    { head: 'SINCE', rank: 1, value: ({ advisories: [one] }) => latest(one?.advisory.events)?.timestamp },
  ],
  empty: 'No advisories found.',
});

/** Requests made at the same time. */
const batchSize = 8;

export default defineCommand({
  path: ['images', 'advisories', 'list'],
  summary: 'List advisories about the packages of an image.',
  description:
    'Packages come from the SBOM attested of the image; its signature is verified with the key that the registry publishes, with --key, or by --certificate-identity. Without --status, advisories ' +
    'that are settled for the installed version are left out.',
  aliases: ['ls'],
  inputs: {
    image: {
      kind: imageReference,
      positional: 'IMAGE_REF',
      flag: false,
      required: true,
      help: 'Image; tag "latest" unless a tag or digest is given.',
      question: 'Which image?',
    },
    platform: { kind: platformKind, default: 'linux/amd64', help: 'Platform whose image is looked at.' },
    ...signatureInputs,
    status: { kind: statusKind, many: true, help: `Only advisories of this status: ${statuses.join(', ')}.` },
  },
  validate: signatureProblems,
  examples: [
    { text: 'What is open', args: 'cgr.dev/chainguard/nginx:latest' },
    { text: 'What waits for others', args: 'cgr.dev/chainguard/go:latest --status=detected,pending-upstream' },
    { text: 'For a program', args: 'cgr.dev/chainguard/go:latest --platform=linux/arm64 --output=json' },
  ],
  view,
  formats: ['table', 'json', 'csv', 'markdown', 'wide'],
  run: async (context, { image, platform, status, ...flags }) => {
    const { readSbom } = await import('../sbom.ts');
    const sbom = await readSbom(context, image, platform, flags);
    const { tellUnverified, unverifiedOf } = await import('../attestation.ts');
    tellUnverified(context, unverifiedOf([sbom], flags));
    const installed = sbom.packages
      .filter(({ type }) => type === 'apk')
      .map((one) => ({ ...one, origin: one.origin || one.name }));
    const documents = await documentsOf(context, [...new Set(installed.map(({ origin }) => origin))]);
    const isWanted = (one: Status) => (status.length === 0 ? !settled.includes(one) : status.includes(one));
    return installed
      .map(({ name, version, origin }) => ({
        package: { name, version },
        advisories: (documents.get(origin)?.advisories ?? [])
          .map((advisory) => ({ advisory, status: statusOf(advisory, version) }))
          .filter((one) => isWanted(one.status)),
      }))
      .filter(({ advisories }) => advisories.length > 0)
      .sort((a, b) => (a.package.name < b.package.name ? -1 : 1));
  },
});

/** Advisories by the package something was built from. */
async function documentsOf(
  context: Context,
  origins: readonly string[],
): Promise<ReadonlyMap<string, AdvisoryDocument>> {
  const api = await context.api();
  const found = new Map<string, AdvisoryDocument>();
  for (let at = 0; at < origins.length; at += batchSize) {
    const some = origins.slice(at, at + batchSize);
    const answers = await Promise.all(some.map((id) => api.call('advisory.v1.SecurityAdvisory.ListDocuments', { id })));
    for (const { items = [] } of answers) for (const document of items) found.set(document.id ?? '', document);
  }
  return found;
}

const latest = (events: readonly AdvisoryEvent[] = []): AdvisoryEvent | undefined =>
  [...events].sort((a, b) => Date.parse(a.timestamp ?? '') - Date.parse(b.timestamp ?? '')).at(-1);

/** Returns what the newest event says of the installed version. */
function statusOf({ events }: AdvisoryAdvisory, version: string): Status {
  const event = latest(events);
  if (event?.fixed) return compareVersions(version, event.fixed.fixedVersion ?? '') >= 0 ? 'fixed' : 'fix-available';
  if (event?.falsePositiveDetermination) return 'not-affected';
  if (event?.pendingUpstreamFix) return 'pending-upstream';
  if (event?.fixNotPlanned || event?.analysisNotPlanned) return 'fix-not-planned';
  return event?.truePositiveDetermination ? 'affected' : 'detected';
}
