// A platform with the demo's people as a process of its own, for tests that kill it. argv: data folder. Prints one JSON
// line when it answers: its address and tokens of the seeded developer for API and registry.

import { randomBytes } from 'node:crypto';
import { grantsOf } from '../../src/local/authorization/access.ts';
import { seedDemo } from '../../src/local/iam/seed.ts';
import { createAccessTokens } from '../../src/local/issuer/access-tokens.ts';
import { startPlatform } from '../../src/local/platform.ts';
import { personId } from './ids.ts';

const [, , dataDir = ''] = process.argv;
const clock = { now: () => Date.now(), randomBytes: (count: number) => randomBytes(count) };

async function main(): Promise<void> {
  const delivery = { retryDelays: [50, 100, 200, 400], timeoutMs: 1000 };
  const { store, urls } = await startPlatform({ dataDir, seed: 'empty', clock, delivery });
  if (store.read((tx) => tx.get('SELECT 1 FROM groups')) === undefined) store.transact(seedDemo);
  const identity = personId('dev@example.com');
  const issuedAt = Math.floor(Date.now() / 1000);
  const sign = (audience: string): Promise<string> =>
    createAccessTokens(store, urls.issuer, clock).sign({
      identity,
      audience: [audience],
      grants: store.read((tx) => grantsOf(tx, identity)),
      issuedAt,
      expiresAt: issuedAt + 3600,
      act: {},
      email: undefined,
      emailVerified: false,
      profile: undefined,
    });
  const answer = { api: urls.api, token: await sign(urls.api), registryToken: await sign('cgr.dev') };
  process.stdout.write(`${JSON.stringify(answer)}\n`);
}

void main();
