import type { Context } from '../../cli/context.ts';
import { defineCommand, needs } from '../../cli/define.ts';
import { boolean, named } from '../../cli/inputs/values.ts';
import { loginFor, loginForAudience } from './audience-login.ts';
import { type LoginInput, loginChecks, loginInputs, loginOptions, saysHow } from './login-inputs.ts';
import { createPullToken, type PullToken, pullTokenView } from './pull-token/create-pull-token.ts';
import { nameInput, saveInput, ttlInput } from './pull-token/definition.ts';
import { locationOf } from './pull-token/location.ts';

export default defineCommand({
  path: ['auth', 'configure-docker'],
  changesHere: true,
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
  await loginForAudience(context, input, audience);

  const { installHelper } = await import('../../docker/install-helper.ts');
  const { setCredHelper } = await import('../../docker/docker-config.ts');
  const helper = installHelper(host);
  if (helper.warning !== undefined) io.warn(helper.warning);
  await setCredHelper(host, audience, 'cgr', signal);
  io.note(`Updated auth config for ${audience}`);
}
