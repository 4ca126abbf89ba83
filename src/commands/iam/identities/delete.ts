import { expirationOf } from '../../../api/identity-rules.ts';
import type { IamIdentity } from '../../../api/schema/types/iam.gen.ts';
import type { Context } from '../../../cli/context.ts';
import { defineCommand, exclusive } from '../../../cli/define.ts';
import { group, type Reference } from '../../../cli/inputs/references.ts';
import { boolean } from '../../../cli/inputs/values.ts';
import { printable } from '../../../cli/io.ts';
import { remembered } from '../../../cli/remembered.ts';
import { CliError } from '../../../errors.ts';
import { forEachConcurrently } from '../../../parallel.ts';
import { identity, visibleIdentities } from './identity.ts';

export default defineCommand({
  path: ['iam', 'identities', 'delete'],
  summary: 'Delete an identity, or all that have expired.',
  description:
    'A deleted identity can no longer be assumed, and its roles are deleted with it. This is also how a pull token is revoked.',
  aliases: ['rm', 'remove'],
  inputs: {
    expired: { kind: boolean, help: 'Delete every identity that has expired.' },
    parent: {
      kind: group,
      aliases: ['group'],
      config: 'default.group',
      // An id needs no place, and a name is looked for wherever the caller sees.
      configWhen: (given) => given.has('expired'),
      help: 'Organization or folder to look in.',
    },
    identity: {
      kind: identity,
      positional: 'IDENTITY',
      flag: false,
      requiredUnless: 'expired',
      help: 'Name or id of the identity.',
      question: 'Which identity would you like to delete?',
    },
  },
  check: [exclusive('identity', 'expired')],
  examples: [
    { text: 'By name', args: 'my-identity' },
    { text: 'All that have expired in an organization, without a question', args: '--expired --parent=example.com -y' },
  ],
  confirm: async ({ identity: one, expired, parent }, context) => {
    if (one !== undefined) {
      const name = one.name === one.id ? `"${one.id}"` : `"${one.name}" (${one.id})`;
      return { message: printable(`This deletes the identity ${name}. Do you want to continue?`), default: false };
    }
    const found = expired ? await expiredIdentities(context, parent) : [];
    if (found.length === 0) return undefined;
    const place = parent === undefined ? 'everywhere you may see' : `in "${parent.name}"`;
    const names = found.slice(0, shownNames).map((each) => `  ${each.name}  ${each.id}`);
    const more = found.length > shownNames ? [`  and ${found.length - shownNames} more`] : [];
    const lines = [`This deletes ${count(found.length)} ${place}:`, ...names, ...more, 'Do you want to continue?'];
    return { message: lines.map(printable).join('\n'), default: false };
  },
  run: async (context, { identity: one, parent }) => {
    const api = await context.api();
    if (one !== undefined) {
      await api.call('iam.v1.Identities.Delete', { id: one.id });
      context.io.note(printable(`Deleted the identity "${one.name}".`));
      return;
    }
    const found = await expiredIdentities(context, parent);
    await deleteAll(found, (id) => api.call('iam.v1.Identities.Delete', { id }));
    context.io.note(found.length === 0 ? 'No identity has expired.' : `Deleted ${count(found.length)}.`);
  },
});

const shownNames = 20;
const concurrency = 8;

const count = (amount: number) => `${amount} expired ${amount === 1 ? 'identity' : 'identities'}`;

/** Looked up once, so that what is deleted is what was agreed to. */
const expiredIdentities = remembered(
  async (context: Context, parent: Reference | undefined): Promise<readonly IamIdentity[]> => {
    const now = context.host.now();
    const all = await visibleIdentities(context, parent?.id);
    return all.filter((each) => (expirationOf(each) ?? Number.POSITIVE_INFINITY) <= now);
  },
);

/** A few at a time. Goes on after a failure, so that one identity does not keep the others; then says what failed. */
async function deleteAll(found: readonly IamIdentity[], remove: (id: string) => Promise<unknown>): Promise<void> {
  const failed: { readonly id: string; readonly error: unknown }[] = [];
  await forEachConcurrently(found, concurrency, async ({ id = '' }) => {
    try {
      await remove(id);
    } catch (error) {
      // Somebody else was faster, which is as good.
      if (error instanceof CliError && error.kind === 'not-found') return;
      if (error instanceof CliError && (error.kind === 'cancelled' || error.kind === 'auth')) throw error;
      failed.push({ id, error });
    }
  });
  const [first] = failed;
  if (first === undefined) return;
  throw new CliError(
    first.error instanceof CliError ? first.error.kind : 'internal',
    `${failed.length} of ${count(found.length)} could not be deleted`,
    {
      code: 'identity.not-deleted',
      details: failed.map(({ id, error }) => `${id}: ${error instanceof Error ? error.message : String(error)}`),
    },
  );
}
