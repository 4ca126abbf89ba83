// Lists requests made beside the operation table, as facts of the same kind: paths that only the local platform has,
// and the registry. The local platform asks for the capabilities that stand here, and `--needs` tells them.

import type { Operation } from './types.ts';

export interface BesideOperation
  extends Pick<Operation, 'id' | 'capabilities' | 'iam' | 'unscoped' | 'scope' | 'readOnly'> {
  /** Name in messages. */
  readonly name: string;
}

const beside = (
  id: string,
  name: string,
  capability: string,
  scope: string,
  { readOnly = true }: { readonly readOnly?: boolean } = {},
): BesideOperation => ({ id, name, capabilities: [capability], iam: 'enabled', unscoped: false, scope, readOnly });

export const besideOperations = {
  /** Capability that owners have and editors do not. */
  'local.v1.Audit.List': beside('local.v1.Audit.List', 'audit log', 'role_bindings.create', 'group'),
  'local.v1.Deliveries.List': beside('local.v1.Deliveries.List', 'list of deliveries', 'subscriptions.list', 'group'),
  'local.v1.Deliveries.Redeliver': beside(
    'local.v1.Deliveries.Redeliver',
    'redelivery of events',
    'subscriptions.update',
    'id',
    { readOnly: false },
  ),
  'local.v1.Events.Listen': beside('local.v1.Events.Listen', 'stream of events', 'subscriptions.list', 'group'),
  /** Pulling needs "manifest (list)", whatever it is that is pulled (protocols 7.4). */
  'distribution.v2.Registry.Pull': beside('distribution.v2.Registry.Pull', 'registry', 'manifest.list', 'repository'),
} as const;

export type BesideId = keyof typeof besideOperations;
