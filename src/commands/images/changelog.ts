import { type ImageReference, wantedOf } from '../../api/oci-client.ts';
import type { Context } from '../../cli/context.ts';
import { defineCommand, defineView } from '../../cli/define.ts';
import { integer } from '../../cli/inputs/values.ts';
import { withProgress } from '../../cli/progress.ts';
import { CliError } from '../../errors.ts';
import { imageReference, notFound } from './image-reference.ts';
import type { Platform } from './open-registry.ts';
import { type DiffRow, diffPackages, type PackageDiff, rowsOf } from './package-diff.ts';
import { platformKind, readSbom, type Sbom } from './sbom.ts';
import { wholeHistory } from './whole-history.ts';

interface Build {
  /** RFC 3339: when the tag began to name it. */
  readonly time: string;
  readonly digest: string;
  /** Undefined for the oldest build that is known, and where one of the two cannot be looked into. */
  readonly packages: PackageDiff | undefined;
  /** Why it cannot. */
  readonly reason?: string;
  /** Set where an item is one row of a table. */
  readonly row?: DiffRow;
}

const view = defineView<Build>({
  json: ({ time, digest, packages = {} }) => ({ time, digest, packages }),
  envelope: 'array',
  rows: (build) => rowsOf(build.packages ?? {}).map((row) => ({ ...build, row })),
  columns: [
    { head: 'TIME', value: ({ time }) => time },
    { head: 'DIGEST', value: ({ digest }) => digest, wide: true },
    { head: 'CHANGE', value: ({ row }) => row?.change },
    { head: 'PACKAGE', value: ({ row }) => row?.name },
    { head: 'FROM', rank: 2, value: ({ row }) => row?.from },
    { head: 'TO', rank: 1, value: ({ row }) => row?.to },
  ],
  text: ({ time, digest, packages, reason }) => {
    const lines = rowsOf(packages ?? {}).map(({ change, name, from, to }) => {
      if (change === 'added') return `  + ${name} ${to}`;
      return change === 'removed' ? `  - ${name} ${from}` : `  ~ ${name} ${from} -> ${to}`;
    });
    const nothing = packages === undefined ? 'The oldest build that is known.' : 'No package changed.';
    return `${time} ${digest}\n${(lines.length > 0 ? lines : [`  ${reason ?? nothing}`]).join('\n')}\n`;
  },
  empty: 'Nothing is known of what this tag named.',
});

/** SBOMs read at the same time. */
const atOnce = 4;

export default defineCommand({
  path: ['images', 'changelog'],
  summary: 'Show what changed from build to build of a tag.',
  description:
    'Packages come from the SBOMs attested of the builds, newest first; signatures are verified with the key that the registry publishes, and what is not verified is said.',
  inputs: {
    image: {
      kind: imageReference,
      positional: 'IMAGE_REFERENCE',
      flag: false,
      required: true,
      help: 'Image with its tag; "latest" unless one is given.',
      question: 'Which image?',
    },
    depth: { kind: integer, default: '10', help: 'How many builds to show.' },
    platform: { kind: platformKind, default: 'linux/amd64', help: 'Platform whose images are compared.' },
  },
  validate: ({ depth }) => (depth === 0 ? ['`--depth` must be at least 1'] : []),
  examples: [
    { text: 'The last ten builds', args: 'cgr.dev/chainguard/nginx:latest' },
    { text: 'The last five, for a program', args: 'cgr.dev/chainguard/nginx:latest --depth=5 --output=json' },
  ],
  view,
  lists: true,
  formats: ['text', 'json', 'table', 'wide', 'csv', 'markdown'],
  run: async (context, { image, depth, platform }) => {
    if (image.digest !== undefined) throw notFound('A digest has no history; name a tag');
    const builds = await historyOf(context, image);
    // One more than is shown, to compare the last with.
    const wanted = builds.slice(0, depth + 1);
    const sboms: (Sbom | CliError)[] = [];
    for (let at = 0; at < wanted.length; at += atOnce) {
      const some = wanted.slice(at, at + atOnce);
      const reading = Promise.all(some.map(({ digest }) => readOr(context, { ...image, digest }, platform)));
      sboms.push(...(await withProgress(context, `Reading SBOMs, ${at} of ${wanted.length}…`, reading)));
    }
    const found = sboms.filter((one): one is Sbom => !(one instanceof CliError));
    const [first] = sboms;
    if (found.length === 0 && first instanceof CliError) throw first;
    const { tellTrust } = await import('./attestation.ts');
    tellTrust(context, found);
    return wanted.slice(0, depth).map(({ time, digest }, at): Build => {
      const [now, before] = [sboms[at], sboms[at + 1]];
      const unknown = { time, digest, packages: undefined };
      if (now instanceof CliError) return { ...unknown, reason: now.message };
      if (before instanceof CliError) return { ...unknown, reason: `Not compared: ${before.message}` };
      if (now === undefined || before === undefined) return unknown;
      return { time, digest, packages: diffPackages(before.packages, now.packages, ['-']) };
    });
  },
});

/** A build that somebody has deleted since, or of which nothing is attested, does not take the others along. */
async function readOr(context: Context, image: ImageReference, platform: Platform): Promise<Sbom | CliError> {
  try {
    return await readSbom(context, image, platform);
  } catch (error) {
    if (error instanceof CliError && error.kind === 'not-found') return error;
    throw error;
  }
}

/** What the tag has named, newest first, as Chainguard's registry tells (protocols 7.4). */
async function historyOf(context: Context, image: ImageReference): Promise<{ time: string; digest: string }[]> {
  const { openRegistry } = await import('./open-registry.ts');
  const client = await context.cached(`registry:${image.registry}`, async () => openRegistry(context, image.registry));
  const tag = wantedOf(image);
  const what = `The history of ${image.repository}:${tag}`;
  const history = await wholeHistory(async (start) => {
    const query = start === undefined ? '' : `?${new URLSearchParams({ start })}`;
    const answer = await client.document(image.repository, `_chainguard/history/${tag}${query}`, what);
    const { history } = answer as { history?: unknown };
    return (Array.isArray(history) ? history : []).map((entry: { updateTimestamp?: unknown; digest?: unknown }) => ({
      updateTimestamp: String(entry?.updateTimestamp ?? ''),
      digest: String(entry?.digest ?? ''),
    }));
  });
  return history.map(({ updateTimestamp: time, digest }) => ({ time, digest })).reverse();
}
