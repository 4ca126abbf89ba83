import { defineCommand, defineView } from '../../../../cli/define.ts';
import { strings } from '../../../../cli/inputs/values.ts';
import { grantableCapabilities, splitCapability } from '../capabilities-data.ts';

interface ResourceActions {
  readonly resource: string;
  readonly actions: readonly string[];
}

const capabilitiesView = defineView<ResourceActions>({
  columns: [
    { head: 'RESOURCE', value: ({ resource }) => resource },
    { head: 'ACTION', value: ({ actions }) => actions.join(', ') },
  ],
  envelope: 'items',
  tree: (rows) =>
    rows.map(({ resource, actions }) => ({
      label: `[${resource}]`,
      children: actions.map((label) => ({ label, children: [] })),
    })),
  empty: 'No capability is like that.',
});

export default defineCommand({
  path: ['iam', 'roles', 'capabilities', 'list'],
  summary: 'List the capabilities that a custom role can have.',
  aliases: ['ls'],
  inputs: {
    actions: { kind: strings('ACTION'), many: true, help: 'Only these actions, such as "list".' },
    resources: { kind: strings('RESOURCE'), many: true, help: 'Only what can be done to these, such as "groups".' },
  },
  examples: [
    { text: 'All of them', args: '' },
    { text: 'What can be done to groups and repositories', args: '--resources=groups,repo' },
    { text: 'Everything that only looks', args: '--actions=list' },
  ],
  view: capabilitiesView,
  formats: ['table', 'json', 'tree', 'csv', 'markdown'],
  run: async (_context, { actions, resources }) => {
    const wanted = { actions: new Set(actions), resources: new Set(resources.flatMap(spellings)) };
    const byResource = new Map<string, string[]>();
    for (const name of await grantableCapabilities()) {
      const { resource, action } = splitCapability(name);
      if (wanted.actions.size > 0 && !wanted.actions.has(action)) continue;
      if (wanted.resources.size > 0 && !wanted.resources.has(resource)) continue;
      byResource.set(resource, [...(byResource.get(resource) ?? []), action]);
    }
    return [...byResource]
      .map(([resource, found]): ResourceActions => ({ resource, actions: [...found].sort() }))
      .sort((a, b) => (a.resource < b.resource ? -1 : 1));
  },
});

/** Some resources are named in the singular (`repo.list`), and the reference's example asks for `repos`. */
const spellings = (resource: string): string[] => [
  resource,
  ...(resource.endsWith('s') ? [resource.slice(0, -1)] : [`${resource}s`]),
];
