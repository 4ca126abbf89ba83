import type { Operation } from './types.ts';

/** They have neither a hint nor a capability that says so, and answer what they are asked. */
const questions: ReadonlySet<string> = new Set([
  'tenant.v1.Clusters.CIDR',
  'tenant.v1.Clusters.Config',
  'tenant.v1.Clusters.Discover',
  'tenant.v1.Clusters.Profiles',
]);

/**
 * Returns whether anything may be different afterwards. The table's hint says so; older operations have none, and of
 * those what wants capabilities for looking alone is a question that is sent as a POST.
 */
export function mayChange({
  id,
  readOnly,
  capabilities,
}: Pick<Operation, 'id' | 'readOnly' | 'capabilities'>): boolean {
  const looksOnly = capabilities.length > 0 && capabilities.every((name) => name.endsWith('.list'));
  return !readOnly && !looksOnly && !questions.has(id);
}
