import type { AdvisoryFinding, AdvisoryStatus } from '../../../api/advisory-rules.ts';
import { advisoryNames, advisoryStatuses, findAdvisories, latestEvent } from '../../../api/advisory-rules.ts';
import { compact } from '../../../api/compact.ts';
import { defineCommand, defineView } from '../../../cli/define.ts';
import type { Kind } from '../../../cli/inputs/kind.ts';
import { choice } from '../../../cli/inputs/values.ts';
import { imageReference } from '../image-reference.ts';
import { platformKind, signatureInputs, signatureProblems } from '../sbom-inputs.ts';

const statusKind: Kind<AdvisoryStatus> = { ...choice(...advisoryStatuses), metavar: 'STATUS', splitsCommas: true };

const view = defineView<AdvisoryFinding>({
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
    {
      head: 'ADVISORY',
      value: ({ advisories: [one] }) => (one === undefined ? '' : advisoryNames(one.advisory).join(', ')),
    },
    { head: 'STATUS', value: ({ advisories: [one] }) => one?.status },
    { head: 'SINCE', rank: 1, value: ({ advisories: [one] }) => latestEvent(one?.advisory.events)?.timestamp },
  ],
  empty: 'No advisories found.',
});

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
    status: { kind: statusKind, many: true, help: `Only advisories of this status: ${advisoryStatuses.join(', ')}.` },
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
    const api = await context.api();
    const listDocuments = (id: string) => api.call('advisory.v1.SecurityAdvisory.ListDocuments', { id });
    return findAdvisories(sbom.packages, status, listDocuments);
  },
});
