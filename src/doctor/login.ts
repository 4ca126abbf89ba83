// Checks whether somebody is signed in, for the API and for the registry, and whether the issuer agrees.

import { accessToken } from '../auth/session.ts';
import { audiencePath, remainingMs } from '../auth/token-cache.ts';
import { CliError } from '../errors.ts';
import { type Check, type Examined, type Finding, failure, ok, roughly, skip } from './check.ts';

export const login: Check = {
  name: 'login',
  async look(examined) {
    const { config, purpose, image, registry } = examined;
    // A job that only pulls needs a login for the registry and none for the API, as a job has that signs in for nothing
    // else.
    if (purpose === 'docker' || image !== undefined) return [await loginFor(examined, registry, registry)];
    const findings: Finding[] = [await loginFor(examined, config.get('platform.audience'), 'the API')];
    if (findings[0]?.state === 'ok') findings[0] = (await refusal(examined)) ?? findings[0];
    if (findings[0]?.state === 'ok' && purpose === undefined) {
      const found = await loginFor(examined, registry, registry);
      findings.push(found.state === 'ok' ? found : skip(`There is no login for ${registry}`));
    }
    return findings;
  },
};

async function loginFor(examined: Examined, audience: string, name: string): Promise<Finding> {
  const { host, config, signal } = examined;
  const where = { file: audiencePath(host, audience) };
  try {
    const token = await accessToken(host, config, audience, { signal, allowLogin: false });
    return ok(`The login for ${name} is good for ${roughly(remainingMs(host.now(), token))}`, where);
  } catch (error) {
    return failure(error, where);
  }
}

/** A token can look good and be of somebody who was deleted since. */
async function refusal({ host, config, signal }: Examined): Promise<Finding | undefined> {
  const { createApiClient } = await import('../api/client.ts');
  const audience = config.get('platform.audience');
  const client = createApiClient({
    host,
    baseUrl: config.get('platform.issuer'),
    signal,
    timeoutMs: 10_000,
    bearer: () => accessToken(host, config, audience, { signal, allowLogin: false }),
  });
  try {
    await client.call('auth.v1.Auth.Validate', {});
    return undefined;
  } catch (error) {
    if (!(error instanceof CliError) || error.kind !== 'auth') throw error;
    return { ...failure(error, { file: audiencePath(host, audience) }), fix: 'chainctl auth login' };
  }
}
