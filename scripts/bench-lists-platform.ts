// A local platform with a long list in it, as a process of its own. argv: data folder, rows. Prints one JSON line when it
// answers: its address and a token of the seeded developer. Ends with its stdin.

import { randomBytes } from 'node:crypto';
import { grantsOf } from '../src/local/authorization/access.ts';
import { demoOrganizations, personId, seedDemo } from '../src/local/iam/seed.ts';
import { insertIdentity } from '../src/local/iam/stored-identity.ts';
import { createAccessTokens } from '../src/local/issuer/access-tokens.ts';
import { startPlatform } from '../src/local/platform.ts';

const [, , dataDir = '', rows = '0'] = process.argv;
const clock = { now: () => Date.now(), randomBytes: (count: number): Uint8Array => randomBytes(count) };

async function main(): Promise<void> {
  const { store, urls, stop } = await startPlatform({ dataDir, seed: 'empty', clock });
  store.transact((tx) => {
    seedDemo(tx);
    for (let at = 0; at < Number(rows); at += 1) {
      const claimMatch = {
        issuer: 'https://token.actions.githubusercontent.com',
        subjectPattern: `^repo:(?:acme/app-${at}):.*$`,
      };
      insertIdentity(tx, {
        id: `${demoOrganizations.private}/${(at * 7919).toString(16).padStart(16, '0')}`,
        name: `identity-${at}`,
        description: at % 3 === 0 ? 'Builds and publishes the images of one service' : '',
        relationship: { kind: 'claimMatch', claimMatch },
      });
    }
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

void main();
