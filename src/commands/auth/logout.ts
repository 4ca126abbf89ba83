import { defineCommand } from '../../cli/define.ts';

export default defineCommand({
  path: ['auth', 'logout'],
  changesHere: true,
  summary: 'Forget your login.',
  description: 'Removes every token kept on this machine, or with --audience the tokens for that audience only.',
  inputs: {},
  examples: [
    { text: 'Everything', args: '' },
    { text: 'Only the registry', args: '--audience=cgr.dev' },
  ],
  run: async (context) => {
    const { logout } = await import('../../auth/session.ts');
    const audience = context.globals.overrides['platform.audience'];
    const found = await logout(context.host, audience, context.signal);
    const what = audience === undefined ? '' : ` for "${audience}"`;
    context.io.note(found ? `Logged out${what}.` : `There was no login${what}.`);
  },
});
