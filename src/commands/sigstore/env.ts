import { defineCommand, defineView } from '../../cli/define.ts';
import { group } from '../../cli/inputs/references.ts';
import { boolean, choice, named } from '../../cli/inputs/values.ts';
import { type Shell, shells, shellWords } from '../local/shells.ts';
import { authority, soleAuthority } from './authority.ts';

interface Environment {
  /** Values count only where they are set. */
  readonly variables: Readonly<Record<string, string>>;
  /** Only what a shell evaluates has it. */
  readonly token: Readonly<Record<string, string>>;
  readonly unset: boolean;
  readonly shell: Shell;
}

const environmentView = defineView<Environment>({
  text: ({ variables, token, unset, shell }) => {
    const lines = unset
      ? [shellWords[shell].unset(Object.keys({ ...variables, ...token }))]
      : Object.entries({ ...variables, ...token }).map(([name, value]) => shellWords[shell].set(name, value));
    return lines.map((line) => `${line}\n`).join('');
  },
  env: ({ variables, token }) => ({ ...variables, ...token }),
  json: ({ variables }) => variables,
});

export default defineCommand({
  path: ['sigstore', 'env'],
  summary: 'Print the variables that cosign signs with.',
  description:
    'For `eval` in a POSIX shell, and with --shell for fish and PowerShell. `cosign sign` then asks this authority for a ' +
    'certificate in your name and has the time of the signature attested; `cosign verify` trusts both. There is no ' +
    'transparency log. The token among the variables is good for an hour: print them again after that.',
  inputs: {
    group: { kind: group, aliases: ['parent'], help: 'Only authorities of this organization or folder, or below it.' },
    authority: {
      kind: { ...authority, onlyCandidate: soleAuthority },
      positional: 'SIGSTORE',
      flag: false,
      requiredUnless: 'unset',
      help: 'Name or id of the certificate authority.',
      question: 'Which certificate authority would you like to sign with?',
    },
    identity: { kind: named('IDENTITY_ID'), help: 'Sign as this identity instead of the login.' },
    identityProvider: {
      kind: named('IDP_ID'),
      help: 'Sign in with this identity provider of an organization first, and sign as who that says.',
    },
    unset: { kind: boolean, help: 'Print what takes the variables away again.' },
    shell: { kind: choice(...shells), default: 'posix', help: 'Whose words to print.' },
  },
  examples: [
    { text: 'What to put in eval "$(...)"', args: '' },
    { text: 'In fish, before `| source`', args: 'signing --shell=fish' },
    { text: 'In PowerShell, before `| Out-String | Invoke-Expression`', args: 'signing --shell=powershell' },
    { text: 'Back to the public authority', args: '--unset' },
  ],
  confirmsInRun: 'With --identity-provider, make an account without asking when the login has none.',
  view: environmentView,
  formats: ['text', 'env', 'json'],
  run: async (context, { authority: one, identity, identityProvider, unset, shell }): Promise<Environment> => {
    const { tokenFor, tokenVariable, variableNames, variablesFor } = await import('./variables.ts');
    if (unset || one === undefined) {
      const variables = Object.fromEntries(variableNames.map((name) => [name, '']));
      return { variables, token: { [tokenVariable]: '' }, unset, shell };
    }
    if (identityProvider !== undefined) {
      const [{ loginFor }, { loginOptions }, { signingAudience }] = await Promise.all([
        import('../auth/audience-login.ts'),
        import('../auth/login-inputs.ts'),
        import('./variables.ts'),
      ]);
      const flags = { identity: undefined, identityToken: undefined, orgName: undefined, socialLogin: undefined };
      await loginFor(context, loginOptions(context, { ...flags, identityProvider, headless: false }), signingAudience);
    }
    const [token, variables] = await Promise.all([tokenFor(context, identity), variablesFor(context, one)]);
    return { variables, token: { [tokenVariable]: token }, unset, shell };
  },
});
