import { defineCommand, defineView } from '../../../cli/define.ts';

interface Resource {
  readonly resource: string;
  readonly actions: readonly string[];
}

const resourceView = defineView<Resource>({
  columns: [
    { head: 'RESOURCE', value: (row) => row.resource },
    { head: 'ACTION', value: (row) => row.actions.join(', ') },
  ],
  envelope: 'items',
});

export default defineCommand({
  path: ['auth', 'token', 'capabilities'],
  summary: 'List what a token can be narrowed to.',
  description: 'A capability is written as its resource and its action with a dot between them, such as groups.list.',
  inputs: {},
  examples: [
    { text: 'All of them', args: '' },
    { text: 'For a script', args: '--output=json' },
  ],
  view: resourceView,
  formats: ['table', 'json'],
  readsConfig: false,
  run: async (): Promise<readonly Resource[]> => {
    const { capabilities } = await import('../../../api/schema/capabilities.gen.ts');
    const byResource = new Map<string, string[]>();
    for (const { name, internalOnly } of capabilities) {
      // Nobody outside the company that runs the platform holds these.
      if (internalOnly || !name.includes('.')) continue;
      const at = name.lastIndexOf('.');
      const resource = name.slice(0, at);
      byResource.set(resource, [...(byResource.get(resource) ?? []), name.slice(at + 1)]);
    }
    return [...byResource]
      .sort(([a], [b]) => (a < b ? -1 : 1))
      .map(([resource, actions]) => ({ resource, actions: actions.sort() }));
  },
});
