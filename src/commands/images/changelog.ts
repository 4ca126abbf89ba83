import { type ImageReference, wantedOf } from '../../api/oci-client.ts';
import { type DiffRow, type PackageDiff, row, rowsOf } from '../../attestations/diff-rows.ts';
import type { Platform } from '../../attestations/platforms.ts';
import type { Context } from '../../cli/context.ts';
import { defineCommand, defineView } from '../../cli/define.ts';
import { integer } from '../../cli/inputs/values.ts';
import { waitingFor } from '../../cli/waiting.ts';
import { CliError } from '../../errors.ts';
import { imageReference, notFound } from './image-reference.ts';
import type { Sbom } from './sbom.ts';
import { platformKind, type SignatureFlags, signatureInputs, signatureProblems } from './sbom-inputs.ts';
import { wholeHistory } from './whole-history.ts';

interface Build {
  /** RFC 3339: when the tag began to name it. */
  readonly time: string;
  readonly digest: string;
  /** Undefined where it is not known what changed. */
  readonly packages: PackageDiff | undefined;
  /** Why it is not known. */
  readonly reason?: string;
  /** The build it is compared with, where that is not the one before: nothing is known of those between. */
  readonly comparedWith?: string;
  /** Why what is attested of the build is not known to be true. */
  readonly unverified?: string;
  /** Set where an item is one row of a table. */
  readonly row?: DiffRow;
}

const view = defineView<Build>({
  // `null` is no list of changes, and so never taken for an empty one.
  json: ({ time, digest, packages = null, reason, comparedWith, unverified }) => ({
    ...{ time, digest, packages },
    ...(reason === undefined ? {} : { reason }),
    ...(comparedWith === undefined ? {} : { comparedWith }),
    ...(unverified === undefined ? {} : { unverified }),
  }),
  envelope: 'array',
  rows: (build) =>
    (build.packages === undefined ? [row('unknown', '', '', '')] : rowsOf(build.packages)).map((one) => ({
      ...build,
      row: one,
    })),
  columns: [
    { head: 'TIME', value: ({ time }) => time },
    { head: 'DIGEST', value: ({ digest }) => digest, wide: true },
    { head: 'CHANGE', value: ({ row }) => row?.change },
    { head: 'PACKAGE', value: ({ row }) => row?.name },
    { head: 'FROM', rank: 2, value: ({ row }) => row?.from },
    { head: 'TO', rank: 1, value: ({ row }) => row?.to },
  ],
  text: ({ time, digest, packages, reason, comparedWith }) => {
    const lines = rowsOf(packages ?? {}).map(({ change, name, from, to }) => {
      if (change === 'added') return `  + ${name} ${to}`;
      return change === 'removed' ? `  - ${name} ${from}` : `  ~ ${name} ${from} -> ${to}`;
    });
    const gap =
      comparedWith === undefined ? [] : [`  Compared with ${comparedWith}, the next older build with an SBOM:`];
    const nothing = packages === undefined ? (reason ?? oldest) : 'No package changed.';
    return `${time} ${digest}\n${[...gap, ...(lines.length > 0 ? lines : [`  ${nothing}`])].join('\n')}\n`;
  },
  empty: 'Nothing is known of what this tag named.',
});

const oldest = 'The oldest build that is known.';

/** SBOMs read at the same time. */
const concurrency = 4;
/** Older builds that are looked at when the last one shown has nobody to be compared with. */
const farthest = 20;

export default defineCommand({
  path: ['images', 'changelog'],
  summary: 'Show what changed from build to build of a tag.',
  description:
    'Packages come from the SBOMs attested of the builds, newest first; signatures are verified with the key that the registry publishes, with --key, or by --certificate-identity, and what is not verified is said. A build without an SBOM is marked, and the one after it compared with the next older that has one.',
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
    ...signatureInputs,
  },
  validate: ({ depth, ...flags }) => (depth === 0 ? ['`--depth` must be at least 1'] : signatureProblems(flags)),
  examples: [
    { text: 'The last ten builds', args: 'cgr.dev/chainguard/nginx:latest' },
    { text: 'The last five, for a program', args: 'cgr.dev/chainguard/nginx:latest --depth=5 --output=json' },
  ],
  view,
  lists: true,
  formats: ['text', 'json', 'table', 'wide', 'csv', 'markdown'],
  run: async (context, { image, depth, platform, ...flags }) => {
    if (image.digest !== undefined) throw notFound('A digest has no history; name a tag');
    const builds = await historyOf(context, image);
    // One more than is shown, to compare the last with.
    const wanted = builds.slice(0, depth + 1);
    const read = (digest: string) => readOr(context, { ...image, digest }, platform, flags);
    const sboms: (Sbom | CliError)[] = [];
    for (let at = 0; at < wanted.length; at += concurrency) {
      const reading = Promise.all(wanted.slice(at, at + concurrency).map(({ digest }) => read(digest)));
      sboms.push(...(await waitingFor(context, `Reading SBOMs, ${at} of ${wanted.length}`, reading)));
    }
    const found = sboms.filter((one): one is Sbom => !(one instanceof CliError));
    const [first] = sboms;
    if (found.length === 0 && first instanceof CliError) throw first;
    // The last one shown may stand before a gap that is longer than what was read.
    while (sboms.length < Math.min(builds.length, depth + 1 + farthest) && sboms.slice(depth).every(isError)) {
      if (sboms.slice(0, depth).every(isError)) break;
      sboms.push(await read(builds[sboms.length]?.digest ?? ''));
    }
    const { tellUnverified, unverifiedOf } = await import('./attestation.ts');
    const unverified = unverifiedOf(found, flags);
    tellUnverified(context, unverified);
    const { diffPackages } = await import('../../attestations/package-diff.ts');
    return wanted.slice(0, depth).map(({ time, digest }, at): Build => {
      const now = sboms[at];
      if (now === undefined || isError(now)) {
        return { time, digest, packages: undefined, reason: now?.message ?? oldest };
      }
      const doubt = unverified.find((one) => one.digest === now.digest)?.reason;
      const build = { time, digest, ...(doubt === undefined ? {} : { unverified: doubt }) };
      const older = sboms.findIndex((one, other) => other > at && !isError(one));
      const before = sboms[older];
      if (before === undefined || isError(before)) {
        const next = sboms[at + 1];
        const reason = next === undefined ? oldest : `Not compared: ${isError(next) ? next.message : oldest}`;
        return { ...build, packages: undefined, reason };
      }
      const packages = diffPackages(before.packages, now.packages, ['-']);
      const comparedWith = older === at + 1 ? {} : { comparedWith: builds[older]?.digest ?? '' };
      return { ...build, packages, ...comparedWith };
    });
  },
});

const isError = (one: Sbom | CliError): one is CliError => one instanceof CliError;

/** A build that somebody has deleted since, or whose SBOM is missing or too large, does not take the others along. */
async function readOr(
  context: Context,
  image: ImageReference,
  platform: Platform,
  flags: SignatureFlags,
): Promise<Sbom | CliError> {
  const { isTooLarge, readSbom } = await import('./sbom.ts');
  try {
    return await readSbom(context, image, platform, flags);
  } catch (error) {
    if (error instanceof CliError && (error.kind === 'not-found' || isTooLarge(error))) return error;
    throw error;
  }
}

/** Returns what the tag has named, newest first, as Chainguard's registry tells (protocols 7.4). */
async function historyOf(context: Context, image: ImageReference): Promise<{ time: string; digest: string }[]> {
  const { registryClient } = await import('./open-registry.ts');
  const client = await registryClient(context, image.registry);
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
