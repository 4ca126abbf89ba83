import type { Context } from '../../cli/context.ts';
import { defineCommand, defineView } from '../../cli/define.ts';
import { group } from '../../cli/inputs/references.ts';
import { strings } from '../../cli/inputs/values.ts';
import { CliError } from '../../errors.ts';
import { nearest } from '../../suggest.ts';

interface ShownToken {
  readonly token: string;
  readonly onTerminal: boolean;
}

/** The bytes of the token and nothing else: programs send them as they are (script-contracts 2, `auth token`). */
const tokenView = defineView<ShownToken>({
  text: ({ token, onTerminal }) => `${token}${onTerminal ? '\n' : ''}`,
  json: ({ token }) => ({ token }),
});

export default defineCommand({
  path: ['auth', 'token'],
  summary: 'Print a token of your login.',
  description:
    'For programs that talk to the platform themselves. The token is for the API, or for what --audience names, and is ' +
    'renewed first when it is about to expire. Anyone who has it can act as you until it expires.',
  inputs: {
    capabilities: {
      kind: strings('CAPABILITY'),
      many: true,
      help: 'Leave only these capabilities in the token; see `chainctl auth token capabilities`.',
    },
    scope: {
      kind: { ...group, splitsCommas: true },
      many: true,
      help: 'Leave only what you may do in these organizations or folders.',
    },
  },
  examples: [
    { text: 'Call the API', args: '' },
    { text: 'Pull an image with another tool', args: '--audience=cgr.dev' },
    { text: 'Give someone less than you may do', args: '--capabilities=groups.list,repo.list --scope=example.com' },
  ],
  view: tokenView,
  formats: ['text', 'json'],
  run: async (context, input): Promise<ShownToken> => {
    const audience = context.config.get('platform.audience');
    const capabilities = await known(input.capabilities);
    const scopes = input.scope.map((each) => each.id);
    const token = await context.token(audience);
    const narrow = capabilities.length + scopes.length > 0;
    return {
      token: narrow ? await narrowed(context, token, audience, capabilities, scopes) : token,
      onTerminal: context.io.outIsTty,
    };
  },
});

/** Names that no capability has are refused here: the error then says what was meant. */
async function known(names: readonly string[]): Promise<readonly string[]> {
  if (names.length === 0) return names;
  const { capabilities } = await import('../../api/schema/capabilities.gen.ts');
  const all = new Set<string>(capabilities.map((one) => one.name));
  const wrong = names.find((name) => !all.has(name));
  if (wrong === undefined) return names;
  const near = nearest(wrong, all);
  throw new CliError('usage', `\`--capabilities\` names "${wrong}", which is not a capability`, {
    code: 'usage.bad-value',
    hint: near === undefined ? 'see `chainctl auth token capabilities`' : `did you mean "${near}"?`,
  });
}

/** A token of the platform may be exchanged for one that may do less (protocols Q17). It is not kept. */
async function narrowed(
  context: Context,
  token: string,
  audience: string,
  capabilities: readonly string[],
  scopes: readonly string[],
): Promise<string> {
  const { exchange } = await import('../../api/sts.ts');
  const { audienceParts } = await import('../../auth/store-tokens.ts');
  const issued = await exchange(context.host, {
    issuer: context.config.get('platform.issuer'),
    token,
    audience: audienceParts(audience),
    capabilities,
    scopes,
    signal: context.signal,
  });
  return issued.token;
}
