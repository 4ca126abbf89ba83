// Sign-ins that end on another device (protocols 2.1). Guarantees: a session is read once, lies here encrypted for at most
// ten minutes, and is found by who knows the code only. In memory on purpose: none outlives the platform.

import { createHash } from 'node:crypto';
import { parseHeadlessCode, type SealedSession, sealHeadless } from '../../api/headless.ts';
import { invalidArgument, notFound, permissionDenied, resourceExhausted } from '../core/failures.ts';
import type { PlatformClock } from '../core/types.ts';

export interface HeadlessSessions {
  /** Throws INVALID_ARGUMENT for what is no code, or one that somebody has signed in for already. */
  check(code: string): void;
  approve(code: string, idToken: string): void;
  deny(code: string): void;
  /** Throws NOT_FOUND while nobody has signed in, PERMISSION_DENIED when they would not. */
  read(code: string): SealedSession;
}

interface Entry {
  readonly outcome: SealedSession | 'denied' | 'read' | undefined;
  readonly polls: number;
  readonly since: number;
}

const lifeMs = 10 * 60_000;
const maxEntries = 1_000;
// Every two seconds for ten minutes is three hundred; a program that asks much more often is told to stop.
const maxPolls = 600;

export function createHeadlessSessions(clock: PlatformClock): HeadlessSessions {
  // By digest, so that nothing here lets anybody ask. Oldest first.
  const entries = new Map<string, Entry>();

  const find = (key: string): Entry | undefined => {
    for (const [old, { since }] of entries) {
      if (clock.now() - since < lifeMs && entries.size <= maxEntries) break;
      entries.delete(old);
    }
    return entries.get(key);
  };
  const settle = (code: string, outcome: Entry['outcome']): void => {
    const key = digest(code);
    const before = find(key);
    entries.delete(key);
    entries.set(key, { outcome, polls: before?.polls ?? 0, since: clock.now() });
  };

  return {
    check(code) {
      parse(code);
      if (find(digest(code))?.outcome !== undefined) throw invalidArgument('this sign-in is over: start a new one');
    },
    approve(code, idToken) {
      settle(code, sealHeadless(code, idToken, clock.randomBytes(12)));
    },
    deny: (code) => settle(code, 'denied'),
    read(code) {
      parse(code);
      const key = digest(code);
      const entry = find(key) ?? { outcome: undefined, polls: 0, since: clock.now() };
      const { outcome, polls } = entry;
      if (polls >= maxPolls) throw resourceExhausted('asked too often');
      entries.set(key, { ...entry, polls: polls + 1 });
      if (outcome === undefined || outcome === 'read') throw notFound('nobody has signed in with this code');
      if (outcome === 'denied') throw permissionDenied('the sign-in was cancelled');
      settle(code, 'read');
      return outcome;
    },
  };
}

function parse(code: string): void {
  try {
    parseHeadlessCode(code);
  } catch (error) {
    throw invalidArgument(`the code is not good: ${error instanceof Error ? error.message : 'unknown reason'}`);
  }
}

function digest(code: string): string {
  return createHash('sha256').update(code).digest('hex');
}
