// A command that runs against a copy of a platform, as somebody of one's choice, and what the audit log of the copy has seen of it.
// Guarantees: the platform itself is only read; the copy and its logins are gone afterwards, and its events reach nobody.

import { randomBytes } from 'node:crypto';
import { mkdirSync, mkdtempSync, rmSync } from 'node:fs';
import { join } from 'node:path';
import { type AuditedCall, auditedCalls } from './audit/audited-calls.ts';
import { grantsOf } from './authorization/access.ts';
import type { PlatformUrls } from './core/types.ts';
import { createAccessTokens } from './issuer/access-tokens.ts';
import { allMigrations } from './modules.ts';
import { startPlatform } from './platform.ts';
import { copyPlatform } from './snapshots.ts';
import { openStore, type Tx } from './store/database.ts';

export interface Rehearsed<T> {
  readonly result: T;
  /** In the order in which they were written. */
  readonly calls: readonly AuditedCall[];
}

export interface RehearsalPlace {
  readonly urls: PlatformUrls;
  /** A folder of its own, which is removed afterwards. */
  readonly folder: string;
  /** An access token for this audience. */
  token(audience: string): Promise<string>;
}

const tokenSeconds = 3600;

/** `prepare` may change the copy, and says who acts: the UIDP of an identity. */
export async function rehearse<T>(
  dataDir: string,
  prepare: (tx: Tx) => string,
  work: (place: RehearsalPlace) => Promise<T>,
): Promise<Rehearsed<T>> {
  const folder = mkdtempSync(join(dataDir, 'rehearsal-'));
  try {
    const copy = join(folder, 'platform');
    mkdirSync(copy, { mode: 0o700 });
    copyPlatform(dataDir, copy);
    const clock = { now: () => Date.now(), randomBytes: (count: number): Uint8Array => randomBytes(count) };
    const { store, urls, stop } = await startPlatform({ dataDir: copy, seed: 'empty', port: 0, clock });
    let identity: string;
    let result: T;
    let before: number;
    try {
      identity = store.transact((tx) => {
        // A change that is tried out is nothing to tell the world.
        tx.run('DELETE FROM deliveries');
        tx.run('DELETE FROM subscriptions');
        return prepare(tx);
      });
      before = store.read((tx) => auditedCalls(tx, identity, 0).at(-1)?.id ?? 0);
      const tokens = createAccessTokens(store, urls.issuer, clock);
      const token = (audience: string) => {
        const issuedAt = Math.floor(clock.now() / 1000);
        return tokens.sign({
          identity,
          audience: [audience],
          grants: store.read((tx) => grantsOf(tx, identity)),
          issuedAt,
          expiresAt: issuedAt + tokenSeconds,
          act: {},
          email: undefined,
          emailVerified: false,
          profile: undefined,
        });
      };
      result = await work({ urls, folder, token });
    } finally {
      // Writes what the log still holds back.
      await stop();
    }
    const after = openStore(join(copy, 'platform.db'), allMigrations(), clock);
    try {
      return { result, calls: after.read((tx) => auditedCalls(tx, identity, before)) };
    } finally {
      after.close();
    }
  } finally {
    rmSync(folder, { recursive: true, force: true });
  }
}
