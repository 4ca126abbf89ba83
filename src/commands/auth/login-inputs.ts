// The flags that say how to log in, shared by every command that may have to, and what is made of them.

import type { LoginOptions } from '../../auth/login.ts';
import type { Context } from '../../cli/context.ts';
import { exclusive } from '../../cli/define.ts';
import { boolean, choice, named, secret } from '../../cli/inputs/values.ts';
import { isCi } from '../../cli/io.ts';
import { hasDesktop } from '../../host.ts';

export const loginInputs = {
  identity: { kind: named('IDENTITY_ID'), help: 'Id of the identity to assume.' },
  identityToken: {
    kind: secret('TOKEN_OR_PATH'),
    help: 'ID token of a third party to exchange, the path of a file that holds one, or - for standard input.',
  },
  identityProvider: { kind: named('IDP_ID'), help: 'Id of the identity provider to sign in with.' },
  orgName: {
    kind: named('ORG_NAME'),
    help: 'Verified name of the organization whose identity provider to sign in with.',
  },
  socialLogin: { kind: choice('email', 'google', 'github', 'gitlab'), help: 'Account to sign in with in the browser.' },
  headless: { kind: boolean, help: 'Sign in with a browser on another device.' },
} as const;

export const loginChecks = [exclusive('identityProvider', 'orgName')];

export interface LoginInput {
  readonly identity: string | undefined;
  readonly identityToken: string | undefined;
  readonly identityProvider: string | undefined;
  readonly orgName: string | undefined;
  readonly socialLogin: string | undefined;
  readonly headless: boolean;
}

/** Returns whether any of the flags was given: then a person says how to log in, and a login is wanted. */
export function saysHow(input: LoginInput): boolean {
  const { identity, identityToken, identityProvider, orgName, socialLogin, headless } = input;
  return headless || [identity, identityToken, identityProvider, orgName, socialLogin].some((one) => one !== undefined);
}

export function loginOptions(context: Context, input: LoginInput): LoginOptions {
  return {
    identity: input.identity,
    identityToken: input.identityToken,
    identityProvider: input.identityProvider,
    orgName: input.orgName,
    socialLogin: input.socialLogin,
    // Undefined lets `auth.mode` decide.
    headless: input.headless || undefined,
    allowBrowser: canOpenBrowser(context),
    register: async () => {
      // A script must not make accounts by leaving a question open (protocols Q2).
      if (!context.io.interactive) return false;
      return context.prompts.confirm({ message: 'No account was found for this login. Register now?', default: true });
    },
    warn: (line) => context.io.warn(line),
    onRetry: (reason, waitMs) => context.io.note(`${reason}; trying again in ${Math.ceil(waitMs / 1000)} s`),
    signal: context.signal,
  };
}

/**
 * A person is there to use a browser, or at least a browser can be started. Scripts without either get an error at once
 * instead of a wait (script-contracts 1.4).
 */
function canOpenBrowser(context: Context): boolean {
  const { host, io } = context;
  if (io.interactive) return true;
  if (isCi(host)) return false;
  return hasDesktop(host) || Boolean(host.env['BROWSER']) || host.stderr.isTty;
}
