// Making an identity together with its roles. Guarantees: when a role cannot be bound the identity is taken back, so
// that a failed command leaves nothing half-made; when that fails too, the error says what is left and how to remove
// it.

import { issuerOf, typeOf } from '../../../api/identity-rules.ts';
import type { IamIdentity } from '../../../api/schema/types/iam.gen.ts';
import type { Context } from '../../../cli/context.ts';
import type { Reference } from '../../../cli/inputs/references.ts';
import { printable } from '../../../cli/io.ts';
import type { Question } from '../../../cli/prompts/question.ts';
import { CliError } from '../../../errors.ts';
import type { ShownIdentity } from './view.ts';

export interface NewIdentity {
  readonly parent: Reference;
  readonly role: readonly Reference[];
  /** With its name and who may assume it. */
  readonly identity: IamIdentity;
}

/**
 * Names the identity, its kind and its location (script-contracts 3), and another of the same name that is there
 * already.
 */
export async function creationQuestion(context: Context, { parent, role, identity }: NewIdentity): Promise<Question> {
  const twin = await twinOf(context, parent, identity.name ?? '');
  const { claimMatch, static: keys, servicePrincipal, awsIdentity } = identity;
  const subject = claimMatch?.subject ?? claimMatch?.subjectPattern ?? keys?.subject;
  const who =
    subject !== undefined
      ? `subject "${subject}" of ${issuerOf(identity)}`
      : (servicePrincipal ?? awsIdentity?.arn ?? awsIdentity?.arnPattern ?? '');
  const claims = Object.entries(claimMatch?.claims ?? {}).map(([name, value]) => `${name}=${value}`);
  const lines = [
    `This creates the ${typeOf(identity) ?? 'unknown'} identity "${identity.name}" in "${parent.name}".`,
    `  assumed by  ${who}`,
    ...(claims.length === 0 ? [] : [`  with claims ${claims.join(', ')}`]),
    role.length === 0
      ? '  with no role, so it can do nothing until `chainctl iam role-bindings create` gives it one'
      : `  with role   ${role.map((each) => each.name).join(', ')}`,
    ...(twin === undefined
      ? []
      : [`There is an identity "${identity.name}" there already (${twin.id}); afterwards the name means both.`]),
    'Do you want to continue?',
  ];
  return { message: lines.map(printable).join('\n'), default: twin === undefined, makes: true };
}

async function twinOf(context: Context, parent: Reference, name: string): Promise<IamIdentity | undefined> {
  try {
    const api = await context.api();
    const { items = [] } = await api.call('iam.v1.Identities.List', { uidp: { childrenOf: parent.id } });
    return items.find((each) => each.name === name);
  } catch (error) {
    // A caller who may create identities need not be allowed to list them.
    if (error instanceof CliError && error.kind === 'permission') return undefined;
    throw error;
  }
}

export async function createIdentity(
  context: Context,
  { parent, role, identity }: NewIdentity,
): Promise<ShownIdentity> {
  const api = await context.api();
  const made = await api.call('iam.v1.Identities.Create', { parentId: parent.id, identity });
  const id = made.id ?? '';
  const roles = [...new Map(role.map((each) => [each.id, each])).values()];
  try {
    const bindings = roles.map((each) => ({ identity: id, role: each.id }));
    const [binding, ...others] = bindings;
    // One call for all: the platform makes all bindings of a batch or none.
    if (others.length > 0) {
      await api.call('iam.v1.RoleBindings.CreateBatch', { parent: parent.id, roleBindings: bindings });
    } else if (binding !== undefined) {
      await api.call('iam.v1.RoleBindings.Create', { parent: parent.id, roleBinding: binding });
    }
  } catch (error) {
    throw await takenBack(context, made, roles, error);
  }
  const lines = roles.map((each) => `${parent.name}: ${each.name}`).sort();
  return { identity: made, roles: async () => lines };
}

async function takenBack(
  context: Context,
  made: IamIdentity,
  roles: readonly Reference[],
  error: unknown,
): Promise<unknown> {
  const id = made.id ?? '';
  const names = roles.map((each) => `"${each.name}"`).join(', ');
  const reason = error instanceof CliError ? error.message : String(error);
  const kind = error instanceof CliError ? error.kind : 'internal';
  try {
    await (await context.undoApi()).call('iam.v1.Identities.Delete', { id });
  } catch (second) {
    return new CliError(kind, `Identity ${id} was made, but not bound to ${names}: ${reason}`, {
      code: 'identity.left-behind',
      details: [`It could not be removed again: ${second instanceof Error ? second.message : String(second)}`],
      hint: `remove it with \`chainctl iam identities delete ${id}\``,
      cause: error,
    });
  }
  return new CliError(
    kind,
    `Identity "${made.name}" was not created, because it could not be bound to ${names}: ${reason}`,
    {
      code: 'identity.not-created',
      ...(error instanceof CliError && error.hint !== undefined ? { hint: error.hint } : {}),
      cause: error,
    },
  );
}
