import type { LoginResult } from '../../auth/login.ts';
import type { ProviderChoice } from '../../auth/provider.ts';
import type { Context } from '../../cli/context.ts';
import { defineCommand, defineView, exclusive } from '../../cli/define.ts';
import { boolean, named, secret } from '../../cli/inputs/values.ts';
import { printable } from '../../cli/io.ts';
import { timeCell } from '../../cli/output/age.ts';
import { CliError } from '../../errors.ts';
import { loginChecks, loginInputs, loginOptions } from './login-inputs.ts';

interface LoggedIn extends LoginResult {
  /** Its account has no role anywhere. */
  readonly belongsNowhere: boolean;
}

const loginView = defineView<LoggedIn>({
  id: (login) => login.identity,
  text: (login) => `Valid! Id: ${login.identity}\n`,
  columns: [
    { head: 'ID', value: (login) => login.identity },
    { head: 'EMAIL', value: (login) => login.email ?? '' },
    { head: 'AUDIENCE', value: (login) => login.tokens.map((token) => token.audience).join('\n') },
    {
      head: 'EXPIRES',
      value: (login, cell) => login.tokens.map((token) => timeCell(token.expiresAt, cell)).join('\n'),
    },
  ],
  // Tokens by kind, never the tokens themselves.
  json: (login) => ({
    valid: true,
    identity: login.identity,
    ...(login.email === undefined ? {} : { email: login.email }),
    tokens: login.tokens.map(({ audience, expiresAt }) => ({ audience, expiry: new Date(expiresAt).toISOString() })),
  }),
});

export default defineCommand({
  path: ['auth', 'login'],
  changesHere: true,
  summary: 'Sign in to the platform.',
  description:
    'Opens a browser, or exchanges the ID token of a third party for one of the platform, and keeps the result for the ' +
    'commands that follow. An ID token that is given as such, and not as a file, is kept nowhere, so it is exchanged for the ' +
    'registry at once too, unless --audience says what the login is for. With --identity the token assumes that identity. Where a CI system or a cloud hands one out ' +
    '(GitHub Actions, GitLab, Buildkite, CircleCI, Google Cloud, AWS, Azure) it is found without being given; on Azure, ' +
    'CHAINCTL_AZURE_AUDIENCE names the Entra application that the identity expects.',
  inputs: {
    audience: {
      kind: named('AUDIENCE'),
      many: true,
      help: 'Audience of the login, one token each. Defaults to the API of the platform.',
    },
    ...loginInputs,
    preferAmbientCredentials: {
      kind: boolean,
      help: 'Prefer ambient credentials over --identity-token.',
    },
    stsHttp1Downgrade: {
      kind: boolean,
      help: 'Exchange tokens over HTTP/1.1, which is what chainctl always does; accepted for scripts.',
    },
    shareLogin: {
      kind: boolean,
      help:
        'Keep the refresh token in a file that only you can read, where Terraform and other programs of the SDK look for ' +
        'it, instead of the keychain. Like `auth.token-store=file`, for this login only.',
    },
    inviteCode: { kind: secret('INVITE_CODE'), help: 'Accept an invitation while signing in.' },
    register: { kind: boolean, help: 'Make an account while signing in when there is none.' },
    refresh: { kind: boolean, help: 'Keep the token fresh until interrupted.' },
    refreshOnly: { kind: boolean, help: 'Keep fresh what is there already, without signing in.' },
    refreshAll: { kind: boolean, help: 'Keep every token fresh that is there, also those that come later.' },
    // Of older guides (seed-era.json, auth login).
    skipBrowser: { kind: boolean, hidden: true, help: 'Open no browser here; sign in with a code for another device.' },
    createGroup: { kind: boolean, hidden: true, help: 'Has no effect; older scripts pass it.' },
    cluster: {
      kind: named('CLUSTER_ID'),
      help:
        'Sign in as the agent of this cluster. --identity-token gives a token of its service account; a cluster that was installed from ' +
        'this machine needs none. --invite-code registers a cluster that is not registered yet.',
    },
    gulfstream: {
      kind: boolean,
      hidden: true,
      help: "Sign in as a cluster's agent from its pod: IDENTITY_UID, INVITE_CODE and CHAINGUARD_CLUSTER_NAME say the rest.",
    },
    validate: { kind: boolean, hidden: true, help: 'Has no effect: tokens are always verified.' },
  },
  check: [
    ...loginChecks,
    ...['orgName', 'identityProvider', 'socialLogin', 'headless', 'register'].flatMap((key) => [
      exclusive('cluster', key),
      exclusive('gulfstream', key),
    ]),
  ],
  examples: [
    { text: 'With the browser', args: '' },
    { text: 'On a machine without a browser', args: '--headless' },
    { text: 'Also for Terraform, where there is a keychain', args: '--share-login' },
    {
      text: 'Beside a workload, for as long as it runs',
      args: '--identity=IDENTITY_ID --identity-token=./token.jwt --refresh',
    },
    {
      text: "As a cluster's agent, which it registers",
      args: '--cluster=CLUSTER_ID --identity=IDENTITY_ID --invite-code=INVITE_CODE --identity-token=./token.jwt',
    },
    { text: 'As an identity, with the token of a CI job', args: '--identity=IDENTITY_ID --identity-token=./token.jwt' },
    {
      text: 'For the registry as well as the API',
      args: '--audience=https://console-api.enforce.dev --audience=cgr.dev',
    },
  ],
  view: loginView,
  formats: ['text', 'table', 'json', 'id'],
  run: async (context, input): Promise<LoggedIn | undefined> => {
    if (input.refreshOnly || input.refreshAll) return undefined;
    const { login } = await import('../../auth/login.ts');
    const { audienceOfRegistry } = await import('../../auth/session.ts');
    const result = await login(context.host, context.config, {
      ...loginOptions(context, input),
      audience: input.audience,
      ...(input.audience.length > 0 ? {} : { alsoFor: [audienceOfRegistry(context.config.get('platform.registry'))] }),
      preferAmbient: input.preferAmbientCredentials,
      ...(context.io.interactive ? { askProvider: () => askProvider(context) } : {}),
      inviteCode: input.inviteCode,
      ...(input.cluster === undefined && !input.gulfstream
        ? {}
        : await (await import('./agent-login.ts')).agentLogin(context, input)),
      share: input.shareLogin,
      note: once((line) => context.io.note(line)),
      skipBrowser: input.skipBrowser,
      registers: input.register,
    });
    if (input.headless) await rememberHeadless(context);
    const roles = await rolesOf(context);
    context.io.note('Successfully exchanged token.');
    context.io.note(printable(`Logged in as ${accountOf(result, roles)} on ${platformOf(context)}.`));
    return { ...result, belongsNowhere: roles?.length === 0 };
  },
  afterRender: async (context, [login], { refresh, refreshOnly, refreshAll, audience }) => {
    if (!refresh && !refreshOnly && !refreshAll) {
      if (login?.belongsNowhere) await firstOrganization(context);
      return;
    }
    const audiences = audience.length > 0 ? audience : [context.config.get('platform.audience')];
    await keepTokensFresh(context, refreshAll ? undefined : audiences);
  },
});

/** One login may be for several audiences, and says a thing once. */
function once(tell: (line: string) => void): (line: string) => void {
  const printed = new Set<string>();
  return (line) => {
    if (!printed.has(line)) tell(line);
    printed.add(line);
  };
}

/** The way on for somebody who can do nothing yet, with the login that is there. */
async function firstOrganization(context: Context): Promise<void> {
  const { io, prompts } = context;
  if (!io.interactive) {
    io.note('You belong to no organization yet: create one with `chainctl iam organizations create`.');
    return;
  }
  const wanted = await prompts.confirm({
    message: 'You belong to no organization yet. Create one now?',
    default: true,
    isHere: true,
  });
  if (!wanted) {
    io.note(
      'Later: `chainctl iam organizations create`, or `chainctl auth login --invite-code=CODE` with an invitation.',
    );
    return;
  }
  const [{ resourceName }, { createGroup }] = await Promise.all([
    import('../../cli/inputs/names.ts'),
    import('../iam/organizations/create-group.ts'),
  ]);
  const name = await prompts.text('What is the organization called?', (text) => {
    try {
      resourceName.parse(text);
      return undefined;
    } catch (error) {
      return `This ${error instanceof Error ? error.message : String(error)}`;
    }
  });
  const made = await createGroup(context, { name, parent: undefined, description: undefined }, false);
  io.note(printable(`Created the organization "${name}" (${made.id}), which you own.`));
  io.note('Next: `chainctl auth configure-docker` lets Docker pull, `chainctl iam identities create` lets CI.');
}

/** `role of place` of each role, on a terminal only: a script need not pay for a question to the issuer. */
async function rolesOf(context: Context): Promise<readonly string[] | undefined> {
  if (!context.host.stderr.isTty) return undefined;
  try {
    const me = await (await context.issuerApi()).call('auth.v1.Auth.Validate', {});
    return (me.capabilities ?? []).map(({ group, role }) => `${role?.name ?? 'a role'} of ${group?.name || group?.id}`);
  } catch (error) {
    // The login stands, whatever else is asked about it; one for another audience has no token for that question.
    if (error instanceof CliError && error.kind !== 'cancelled') return undefined;
    throw error;
  }
}

/** The address or id, and the roles that are known. */
function accountOf({ email, identity }: LoginResult, roles: readonly string[] = []): string {
  const who = email ?? identity;
  const more = roles.length > shownRoles ? ` and ${roles.length - shownRoles} more` : '';
  return roles.length === 0 ? who : `${who} (${roles.slice(0, shownRoles).join(', ')}${more})`;
}

const shownRoles = 3;

/** As a person calls it. */
const platformOf = ({ config }: Context) => config.place.context ?? new URL(config.get('platform.api')).host;

const organization = 'organization';
const registration = 'register';
const invitation = 'invite';

/** With whom to sign in (outputs.md, auth login). Where the answer can be kept is told once it is given. */
async function askProvider({ prompts, io }: Context): Promise<ProviderChoice> {
  const rows = [
    ['email', 'Email and password'],
    ['google', 'Google'],
    ['github', 'GitHub'],
    ['gitlab', 'GitLab'],
    [organization, "Your organization's own provider"],
    [registration, 'I have no account yet: make one'],
    [invitation, 'I was invited: accept the invitation'],
  ] as const;
  const { value } = await prompts.pick(
    'How would you like to sign in?',
    rows.map(([text, label]) => ({ value: text, label, text })),
  );
  if (value === registration) return { registers: true };
  if (value === invitation) {
    const wrong = (text: string) => (text === '' ? 'Paste the code that you were sent, or Ctrl-C to stop' : undefined);
    return { registers: true, inviteCode: await prompts.text('What is the code?', wrong, { secret: true }) };
  }
  if (value !== organization) {
    io.note(`To be asked no more: chainctl config set default.social-login ${value}`);
    return { socialLogin: value };
  }
  const orgName = await prompts.text('What is the verified name of your organization?', (text) =>
    /^[A-Za-z0-9][A-Za-z0-9.-]*$/.test(text.trim()) ? undefined : 'Type a name such as "example.com"',
  );
  io.note(printable(`To be asked no more: chainctl config set default.org-name ${orgName.trim()}`));
  return { orgName: orgName.trim() };
}

/** Until interrupted (protocols 6); without audiences every one of the cache. */
async function keepTokensFresh(context: Context, audiences: readonly string[] | undefined): Promise<void> {
  const { host, config, io, signal } = context;
  const { refreshTokensUntilStopped, whyNotRenewable } = await import('../../auth/token-refresher.ts');
  const reasons = (audiences ?? []).map((audience) => whyNotRenewable(host, audience));
  const reason = reasons.find((one) => one !== undefined);
  if (reason !== undefined) {
    throw new CliError('auth', `Cannot keep the token fresh: ${reason}`, {
      code: 'auth.not-renewable',
      hint: 'log in with a browser, or give the path of a token with `--identity-token`',
    });
  }
  io.note('Keeping the login fresh; stop with Ctrl-C.');
  await refreshTokensUntilStopped(host, config, {
    audiences,
    issuer: config.get('platform.issuer'),
    signal,
    note: (line) => io.note(line),
    warn: (line) => io.warn(line),
  });
}

/** Whoever needs another device needs it the next time as well (protocols 2.1). */
async function rememberHeadless(context: Context): Promise<void> {
  const { host, config, io, globals, signal } = context;
  if (config.get('auth.mode') === 'headless') return;
  const { setConfigValue } = await import('../../config/edit.ts');
  try {
    const path = globals.config === undefined ? {} : { path: globals.config };
    await setConfigValue(host, 'auth.mode', 'headless', { ...path, signal });
    io.note(
      'Saving "headless" as default auth mode to chainctl configuration. To disable: chainctl config unset auth.mode',
    );
  } catch (error) {
    // The login stands, wherever the configuration cannot be written.
    if (!(error instanceof CliError) || error.kind !== 'local') throw error;
    io.warn(`auth.mode was not saved: ${error.message}`);
  }
}
