// A platform as a process of its own, for tests that kill it. argv: data folder. Prints one JSON line when it answers:
// its registry and a token of the seeded developer, good for pushing.

import { randomBytes } from 'node:crypto';
import { grantsOf } from '../../src/local/access.ts';
import { createAccessTokens } from '../../src/local/issuer/access-tokens.ts';
import { startPlatform } from '../../src/local/platform.ts';
import { personId } from '../../src/local/seed/demo.ts';

const [, , dataDir = ''] = process.argv;
const clock = { now: () => Date.now(), randomBytes: (count: number) => randomBytes(count) };

async function main(): Promise<void> {
  const { store, urls } = await startPlatform({ dataDir, seed: 'demo', clock });
  const identity = personId('dev@example.com');
  const issuedAt = Math.floor(Date.now() / 1000);
  const token = await createAccessTokens(store, urls.issuer, clock).sign({
    identity,
    audience: ['cgr.dev'],
    grants: store.read((tx) => grantsOf(tx, identity)),
    issuedAt,
    expiresAt: issuedAt + 3600,
    act: {},
    email: undefined,
    emailVerified: false,
    profile: undefined,
  });
  process.stdout.write(`${JSON.stringify({ registry: urls.registry, token })}\n`);
}

void main();
