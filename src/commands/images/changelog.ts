import { type ImageReference, wantedOf } from '../../api/oci-client.ts';
import type { Context } from '../../cli/context.ts';
import { defineCommand, defineView } from '../../cli/define.ts';
import { integer } from '../../cli/inputs/values.ts';
import { withProgress } from '../../cli/progress.ts';
import { imageReference, notFound } from './image-reference.ts';
import { type DiffRow, diffPackages, type PackageDiff, rowsOf } from './package-diff.ts';
import { platformKind, readSbom } from './sbom.ts';

interface Build {
  /** RFC 3339: when the tag began to name it. */
  readonly time: string;
  readonly digest: string;
  /** Undefined for the oldest build that is known. */
  readonly packages: PackageDiff | undefined;
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
    { head: 'FROM', value: ({ row }) => row?.from },
    { head: 'TO', value: ({ row }) => row?.to },
  ],
  text: ({ time, digest, packages }) => {
    const lines = rowsOf(packages ?? {}).map(({ change, name, from, to }) => {
      if (change === 'added') return `  + ${name} ${to}`;
      return change === 'removed' ? `  - ${name} ${from}` : `  ~ ${name} ${from} -> ${to}`;
    });
    const nothing = packages === undefined ? '  The oldest build that is known.' : '  No package changed.';
    return `${time} ${digest}\n${(lines.length > 0 ? lines : [nothing]).join('\n')}\n`;
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
  formats: ['text', 'json', 'table', 'wide', 'csv', 'markdown'],
  run: async (context, { image, depth, platform }) => {
    if (image.digest !== undefined) throw notFound('A digest has no history; name a tag');
    const builds = await historyOf(context, image);
    // One more than is shown, to compare the last with.
    const wanted = builds.slice(0, depth + 1);
    const sboms: Awaited<ReturnType<typeof readSbom>>[] = [];
    for (let at = 0; at < wanted.length; at += atOnce) {
      const some = wanted.slice(at, at + atOnce);
      const reading = Promise.all(some.map(({ digest }) => readSbom(context, { ...image, digest }, platform)));
      sboms.push(...(await withProgress(context, `Reading SBOMs, ${at} of ${wanted.length}…`, reading)));
    }
    const { tellTrust } = await import('./attestation.ts');
    tellTrust(context, sboms);
    return wanted.slice(0, depth).map(({ time, digest }, at) => {
      const [now, before] = [sboms[at], sboms[at + 1]];
      const isKnown = now !== undefined && before !== undefined;
      return { time, digest, packages: isKnown ? diffPackages(before.packages, now.packages, ['-']) : undefined };
    });
  },
});

/** What the tag has named, newest first, as Chainguard's registry tells (protocols 7.4). */
async function historyOf(context: Context, image: ImageReference): Promise<{ time: string; digest: string }[]> {
  const { openRegistry } = await import('./open-registry.ts');
  const client = await context.cached(`registry:${image.registry}`, async () => openRegistry(context, image.registry));
  const answer = await client.document(image.repository, `_chainguard/history/${wantedOf(image)}`);
  const { history } = answer as { history?: unknown };
  const entries = Array.isArray(history) ? history : [];
  return entries
    .map(({ updateTimestamp, digest }: { updateTimestamp?: unknown; digest?: unknown }) => ({
      time: String(updateTimestamp ?? ''),
      digest: String(digest ?? ''),
    }))
    .reverse();
}
