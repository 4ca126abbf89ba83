import type { RegistryVulnerability } from '../../../../api/schema/types/registry.gen.ts';
import { defineCommand, defineView } from '../../../../cli/define.ts';
import { string } from '../../../../cli/inputs/values.ts';
import { scannedImages, severities, severityOf, tellUnknown, vulnInputs } from './found.ts';

interface Found {
  readonly image: string;
  readonly vulnerability: RegistryVulnerability;
}

const view = defineView<Found>({
  id: ({ vulnerability: { id = '' } }) => id,
  columns: [
    { head: 'ID', value: ({ vulnerability }) => vulnerability.id },
    { head: 'SEVERITY', value: ({ vulnerability }) => severityOf(vulnerability) },
    { head: 'PACKAGES', value: ({ vulnerability }) => (vulnerability.purls ?? []).join('\n') },
    { head: 'FIXED IN', rank: 1, value: ({ vulnerability }) => (vulnerability.fix?.versions ?? []).join(', ') },
    { head: 'IMAGE', wide: true, value: ({ image }) => image },
    { head: 'DESCRIPTION', wide: true, value: ({ vulnerability }) => vulnerability.description },
  ],
  json: ({ image, vulnerability }) => ({ image, ...vulnerability }),
  envelope: 'items',
  empty: 'No vulnerability is known.',
});

export default defineCommand({
  path: ['clusters', 'records', 'vulns', 'describe'],
  summary: 'Show the known vulnerabilities of an image.',
  inputs: {
    ...vulnInputs,
    image: {
      kind: string,
      required: true,
      help: 'The image: its name, the end of it, or its digest.',
      question: 'Which image?',
      example: 'example.com/app',
    },
  },
  examples: [{ text: 'With packages and fixes', args: 'production --image=example.com/app --output=wide' }],
  view,
  formats: ['table', 'json', 'wide', 'id', 'csv'],
  lists: true,
  run: async (context, { cluster, ...wanted }) => {
    const images = await scannedImages(context, cluster, wanted);
    tellUnknown(context, images);
    const rank = ({ vulnerability }: Found) => severities.indexOf(severityOf(vulnerability));
    return images
      .flatMap(({ image, vulnerabilities = [] }) => vulnerabilities.map((vulnerability) => ({ image, vulnerability })))
      .sort((a, b) => rank(a) - rank(b) || ((a.vulnerability.id ?? '') < (b.vulnerability.id ?? '') ? -1 : 1));
  },
});
