// Logins for registries of clouds, from the platform, which has them of the account that is associated with the group.
// Guarantees: asked only for registries of clouds, once for as long as a login is good; why there is none is told once.

import { cloudOf } from '../policy/cloud-registries.ts';
import type { Login } from './pull-secrets.ts';

/** Answer of the platform. */
export type CloudLoginAnswer =
  | { readonly user: string; readonly password: string; readonly ttl: number }
  | { readonly reason: string };

/** A refusal is not asked about again for this long. */
const refusedForMs = 60_000;

export function createCloudLogins(
  ask: (registry: string) => Promise<CloudLoginAnswer>,
  now: () => number,
  note: (about: string, line: string) => void,
): (registry: string) => Promise<Login | undefined> {
  const known = new Map<string, { readonly until: number; readonly login: Promise<Login | undefined> }>();
  const fetchLogin = async (registry: string): Promise<Login | undefined> => {
    const about = `login for ${registry}`;
    try {
      const answer = await ask(registry);
      const login = 'reason' in answer ? undefined : { user: answer.user, password: answer.password };
      known.set(registry, {
        until: now() + ('reason' in answer ? refusedForMs : answer.ttl * 1000),
        login: Promise.resolve(login),
      });
      note(about, 'reason' in answer ? `no ${about}: ${answer.reason}` : '');
      return login;
    } catch (error) {
      known.delete(registry);
      note(about, `no ${about}: ${error instanceof Error ? error.message : String(error)}`);
      return undefined;
    }
  };
  return async (registry) => {
    if (cloudOf(registry) === undefined) return undefined;
    const before = known.get(registry);
    if (before !== undefined && before.until > now()) return before.login;
    const login = fetchLogin(registry);
    // Whoever asks meanwhile waits for the same answer.
    known.set(registry, { until: now() + refusedForMs, login });
    return login;
  };
}
