import { defineCommand, defineView } from '../../../../cli/define.ts';
import { type ScannedImage, scannedImages, severities, severityOf, tellUnknown, vulnInputs } from './found.ts';

const counted = ({ vulnerabilities }: ScannedImage, severity: string): string | undefined =>
  vulnerabilities && String(vulnerabilities.filter((one) => severityOf(one) === severity).length);

const view = defineView<ScannedImage>({
  columns: [
    { head: 'IMAGE', value: ({ image }) => image, brief: ({ image }) => image.replace(/(@sha256:.{6}).*/, '$1…') },
    ...severities.map((severity) => ({
      head: severity,
      align: 'right' as const,
      value: (image: ScannedImage) => counted(image, severity) ?? 'not known',
      brief: (image: ScannedImage) => counted(image, severity) ?? '?',
    })),
  ],
  json: ({ image, vulnerabilities }) => ({
    image,
    ...(vulnerabilities === undefined ? { known: false } : { known: true, vulnerabilities }),
  }),
  envelope: 'items',
  empty: 'No records found.',
});

export default defineCommand({
  path: ['clusters', 'records', 'vulns', 'list'],
  summary: 'Count the known vulnerabilities of each image.',
  description:
    'What the platform knows: packages of the SBOMs that are attested in its registry, against its advisories. Images of other ' +
    'registries are listed as unknown; scan those with grype.',
  aliases: ['ls'],
  inputs: vulnInputs,
  examples: [
    { text: 'Of everything that runs', args: 'production' },
    { text: 'What can be fixed now', args: 'production --min-severity=HIGH --fix-states=FIXED' },
  ],
  view,
  formats: ['table', 'json', 'wide', 'csv'],
  run: async (context, { cluster, ...wanted }) => {
    const images = await scannedImages(context, cluster, wanted);
    tellUnknown(context, images);
    return images;
  },
});
