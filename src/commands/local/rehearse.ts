// A command as somebody of one's choice, on a copy of the local platform.

import { mkdirSync } from 'node:fs';
import { join } from 'node:path';
import type { Suggestion } from '../../access/suggestion.ts';
import { writeTokens } from '../../auth/token-cache.ts';
import type { Context } from '../../cli/context.ts';
import type { Rehearsed } from '../../local/rehearsal.ts';
import { environmentOf } from './view.ts';

/** Actor: an existing identity, or a fresh user who holds these roles and nothing else. */
export type Actor = { readonly identity: string } | { readonly holding: readonly Suggestion[] };

/** Resolves to the exit code of the command and what it called. */
export async function rehearseCommand(
  context: Context,
  dataDir: string,
  actor: Actor,
  command: readonly string[],
): Promise<Rehearsed<number>> {
  const [{ rehearse }, { bindRole }, { createUser }, { createRole }, { anonymous }] = await Promise.all([
    import('../../local/rehearsal.ts'),
    import('../../local/iam/bind-role.ts'),
    import('../../local/iam/stored-identity.ts'),
    import('../../local/iam/roles.ts'),
    import('../../local/core/types.ts'),
  ]);
  const prepare: Parameters<typeof rehearse>[1] = (tx) => {
    if ('identity' in actor) return actor.identity;
    const identity = createUser(tx, { issuer: 'https://rehearsal.invalid', subject: 'suggested' });
    for (const [at, { place, role, capabilities }] of actor.holding.entries()) {
      const custom = { parentId: place, role: { name: `suggested-${at}`, capabilities: [...capabilities] } };
      bindRole(tx, { group: place, identity, role: role?.id ?? createRole(tx, anonymous, custom).id ?? '' });
    }
    return identity;
  };
  return rehearse(dataDir, prepare, async ({ urls, folder, token }) => {
    const cache = join(folder, 'cache');
    const docker = join(folder, 'docker');
    for (const one of [cache, docker]) mkdirSync(one, { mode: 0o700 });
    const { platform, home } = context.host;
    const host = { platform, home, env: { ...context.host.env, XDG_CACHE_HOME: cache } };
    for (const audience of [urls.api, new URL(urls.registry).host]) {
      writeTokens(host, audience, { token: await token(audience), refreshToken: null });
    }
    const { api, issuer, registry, console } = urls;
    const env = {
      ...environmentOf({ api, issuer, registry, console, dataDir, pid: 0 }),
      XDG_CACHE_HOME: cache,
      DOCKER_CONFIG: docker,
      CHAINCTL_CONTEXT: undefined,
    };
    // The command's own output is no part of our answer.
    const isWindows = context.host.platform === 'win32';
    const [program = '', ...words] = isWindows ? command : ['sh', '-c', 'exec "$@" >&2', 'sh', ...command];
    return context.host.runForeground(program, words, { env, signal: context.signal });
  });
}
