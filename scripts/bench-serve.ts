// A local platform with much in it, as a process of its own. Prints one JSON line when it answers: its address and a token of the
// seeded developer. Ends with its stdin.

import { randomBytes } from 'node:crypto';
import { grantsOf } from '../src/local/authorization/access.ts';
import { personId, seedDemo } from '../src/local/iam/seed.ts';
import { createAccessTokens } from '../src/local/issuer/access-tokens.ts';
import { startPlatform } from '../src/local/platform.ts';
import type { Tx } from '../src/local/store/database.ts';

const clock = { now: () => Date.now(), randomBytes: (count: number): Uint8Array => randomBytes(count) };

/** `fill` writes what is in it besides the people of the demo. */
export async function servePlatform(dataDir: string, fill: (tx: Tx) => void): Promise<void> {
  const { store, urls, stop } = await startPlatform({ dataDir, seed: 'empty', clock });
  store.transact((tx) => {
    seedDemo(tx);
    fill(tx);
  });
  const identity = personId('dev@example.com');
  const issuedAt = Math.floor(Date.now() / 1000);
  const token = await createAccessTokens(store, urls.issuer, clock).sign({
    identity,
    audience: [urls.api],
    grants: store.read((tx) => grantsOf(tx, identity)),
    issuedAt,
    expiresAt: issuedAt + 3600,
    act: {},
    email: undefined,
    emailVerified: false,
    profile: undefined,
  });
  process.stdout.write(`${JSON.stringify({ api: urls.api, token })}\n`);
  process.stdin.resume().once('end', () => void stop());
}
