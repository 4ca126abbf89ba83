import { compact } from '../../../api/compact.ts';
import type { RegistryEntitlement } from '../../../api/schema/types/registry.gen.ts';
import { defineCommand, defineView } from '../../../cli/define.ts';
import { group } from '../../../cli/inputs/references.ts';
import { boolean } from '../../../cli/inputs/values.ts';
import { endState, sinceCell, timeCell } from '../../../cli/output/age.ts';

const expiry = ({ expirationTime }: RegistryEntitlement) => Date.parse(expirationTime ?? '');

const view = defineView<RegistryEntitlement>({
  columns: [
    { head: 'ID', id: true, value: ({ id }) => id },
    { head: 'TYPE', rank: 3, value: ({ type }) => String(type ?? '').replace(/^.*_UNSPECIFIED$/, '') },
    { head: 'TIERS', rank: 2, value: ({ tiers = [] }) => tiers.join(', ') },
    {
      head: 'QUOTA',
      rank: 1,
      value: ({ quota = {} }) =>
        Object.entries(quota)
          .map(([tier, { current = 0, max = 0 }]) => `${tier} ${current}/${max}`)
          .sort()
          .join(', '),
    },
    {
      head: 'EXPIRES',
      state: (row, cell) => endState(expiry(row), cell),
      value: (row, cell) => (Number.isNaN(expiry(row)) ? 'never' : timeCell(expiry(row), cell)),
    },
    { head: 'CREATED', value: ({ createTime }, cell) => sinceCell(createTime, cell), wide: true },
    { head: 'EXTERNAL ID', value: ({ externalId }) => externalId, wide: true },
  ],
  json: compact,
  envelope: 'items',
  empty: 'No entitlements found.',
});

export default defineCommand({
  path: ['images', 'entitlements', 'list'],
  summary: 'List the entitlements of an organization.',
  aliases: ['ls'],
  inputs: {
    parent: {
      kind: group,
      aliases: ['group'],
      required: true,
      help: 'Organization that has the entitlements.',
      question: 'Which organization has the entitlements?',
    },
    all: { kind: boolean, short: 'a', help: 'Also entitlements that have expired.' },
  },
  examples: [
    { text: 'Those that count now', args: '--parent=example.com' },
    { text: 'Also those that have expired', args: '--parent=example.com --all --output=wide' },
  ],
  view,
  formats: ['table', 'json', 'wide'],
  run: async (context, { parent, all }) => {
    const api = await context.api();
    const { items = [] } = await api.call('registry.v1.Entitlements.ListEntitlements', { parent: parent.id });
    const isActive = ({ expirationTime }: RegistryEntitlement) =>
      !expirationTime || Date.parse(expirationTime) > context.host.now();
    return items.filter((entitlement) => all || isActive(entitlement));
  },
});
