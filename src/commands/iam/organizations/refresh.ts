// Renews a login: its rights are frozen into its token, so a new organization is out of reach until there is a new
// token (protocols 3.6). Guarantees: a change that succeeded is never reported as failed because of the token.

import type { Context } from '../../../cli/context.ts';
import { printable } from '../../../cli/io.ts';
import { CliError } from '../../../errors.ts';

/** Gets a new token in place of the one in use. False when only logging in again can do that. */
export async function renewToken(context: Context): Promise<boolean> {
  const { accessToken } = await import('../../../auth/session.ts');
  const audience = context.config.get('platform.audience');
  try {
    await accessToken(context.host, context.config, audience, { signal: context.signal, renew: true });
    return true;
  } catch (error) {
    context.signal.throwIfAborted();
    context.debug(() => `the token was not renewed: ${error instanceof Error ? error.message : String(error)}`);
    return false;
  }
}

/** Renews the token until the new organization shows; says what to do when it does not. */
export async function reachNewOrganization(context: Context, id: string): Promise<void> {
  for (const waitMs of [0, ...pausesMs]) {
    if (waitMs > 0) await context.host.sleep(waitMs, context.signal);
    if (!(await renewToken(context))) break;
    if (await isVisible(context, id)) return;
  }
  context.io.warn(
    printable('This login does not know of the new organization yet: log in again with `chainctl auth login`'),
  );
}

/** 5 looks, as the other client of the platform makes them (protocols 3.6). */
const pausesMs = [2000, 4000, 8000, 16_000];

async function isVisible(context: Context, id: string): Promise<boolean> {
  try {
    const answer = await (await context.api()).call('iam.v1.Groups.List', { id });
    return (answer.items ?? []).length > 0;
  } catch (error) {
    if (error instanceof CliError && (error.kind === 'auth' || error.kind === 'permission')) return false;
    throw error;
  }
}
