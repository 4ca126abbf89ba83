import type { Context } from '../../cli/context.ts';
import { defineCommand } from '../../cli/define.ts';
import { printable } from '../../cli/io.ts';
import { remembered } from '../../cli/remembered.ts';
import { CliError } from '../../errors.ts';

export default defineCommand({
  path: ['auth', 'delete-account'],
  summary: 'Delete your own account.',
  description:
    'Removes the account you are signed in with, its roles and its tokens, and forgets every login on this machine. ' +
    'Organizations stay; the deletion is refused while one would be left without an owner.',
  inputs: {},
  examples: [
    { text: 'After a question', args: '' },
    { text: 'Without one', args: '--yes' },
  ],
  confirm: async (_, context) => {
    const { id, email } = await account(context);
    const who = email === undefined ? `"${id}"` : `"${email}" (${id})`;
    return {
      message: printable(`This deletes your account ${who} for good. Do you want to continue?`),
      default: false,
    };
  },
  run: async (context): Promise<void> => {
    const { id } = await account(context);
    await (await context.issuerApi()).call('auth.v1.Auth.Delete', { id });
    const { logout } = await import('../../auth/session.ts');
    await logout(context.host, undefined, context.signal);
    context.io.note('Your account is deleted, and you are logged out.');
  },
});

/** Looked up once, so that what is deleted is what was agreed to. */
const account = remembered(
  async (context: Context): Promise<{ readonly id: string; readonly email: string | undefined }> => {
    const { decodeClaims } = await import('../../auth/jwt.ts');
    const claims = decodeClaims(await context.token(context.config.get('platform.audience')));
    const id = typeof claims?.sub === 'string' ? claims.sub : '';
    // Assumed identities belong to an organization and lie below it (protocols 0, identifiers).
    if (!/^[0-9a-f]{40}$/.test(id)) {
      throw new CliError(
        'usage',
        'You are logged in as an identity of an organization, not with an account of your own',
        {
          code: 'usage.not-an-account',
          hint: `delete it with \`chainctl iam identities delete ${id}\``,
        },
      );
    }
    return { id, email: typeof claims?.email === 'string' ? claims.email : undefined };
  },
);
