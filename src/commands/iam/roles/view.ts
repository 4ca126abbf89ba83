import type { IamRole } from '../../../api/schema/types/iam.gen.ts';
import { defineView } from '../../../cli/define.ts';

export const roleView = defineView<IamRole>({
  id: (role) => role.id ?? '',
  columns: [
    { head: 'ID', id: true, value: (role) => role.id },
    { head: 'NAME', value: (role) => role.name },
    { head: 'DESCRIPTION', rank: 1, value: (role) => role.description },
    {
      head: 'CAPABILITIES',
      brief: ({ capabilities = [] }) => summaryOf(capabilities),
      value: (role) => byResource(role.capabilities ?? []).join('\n'),
    },
  ],
  json: ({ id, name, description, capabilities }) => ({
    id,
    name,
    ...(description ? { description } : {}),
    capabilities: capabilities ?? [],
  }),
  envelope: 'items',
  empty: 'No roles found.',
});

/** Returns how many there are and what they are about: `12: groups, identities, roles`. */
function summaryOf(capabilities: readonly string[]): string {
  const resources = new Set(capabilities.map((one) => one.slice(0, Math.max(0, one.lastIndexOf('.')))));
  return capabilities.length === 0 ? 'none' : `${capabilities.length}: ${[...resources].join(', ')}`;
}

/** A line a resource: the whole list of an owner on one line is 3000 characters. Names stay whole, to be found by grep. */
function byResource(capabilities: readonly string[]): string[] {
  const lines = new Map<string, string[]>();
  for (const capability of capabilities) {
    const resource = capability.slice(0, Math.max(0, capability.lastIndexOf('.')));
    const line = lines.get(resource);
    if (line === undefined) lines.set(resource, [capability]);
    else line.push(capability);
  }
  return [...lines.values()].map((line) => line.join(', '));
}
