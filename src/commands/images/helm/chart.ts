import { formatReference, type ImageReference } from '../../../api/oci-client.ts';
import type { RegistryChart, RegistryRepo } from '../../../api/schema/types/registry.gen.ts';
import type { Context } from '../../../cli/context.ts';
import { CliError } from '../../../errors.ts';
import { findTag, imageReference, notFound, repositoryOf } from '../image-reference.ts';

export const chartInput = {
  kind: imageReference,
  positional: 'CHART_REFERENCE',
  flag: false,
  required: true,
  help: 'Chart in the registry; its highest version unless a tag or digest is given.',
  question: 'Which chart?',
} as const;

/** Returns what the platform knows of the chart. Throws kind `not-found`. */
export async function getChart(context: Context, chart: ImageReference): Promise<RegistryChart> {
  const repo = await repositoryOf(context, chart);
  const tag = chart.tag ?? (chart.digest === undefined ? await highestVersion(context, repo) : '');
  const digest = chart.digest ?? (await findTag(context, repo, tag)).digest ?? '';
  try {
    return await (await context.api()).call('registry.v1.Registry.GetChart', { repoId: repo.id ?? '', digest });
  } catch (error) {
    if (!(error instanceof CliError) || error.kind !== 'not-found') throw error;
    throw notFound(`"${formatReference(chart)}" is not a Helm chart`);
  }
}

/** Pre-releases never count: nobody gets one without naming it. */
async function highestVersion(context: Context, repo: RegistryRepo): Promise<string> {
  const { items = [] } = await (await context.api()).call('registry.v1.Registry.ListTags', {
    uidp: { childrenOf: repo.id ?? '' },
    excludeReferrers: true,
  });
  const versions = items.flatMap(({ name = '' }) => {
    const match = /^v?([0-9]+)\.([0-9]+)\.([0-9]+)$/.exec(name);
    return match === null ? [] : [{ name, numbers: match.slice(1).map(Number) }];
  });
  const [highest] = versions.sort(
    (a, b) => a.numbers.map((number, at) => (b.numbers[at] ?? 0) - number).find((difference) => difference !== 0) ?? 0,
  );
  if (highest === undefined) throw notFound(`No version of "${repo.name ?? ''}" found; name a tag`);
  return highest.name;
}
