import { compact } from '../../../api/compact.ts';
import type { RegistryPackageVersion } from '../../../api/schema/types/registry.gen.ts';
import { compareVersions } from '../../../attestations/version-order.ts';
import { defineCommand, defineView, exclusive } from '../../../cli/define.ts';
import { boolean, string } from '../../../cli/inputs/values.ts';

interface Stream extends RegistryPackageVersion {
  /** Day until which images of it are still built for who has that, e.g. `2026-04-30`. */
  readonly eolGracePeriodEndDate?: string;
}

const view = defineView<Stream>({
  columns: [
    { head: 'VERSION', value: ({ version }) => version },
    { head: 'EOL DATE', value: ({ eolDate }) => dayOf(eolDate) },
    { head: 'EOL GRACE PERIOD END DATE', rank: 1, value: ({ eolGracePeriodEndDate }) => eolGracePeriodEndDate },
    { head: 'LATEST', value: ({ latestVersion }) => latestVersion, wide: true },
    { head: 'RELEASE DATE', value: ({ releaseDate }) => dayOf(releaseDate), wide: true },
    { head: 'LTS', value: ({ lts }) => (lts ? 'yes' : ''), wide: true },
    { head: 'FIPS', value: ({ fips }) => (fips ? 'yes' : ''), wide: true },
  ],
  json: compact,
  empty: 'No versions found.',
});

export default defineCommand({
  path: ['packages', 'versions', 'list'],
  summary: 'List the versions of a package, newest first.',
  description: 'With the day a version stops being maintained, and the day its grace period is over after that.',
  aliases: ['ls'],
  inputs: {
    name: {
      kind: string,
      positional: 'PACKAGE_NAME',
      flag: false,
      required: true,
      help: 'Name of the version stream, such as python-3.13; not of an apk.',
      question: 'Which package?',
      example: 'python-3.13',
    },
    showActive: { kind: boolean, help: 'Only versions that are still maintained.' },
    showEol: { kind: boolean, help: 'Only versions that are no longer maintained.' },
    showFips: { kind: boolean, help: 'Only versions that have FIPS variants.' },
    includeInactive: { kind: boolean, help: 'With --show-active: also versions in their grace period.' },
  },
  check: [exclusive('showActive', 'showEol')],
  examples: [
    { text: 'Everything known of a package', args: 'python-3' },
    { text: 'What can still be used without worry', args: 'nodejs --show-active' },
    { text: 'The same, and what has a little time left', args: 'nodejs --show-active --include-inactive' },
  ],
  view,
  formats: ['table', 'json', 'csv', 'wide'],
  run: async (context, { name, showActive, showEol, showFips, includeInactive }) => {
    const api = await context.api();
    const answer = await api.call('registry.v1.Registry.GetPackageVersionMetadata', { package: name });
    const { versions = [], eolVersions = [], gracePeriodMonths = 0 } = answer;
    const withGrace = (stream: RegistryPackageVersion): Stream => {
      const end = graceEnd(stream.eolDate, gracePeriodMonths);
      return end === undefined ? stream : { ...stream, eolGracePeriodEndDate: end };
    };
    const today = new Date(context.host.now()).toISOString().slice(0, 10);
    const ended = eolVersions
      .map(withGrace)
      .filter(({ eolGracePeriodEndDate: end = '' }) => !showActive || (includeInactive && end >= today));
    return [...(showEol ? [] : versions.map(withGrace)), ...ended]
      .filter(({ fips }) => !showFips || fips)
      .sort((a, b) => compareVersions(b.version ?? '', a.version ?? ''));
  },
});

/** The platform gives days; a time would still begin with one. */
const dayOf = (date = '') => date.slice(0, 10);

/** Months after a day; the last day of a month that has no such day. */
function graceEnd(eolDate: string | undefined, months: number): string | undefined {
  const end = new Date(`${dayOf(eolDate)}T00:00:00Z`);
  if (months === 0 || Number.isNaN(end.getTime())) return undefined;
  const day = end.getUTCDate();
  end.setUTCMonth(end.getUTCMonth() + months);
  if (end.getUTCDate() !== day) end.setUTCDate(0);
  return end.toISOString().slice(0, 10);
}
