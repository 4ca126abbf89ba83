import type { LoginOptions } from '../../auth/login.ts';
import type { Context } from '../../cli/context.ts';
import { defineCommand, needs } from '../../cli/define.ts';
import { group, type Reference } from '../../cli/inputs/references.ts';
import { boolean, named } from '../../cli/inputs/values.ts';
import { CliError } from '../../errors.ts';
import { type LoginInput, loginChecks, loginInputs, loginOptions, saysHow } from './login-inputs.ts';
import { createPullToken, type PullToken, pullTokenView } from './pull-token/create-pull-token.ts';
import { locationQuestion, nameInput, saveInput, ttlInput } from './pull-token/definition.ts';

export default defineCommand({
  path: ['auth', 'configure-docker'],
  summary: 'Let Docker pull with your login.',
  description:
    'Makes docker-credential-cgr the credential helper of Docker for the registry of this platform, and signs in to the ' +
    'registry. Everything else in the configuration of Docker stays as it is. With --pull-token it creates a long-lived ' +
    'token instead and prints how to use it elsewhere.',
  inputs: {
    ...loginInputs,
    pullToken: { kind: boolean, help: 'Create a pull token instead of using your login.' },
    save: saveInput,
    parent: {
      // Looked up in `run`: without --pull-token nobody may be logged in yet, and the name has no meaning.
      kind: named('LOCATION'),
      aliases: ['group'],
      help: 'With --pull-token: organization or folder the token may pull from (config default.group).',
    },
    name: nameInput,
    ttl: ttlInput,
  },
  check: [...loginChecks, needs('save', 'pullToken')],
  examples: [
    { text: 'On your own machine', args: '' },
    { text: 'In a CI job', args: '--identity=IDENTITY_ID --identity-token=./token.jwt' },
    { text: 'For a machine that cannot sign in', args: '--pull-token --parent=example.com --ttl=168h' },
  ],
  view: pullTokenView,
  formats: ['text', 'env', 'json'],
  lenientFormat: true,
  run: async (context, input): Promise<PullToken | undefined> => {
    if (!input.pullToken || input.save) {
      // Before anything is made: a login for a configuration that cannot be changed would be for nothing.
      const { checkDockerConfig } = await import('../../docker/docker-config.ts');
      checkDockerConfig(context.host);
    }
    if (!input.pullToken) {
      await configureHelper(context, input);
      return undefined;
    }
    if (saysHow(input)) await loginFor(context, loginOptions(context, input), context.config.get('platform.audience'));
    const { name, ttl, save } = input;
    const parent = await locationOf(context, input.parent || context.config.get('default.group'));
    return createPullToken(context, { parent, name, ttl, save, repository: 'oci', description: undefined });
  },
});

/** The token first: without one the helper could only answer that it has none. */
async function configureHelper(context: Context, input: LoginInput): Promise<void> {
  const { host, config, io, signal } = context;
  const { audienceOfRegistry } = await import('../../auth/session.ts');
  const audience = audienceOfRegistry(config.get('platform.registry'));
  if (saysHow(input)) await loginFor(context, loginOptions(context, input), audience);
  else if (!(await hasToken(context, audience))) {
    await loginAsForApi(context, loginOptions(context, input), audience);
  }

  const { installHelper } = await import('../../docker/install-helper.ts');
  const { setCredHelper } = await import('../../docker/docker-config.ts');
  const helper = installHelper(host);
  if (helper.warning !== undefined) io.warn(helper.warning);
  await setCredHelper(host, audience, 'cgr', signal);
  io.note(`Updated auth config for ${audience}`);
}

async function hasToken(context: Context, audience: string): Promise<boolean> {
  try {
    await context.token(audience);
    return true;
  } catch (error) {
    if (error instanceof CliError && error.kind === 'auth') return false;
    throw error;
  }
}

/** The way the login for the API was made, when that can be gone once more without a person (protocols Q10). */
async function loginAsForApi(context: Context, options: LoginOptions, audience: string): Promise<void> {
  const { readTokens } = await import('../../auth/token-cache.ts');
  const { record } = readTokens(context.host, context.config.get('platform.audience'));
  const source = record?.source;
  if (record !== undefined && (source?.kind === 'file' || source?.kind === 'ambient')) {
    const { identity, identityProvider } = record;
    const token = source.kind === 'file' ? { identityToken: source.path } : { preferAmbient: true };
    return loginFor(context, { ...options, ...token, identity, identityProvider }, audience);
  }
  try {
    await loginFor(context, options, audience);
  } catch (error) {
    if (source?.kind !== 'token' || !(error instanceof CliError) || error.code !== 'auth.no-terminal') throw error;
    throw new CliError('auth', `Not authenticated: no login for "${audience}"`, {
      code: 'auth.no-login',
      details: [
        'The token you are logged in with is kept nowhere, so it cannot be exchanged for the registry as well.',
      ],
      hint: 'give it again here with `--identity-token`, and `--identity` if it assumes one',
      cause: error,
    });
  }
}

async function loginFor(context: Context, options: LoginOptions, audience: string): Promise<void> {
  const { login } = await import('../../auth/login.ts');
  const result = await login(context.host, context.config, { ...options, audience: [audience] });
  context.io.note('Successfully exchanged token.');
  context.io.note(`Valid! Id: ${result.identity}`);
}

/** `--parent` is needed with `--pull-token` only, so the pipeline can neither look it up nor ask for it. */
async function locationOf(context: Context, name: string): Promise<Reference> {
  const named = name === '' ? undefined : await group.resolve?.(context, name, {});
  if (named !== undefined) return named;
  const sole = await group.sole?.(context, {});
  if (sole !== undefined) return sole.value;
  if (!context.io.interactive) {
    throw new CliError('usage', '`--parent` is required when not running interactively', { code: 'usage.missing' });
  }
  const picked = await context.prompts.pick(locationQuestion, (await group.candidates?.(context, {})) ?? []);
  context.io.note(`  ✔ Selected folder ${picked.label}.`);
  return picked.value;
}
