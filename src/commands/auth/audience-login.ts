// Logging in for one more audience, for tools that are given a token of their own.

import type { LoginOptions } from '../../auth/login.ts';
import type { Context } from '../../cli/context.ts';
import { CliError } from '../../errors.ts';
import { type LoginInput, loginOptions, saysHow } from './login-inputs.ts';

/** Makes sure that there is a token for `audience`: as the flags say, else the one that is there, else as for the API. */
export async function loginForAudience(context: Context, input: LoginInput, audience: string): Promise<void> {
  const options = loginOptions(context, input);
  if (saysHow(input)) await loginFor(context, options, audience);
  else if (!(await hasToken(context, audience))) await loginAsForApi(context, options, audience);
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
        `The token you are logged in with is kept nowhere, so it cannot be exchanged for "${audience}" as well.`,
      ],
      hint: `put it into a file and run \`chainctl auth login${record?.identity === undefined ? '' : ` --identity=${record.identity}`} --identity-token=FILE --audience=${audience}\`, then this command again`,
      cause: error,
    });
  }
}

export async function loginFor(context: Context, options: LoginOptions, audience: string): Promise<void> {
  const { login } = await import('../../auth/login.ts');
  const result = await login(context.host, context.config, { ...options, audience: [audience] });
  context.io.note('Successfully exchanged token.');
  context.io.note(`Valid! Id: ${result.identity}`);
}
