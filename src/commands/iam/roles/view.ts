import type { IamRole } from '../../../api/schema/types.gen.ts';
import { defineView } from '../../../cli/define.ts';

export const roleView = defineView<IamRole>({
  id: (role) => role.id ?? '',
  columns: [
    { head: 'ID', value: (role) => role.id },
    { head: 'NAME', value: (role) => role.name },
    { head: 'DESCRIPTION', value: (role) => role.description },
    { head: 'CAPABILITIES', value: (role) => byResource(role.capabilities ?? []).join('\n') },
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
