import type { RegistryBuildReport, RegistryRepo } from '../../../../api/schema/types/registry.gen.ts';
import { parentOf } from '../../../../api/uidp.ts';
import type { Context } from '../../../../cli/context.ts';
import { remembered } from '../../../../cli/remembered.ts';

/** Newest first; of the last day, as the platform decides. Logs only where they are wanted. */
export async function listReports(
  context: Context,
  place: { readonly repo: RegistryRepo } | { readonly location: string | undefined; readonly recursive: boolean },
  logs: boolean,
): Promise<readonly RegistryBuildReport[]> {
  const { reports = [] } = await (await context.api()).call('registry.v1.Registry.ListBuildReports', {
    uidp: 'repo' in place ? { childrenOf: place.repo.id ?? '' } : within(place),
    excludeLogs: !logs,
  });
  return [...reports].sort((a, b) => Date.parse(b.startedAt ?? '') - Date.parse(a.startedAt ?? ''));
}

/** A report lies below its repository, which lies below its location. */
const within = ({ location }: { readonly location: string | undefined }) =>
  location === undefined ? {} : { descendantsOf: location };

/** Returns whether it is of a repository directly in the location. */
export const isDirectlyIn = (report: RegistryBuildReport, location: string): boolean =>
  parentOf(parentOf(report.id ?? '')) === location;

/** Tags that name what the build made, by now. */
export async function tagsOf(context: Context, { id = '', digest = '' }: RegistryBuildReport): Promise<string[]> {
  if (digest === '') return [];
  const repo = parentOf(id);
  const { items = [] } = await tagsIn(context, repo);
  return items.filter((tag) => tag.digest === digest).map(({ name = '' }) => name);
}

const tagsIn = remembered(
  async (context: Context, repo: string) =>
    (await context.api()).call('registry.v1.Registry.ListTags', { uidp: { childrenOf: repo }, excludeReferrers: true }),
  (repo) => repo,
);

export const resultOf = ({ result, completedAt }: RegistryBuildReport): string =>
  completedAt === undefined ? 'Running' : String(result ?? '');

/** RFC 1123 in the local zone, as the reference writes the times of builds (outputs.md). */
export function localTime(time: string | undefined): string {
  if (time === undefined) return '';
  const date = new Date(time);
  const part = (options: Intl.DateTimeFormatOptions) => new Intl.DateTimeFormat('en-US', options).format(date);
  const two = (value: number) => String(value).padStart(2, '0');
  const zone = part({ timeZoneName: 'short' }).split(', ').at(-1) ?? '';
  const clock = [date.getHours(), date.getMinutes(), date.getSeconds()].map(two).join(':');
  return `${part({ weekday: 'short' })}, ${two(date.getDate())} ${part({ month: 'short' })} ${date.getFullYear()} ${clock} ${zone}`;
}
