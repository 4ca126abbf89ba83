import { defineCommand, defineView, exclusive } from '../../cli/define.ts';
import { named, strings } from '../../cli/inputs/values.ts';
import type { Vulnerability } from './grype.ts';
import { imageReference } from './image-reference.ts';
import { type DiffRow, diffPackages, type PackageDiff, rowsOf, withoutEmpty } from './package-diff.ts';
import { identityOf, platformKind, readSbom } from './sbom.ts';

interface ImageDiff {
  readonly packages: PackageDiff;
  readonly vulnerabilities: { readonly added?: readonly Vulnerability[]; readonly removed?: readonly Vulnerability[] };
  /** Set where an item is one row of a table. */
  readonly row?: DiffRow;
  /** What the template of the command line makes of it. */
  readonly templated: (diff: object) => Promise<string>;
}

const view = defineView<ImageDiff>({
  json: ({ packages, vulnerabilities }) => ({ packages, vulnerabilities }),
  template: ({ packages, vulnerabilities, templated }) => templated({ packages, vulnerabilities }),
  rows: (diff) =>
    [
      ...rowsOf(diff.packages),
      ...(diff.vulnerabilities.added ?? []).map((one) => vulnerabilityRow('added', one)),
      ...(diff.vulnerabilities.removed ?? []).map((one) => vulnerabilityRow('removed', one)),
    ].map((row) => ({ ...diff, row })),
  columns: [
    { head: 'CHANGE', value: ({ row }) => row?.change },
    { head: 'KIND', value: ({ row }) => row?.kind },
    { head: 'NAME', value: ({ row }) => row?.name },
    { head: 'FROM', value: ({ row }) => row?.from },
    { head: 'TO', value: ({ row }) => row?.to },
  ],
});

/** Where it was, and how bad. */
const vulnerabilityRow = (change: 'added' | 'removed', { id, reference, severity }: Vulnerability): DiffRow => {
  const where = `${severity} in ${reference.replace(/[?#].*$/, '')}`;
  return {
    change,
    kind: 'vulnerability',
    name: id,
    from: change === 'removed' ? where : '',
    to: change === 'added' ? where : '',
  };
};

export default defineCommand({
  path: ['images', 'diff'],
  summary: 'Compare what is in two images.',
  description:
    'Packages come from the SBOMs attested of the images. Signatures are verified with the key that the registry publishes; ' +
    'what is not verified is said. Private images of other registries are read with what `docker login` has stored. ' +
    'Vulnerabilities are compared when grype is on PATH.',
  inputs: {
    from: {
      kind: imageReference,
      positional: 'FROM_IMAGE',
      flag: false,
      required: true,
      help: 'The image before.',
      question: 'Which image is the one before?',
    },
    to: {
      kind: imageReference,
      positional: 'TO_IMAGE',
      flag: false,
      required: true,
      help: 'The image after.',
      question: 'Which image is the one after?',
    },
    artifactTypes: {
      kind: strings('TYPE'),
      short: 't',
      many: true,
      default: 'apk',
      help: 'Types of packages to compare; "-" for every type.',
    },
    platform: { kind: platformKind, default: 'linux/amd64', help: 'Platform whose images are compared.' },
    template: {
      kind: named('TEMPLATE'),
      help: "With --output=go-template: the template, in the language of Go's text/template, over what --output=json prints.",
    },
    templateFile: { kind: named('FILE'), help: 'With --output=go-template: the file that holds the template.' },
  },
  examples: [
    { text: 'Two versions', args: 'cgr.dev/chainguard/nginx:1.29.2 cgr.dev/chainguard/nginx:latest' },
    {
      text: 'Everything that changed, as a table for a pull request',
      args: 'cgr.dev/chainguard/go:1.25.3 cgr.dev/chainguard/go:latest --artifact-types=- --output=markdown',
    },
    {
      text: 'Only the names of what was added',
      args: "cgr.dev/chainguard/nginx:1.29.2 cgr.dev/chainguard/nginx:latest -o go-template --template='{{range .packages.added}}{{println .name}}{{end}}'",
    },
  ],
  view,
  formats: ['json', 'markdown', 'go-template'],
  check: [exclusive('template', 'templateFile')],
  validate: async ({ template, templateFile }, context) => {
    const isGiven = template !== undefined || templateFile !== undefined;
    if (context.globals.output !== 'go-template') {
      const flag = template === undefined ? '--template-file' : '--template';
      return isGiven ? [`\`${flag}\` needs \`--output=go-template\``] : [];
    }
    if (!isGiven) return ['`--output=go-template` needs `--template` or `--template-file`'];
    const { templateProblem } = await import('../../cli/output/go-template/template-flags.ts');
    return [await templateProblem({ template, templateFile }, context)].filter((problem) => problem !== undefined);
  },
  run: async (context, { from, to, artifactTypes, platform, template, templateFile }) => {
    const [before, after] = await Promise.all([readSbom(context, from, platform), readSbom(context, to, platform)]);
    const { tellTrust } = await import('./attestation.ts');
    tellTrust(context, [before, after]);
    const { findVulnerabilities } = await import('./grype.ts');
    const found: (readonly Vulnerability[])[] = [];
    for (const [image, sbom] of [[from, before] as const, [to, after] as const]) {
      context.io.note(`Fetching vulnerabilities for ${image.registry}/${sbom.repository}@${sbom.digest}`);
      const vulnerabilities = await findVulnerabilities(context, sbom);
      if (vulnerabilities === undefined) {
        context.io.note('grype is not on PATH, so vulnerabilities are not compared.');
        break;
      }
      found.push(vulnerabilities);
    }
    const [old, now] = found;
    return {
      packages: diffPackages(before.packages, after.packages, artifactTypes),
      vulnerabilities: old === undefined || now === undefined ? {} : diffVulnerabilities(old, now),
      templated: async (diff) =>
        (await import('../../cli/output/go-template/template-flags.ts')).applyTemplate(
          { template, templateFile },
          diff,
          context,
        ),
    };
  },
});

function diffVulnerabilities(before: readonly Vulnerability[], after: readonly Vulnerability[]) {
  const keyOf = ({ id, reference }: Vulnerability) => `${id} ${identityOf(reference)}`;
  const missingIn = (others: readonly Vulnerability[]) => {
    const seen = new Set(others.map(keyOf));
    return (one: Vulnerability) => {
      const key = keyOf(one);
      if (seen.has(key)) return false;
      seen.add(key);
      return true;
    };
  };
  return withoutEmpty({ added: after.filter(missingIn(before)), removed: before.filter(missingIn(after)) });
}
