// The trust root of an authority of the platform, for policies that name it by its URL. Guarantees: only the platform that this
// program talks to is asked, because whoever writes a policy could name any other server.

import { send } from '../../api/transport.ts';
import type { Context } from '../../cli/context.ts';
import { CliError } from '../../errors.ts';

/** Returns whether the URL of an authority is one below the platform's own. */
export const isOfPlatform = (api: string, url: string | undefined): url is string =>
  url !== undefined && /^\/local\/sigstore\/[0-9a-f]{16}\/?$/.test(pathBelow(api, url) ?? '');

function pathBelow(api: string, url: string): string | undefined {
  try {
    const [base, wanted] = [new URL(api), new URL(url)];
    return base.origin === wanted.origin && wanted.search === '' ? wanted.pathname : undefined;
  } catch {
    return undefined;
  }
}

/** Returns what its `trusted_root.json` holds; undefined when the authority was deleted. Throws when it does not answer. */
export async function rootAt(context: Context, url: string): Promise<object | undefined> {
  const { status, text } = await send(context.host, {
    method: 'GET',
    url: `${url.replace(/\/$/, '')}/trusted_root.json`,
    headers: { accept: 'application/json' },
    timeoutMs: 15_000,
    signal: context.signal,
  });
  if (status === 404) return undefined;
  if (status !== 200) {
    throw new CliError('api', `The certificate authority answered ${status} for its certificates`, {
      code: 'sigstore.no-certificates',
    });
  }
  return JSON.parse(text) as object;
}
