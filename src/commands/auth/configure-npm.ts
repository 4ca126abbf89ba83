import type { Context } from '../../cli/context.ts';
import { defineCommand } from '../../cli/define.ts';
import { boolean, named } from '../../cli/inputs/values.ts';
import type { NpmCredential } from '../../npm/npmrc.ts';
import { loginFor, loginForAudience } from './audience-login.ts';
import { type LoginInput, loginChecks, loginInputs, loginOptions, saysHow } from './login-inputs.ts';
import { createPullToken, removePullToken } from './pull-token/create-pull-token.ts';
import { nameInput, ttlInput } from './pull-token/definition.ts';
import { locationOf } from './pull-token/location.ts';

export default defineCommand({
  path: ['auth', 'configure-npm'],
  changesHere: true,
  summary: 'Let npm install with your login.',
  description:
    'Writes the registry for JavaScript packages and a credential into .npmrc of this folder; its other lines stay. The ' +
    'credential is your login, good for an hour: run the command again when it has expired. With --pull-token it is a ' +
    'new token that lives longer.',
  inputs: {
    ...loginInputs,
    pullToken: { kind: boolean, help: 'Create a pull token for JavaScript packages instead of using your login.' },
    parent: {
      kind: named('LOCATION'),
      aliases: ['group'],
      help: 'With --pull-token: organization or folder the token may pull from (config default.group).',
    },
    name: nameInput,
    ttl: ttlInput,
    hostScope: {
      kind: boolean,
      help: 'Use the credential for the whole host and not only for its packages, which pnpm needs.',
    },
  },
  check: loginChecks,
  examples: [
    { text: 'For the next hour', args: '' },
    { text: 'For a day, wherever the file goes', args: '--pull-token --parent=example.com --ttl=24h' },
    { text: 'For pnpm', args: '--host-scope' },
  ],
  run: async (context, input): Promise<void> => {
    const { checkNpmrc, gitDanger, npmrcPath, withRegistry, writeNpmrc } = await import('../../npm/npmrc.ts');
    const { npmRegistryOf } = await import('../../npm/npm-registry.ts');
    const { host, config, io } = context;
    let written = npmrcPath(host);
    // Before anything is made: a login for a file that cannot be read would be for nothing.
    checkNpmrc(written);
    const { url, audience } = npmRegistryOf(config.get('platform.registry'));
    const registry = { url, hostScope: input.hostScope };
    const write = (credential: NpmCredential) => {
      // Read again: signing in takes a person a while, and the file may have changed meanwhile.
      written = npmrcPath(host);
      writeNpmrc(written, withRegistry(checkNpmrc(written), registry, credential));
    };
    if (input.pullToken) await withPullToken(context, input, write);
    else write({ kind: 'bearer', token: await sessionToken(context, input, audience) });
    io.note(`Updated "${written}" to install from ${url}`);
    const danger = await gitDanger(written);
    if (danger !== undefined) io.warn(danger);
  },
});

async function sessionToken(context: Context, input: LoginInput, audience: string): Promise<string> {
  await loginForAudience(context, input, audience);
  const token = await context.token(audience);
  const { expiryOf } = await import('../../auth/jwt.ts');
  const minutes = Math.max(1, Math.floor((expiryOf(token) - context.host.now()) / 60_000));
  context.io.note(`The credential is good for ${minutes} ${minutes === 1 ? 'minute' : 'minutes'}.`);
  return token;
}

interface PullTokenInput extends LoginInput {
  readonly parent: string | undefined;
  readonly name: string;
  readonly ttl: number;
}

async function withPullToken(
  context: Context,
  input: PullTokenInput,
  write: (credential: NpmCredential) => void,
): Promise<void> {
  if (saysHow(input)) await loginFor(context, loginOptions(context, input), context.config.get('platform.audience'));
  const parent = await locationOf(context, input.parent || context.config.get('default.group'));
  const made = await createPullToken(context, {
    parent,
    repository: 'javascript',
    name: input.name,
    ttl: input.ttl,
    save: false,
    description: undefined,
  });
  try {
    write({ kind: 'basic', user: made.id, password: made.token });
  } catch (error) {
    await removePullToken(context, made.id, error);
    throw error;
  }
  context.io.note(`Created the pull token ${made.id}; delete that identity to revoke it.`);
}
