import { type DiffRow, type PackageDiff, rowsOf, withoutEmpty } from '../../attestations/diff-rows.ts';
import { defineCommand, defineView, exclusive } from '../../cli/define.ts';
import { named, strings } from '../../cli/inputs/values.ts';
import type { Unverified } from './attestation.ts';
import type { Vulnerability } from './grype.ts';
import { pickedImage } from './image-reference.ts';
import { platformKind, signatureInputs, signatureProblems } from './sbom-inputs.ts';

interface ImageDiff {
  readonly packages: PackageDiff;
  readonly vulnerabilities: { readonly added?: readonly Vulnerability[]; readonly removed?: readonly Vulnerability[] };
  /** Attestations whose signatures are not known to be good; not there when all are. */
  readonly unverified?: readonly Unverified[];
  /** Set where an item is one row of a table. */
  readonly row?: DiffRow;
  /** Output of the command line's template. */
  readonly templated: (diff: object) => Promise<string>;
}

const view = defineView<ImageDiff>({
  json: documentOf,
  template: (diff) => diff.templated(documentOf(diff)),
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

function documentOf({ packages, vulnerabilities, unverified }: ImageDiff) {
  return { packages, vulnerabilities, ...(unverified === undefined ? {} : { unverified }) };
}

/** Returns where it was, and how bad. */
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
    'Packages come from the SBOMs attested of the images, SPDX 2 or CycloneDX. Signatures are verified with the key that the ' +
    'registry publishes, with --key, or by --certificate-identity; what is not verified is said, and with --output=json stands ' +
    'in `unverified`. Private images of other registries are read with what `docker login` has stored. ' +
    'Vulnerabilities are compared when grype is on PATH.',
  inputs: {
    from: {
      kind: pickedImage,
      positional: 'FROM_IMAGE',
      flag: false,
      required: true,
      help: 'The image before.',
      question: 'Which image is the one before?',
    },
    to: {
      kind: pickedImage,
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
    ...signatureInputs,
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
  validate: async ({ template, templateFile, ...flags }, context) => {
    const problems = signatureProblems(flags);
    if (problems.length > 0) return problems;
    const isGiven = template !== undefined || templateFile !== undefined;
    if (context.globals.output !== 'go-template') {
      const flag = template === undefined ? '--template-file' : '--template';
      return isGiven ? [`\`${flag}\` needs \`--output=go-template\``] : [];
    }
    if (!isGiven) return ['`--output=go-template` needs `--template` or `--template-file`'];
    const { templateProblem } = await import('../../cli/output/go-template/template-flags.ts');
    return [await templateProblem({ template, templateFile }, context)].filter((problem) => problem !== undefined);
  },
  run: async (context, { from, to, artifactTypes, platform, template, templateFile, ...flags }) => {
    const { readSbom } = await import('./sbom.ts');
    const [before, after] = await Promise.all([
      readSbom(context, from, platform, flags),
      readSbom(context, to, platform, flags),
    ]);
    const { tellUnverified, unverifiedOf } = await import('./attestation.ts');
    const unverified = unverifiedOf([before, after], flags);
    tellUnverified(context, unverified);
    const { diffPackages } = await import('../../attestations/package-diff.ts');
    const packages = diffPackages(before.packages, after.packages, artifactTypes);
    for (const note of absentTypes([...before.packages, ...after.packages], artifactTypes)) context.io.note(note);
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
      packages,
      vulnerabilities: old === undefined || now === undefined ? {} : await diffVulnerabilities(old, now),
      ...(unverified.length === 0 ? {} : { unverified }),
      templated: async (diff) =>
        (await import('../../cli/output/go-template/template-flags.ts')).applyTemplate(
          { template, templateFile },
          diff,
          context,
        ),
    };
  },
});

/** One sentence for each type that was asked for and that neither image has. */
function absentTypes(packages: readonly { readonly type: string }[], types: readonly string[]): string[] {
  const counts = new Map<string, number>();
  for (const { type } of packages) counts.set(type, (counts.get(type) ?? 0) + 1);
  const there = [...counts].map(([type, count]) => `${type} (${count})`).sort();
  return types
    .filter((type) => type !== '-' && !counts.has(type))
    .map((type) =>
      there.length === 0
        ? `Neither image has packages of type "${type}", nor of any other.`
        : `Neither image has packages of type "${type}"; in both together there are ${there.join(', ')}. Name types with \`-t\`.`,
    );
}

async function diffVulnerabilities(before: readonly Vulnerability[], after: readonly Vulnerability[]) {
  const { readPackageUrl } = await import('../../attestations/package-url.ts');
  const keyOf = ({ id, reference }: Vulnerability) => `${id} ${readPackageUrl(reference).key || reference}`;
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
