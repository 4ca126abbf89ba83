// Makes the changes of a plan, one request each. Guarantees: in an order in which each can be made; after a failure or an
// interruption, the same files applied again do the rest.

import type { ApiClient } from '../../../api/client.ts';
import type { Context } from '../../../cli/context.ts';
import { printable } from '../../../cli/io.ts';
import { CliError } from '../../../errors.ts';
import { type Change, isOf } from '../../../organization/changes.ts';
import { nouns } from '../../../organization/labels.ts';

const done = { create: 'Created', update: 'Changed', delete: 'Deleted' } as const;

/** Throws what the platform answers, with how far it came. */
export async function makeChanges(context: Context, changes: readonly Change[]): Promise<void> {
  const api = await context.api();
  const secrets = readSecrets(context, changes);
  /** Ids that the platform gave, by those of the plan. */
  const ids = new Map<string, string>();
  let made = 0;
  try {
    for (const change of changes) {
      context.signal.throwIfAborted();
      await make(api, change, (id) => ids.get(id) ?? id, ids, secrets);
      made += 1;
      context.io.note(printable(`${done[change.action]} ${nouns[change.kind]} ${change.label}.`));
    }
  } catch (error) {
    const failed = changes[made];
    if (!(error instanceof CliError) || failed === undefined) throw error;
    const what = printable(`"${failed.action} ${nouns[failed.kind]} ${failed.label}"`);
    const far =
      made === 0
        ? `${what} failed, and nothing was changed`
        : `${what} failed after ${made} of ${changes.length} changes were made; apply the files again to do the rest`;
    throw new CliError(error.kind, error.message, {
      code: error.code,
      cause: error,
      details: [...error.details, far],
      ...(error.hint === undefined ? {} : { hint: error.hint }),
    });
  }
}

/** Looked for before the first change, so that a missing one stops nothing in the middle. */
function readSecrets({ host }: Context, changes: readonly Change[]): ReadonlyMap<string, string> {
  const secrets = new Map<string, string>();
  for (const { secretFrom, label } of changes) {
    if (secretFrom === undefined) continue;
    const secret = host.env[secretFrom];
    if (!secret) {
      throw new CliError(
        'usage',
        printable(`The identity provider ${label} takes its client secret from ${secretFrom}, which is not set`),
        {
          code: 'usage.iam-file',
          hint: `set the environment variable ${secretFrom} and run it again`,
        },
      );
    }
    secrets.set(secretFrom, secret);
  }
  return secrets;
}

async function make(
  api: ApiClient,
  change: Change,
  real: (id: string) => string,
  ids: Map<string, string>,
  secrets: ReadonlyMap<string, string>,
): Promise<void> {
  const { action } = change;
  const parent = real(change.place);
  const id = real(change.id);
  const keep = ({ id: given }: { readonly id?: string }) => ids.set(change.id, given ?? '');
  if (isOf(change, 'folders')) {
    const { name = '', description = '' } = change.thing;
    if (action === 'create') keep(await api.call('iam.v1.Groups.Create', { parent, group: { name, description } }));
    else if (action === 'update') await api.call('iam.v1.Groups.Update', { id, name, description });
    else await api.call('iam.v1.Groups.Delete', { id });
  } else if (isOf(change, 'roles')) {
    const { id: _planned, ...role } = change.thing;
    if (action === 'create') keep(await api.call('iam.v1.Roles.Create', { parentId: parent, role }));
    else if (action === 'update') await api.call('iam.v1.Roles.Update', { ...role, id });
    else await api.call('iam.v1.Roles.Delete', { id });
  } else if (isOf(change, 'identityProviders')) {
    const { id: _planned, ...thing } = change.thing;
    const clientSecret = change.secretFrom === undefined ? {} : { clientSecret: secrets.get(change.secretFrom) ?? '' };
    const provider = {
      ...thing,
      defaultRole: real(thing.defaultRole ?? ''),
      oidc: { ...thing.oidc, ...clientSecret },
    };
    if (action === 'create') {
      keep(await api.call('iam.v1.IdentityProviders.Create', { parentId: parent, identityProvider: provider }));
    } else if (action === 'update') await api.call('iam.v1.IdentityProviders.Update', { ...provider, id });
    else await api.call('iam.v1.IdentityProviders.Delete', { id });
  } else if (isOf(change, 'identities')) {
    const { id: _planned, ...identity } = change.thing;
    if (action === 'create') keep(await api.call('iam.v1.Identities.Create', { parentId: parent, identity }));
    else if (action === 'update') await api.call('iam.v1.Identities.Update', { ...identity, id });
    else await api.call('iam.v1.Identities.Delete', { id });
  } else if (isOf(change, 'groupMappings')) {
    const { externalGroupId = '', roleUidp = '', scope = '' } = change.thing;
    const mapping = { identityProviderUidp: parent, externalGroupId, roleUidp: real(roleUidp), scope: real(scope) };
    if (action === 'delete') await api.call('iam.v1.ExternalGroupRoleMappings.Delete', { id });
    else await api.call('iam.v1.ExternalGroupRoleMappings.Create', { parentId: parent, mapping });
  } else if (isOf(change, 'bindings')) {
    const { identity = '', role } = change.thing;
    const roleBinding = { identity: real(identity), role: real(role?.id ?? '') };
    if (action === 'delete') await api.call('iam.v1.RoleBindings.Delete', { id });
    else await api.call('iam.v1.RoleBindings.Create', { parent, roleBinding });
  } else if (isOf(change, 'accountAssociations')) {
    const thing = { ...change.thing, group: parent };
    if (action === 'create') await api.call('iam.v1.GroupAccountAssociations.Create', thing);
    else if (action === 'update') await api.call('iam.v1.GroupAccountAssociations.Update', thing);
    else await api.call('iam.v1.GroupAccountAssociations.Delete', { group: parent });
  }
}
