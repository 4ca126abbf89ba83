// Device authorization, RFC 8628 (protocols 2.2). Guarantees: a device code gives its token once, to the client it was made
// for; user codes cannot be tried out in numbers; who polls too fast is told so. In memory: none outlives the platform.

import { createHash } from 'node:crypto';
import type { PlatformClock } from '../core/types.ts';
import { createWrongTries } from './wrong-tries.ts';

export interface DeviceAuthorization {
  readonly deviceCode: string;
  /** `XXXX-XXXX`. */
  readonly userCode: string;
  readonly expiresInSeconds: number;
  readonly intervalSeconds: number;
}

export type DevicePoll =
  | { readonly idToken: string }
  /** A word of RFC 8628, 3.5. */
  | { readonly error: 'authorization_pending' | 'slow_down' | 'access_denied' | 'expired_token' | 'invalid_grant' };

export interface DeviceCodes {
  /** `too-many`: of this client, or of all, wait already. */
  start(clientId: string): DeviceAuthorization | 'too-many';
  /** The key of the login that waits under the code that `visitor` has typed, or why there is none. */
  find(userCode: string, visitor: string): { readonly key: string; readonly clientId: string } | 'unknown' | 'too-many';
  /** False when it is over. */
  approve(key: string, idToken: string): boolean;
  deny(key: string): void;
  poll(deviceCode: string, clientId: string): DevicePoll;
}

interface Entry {
  readonly userCode: string;
  readonly clientId: string;
  readonly since: number;
  intervalMs: number;
  lastPoll: number | undefined;
  outcome: { readonly idToken: string } | 'denied' | undefined;
}

const lifeMs = 900_000;
const intervalMs = 5_000;
/** Codes that wait: for one client, and in all. None is given up for another. */
const maxPerClient = 200;
const maxEntries = 2_000;
// No vowels: no words. 20 letters to the 8th, and a hundred wrong ones in ten minutes for each visitor.
const letters = 'BCDFGHJKLMNPQRSTVWXZ';
const maxWrongCodes = 100;
const wrongWindowMs = 600_000;

export function createDeviceCodes(clock: PlatformClock): DeviceCodes {
  const entries = new Map<string, Entry>();
  const wrong = createWrongTries(clock, maxWrongCodes, wrongWindowMs);

  const forgetOld = (): void => {
    // An expired one is kept as long again, so that its program hears that it has expired and not that it never was.
    for (const [key, { since }] of entries) {
      if (clock.now() - since < 2 * lifeMs) break;
      entries.delete(key);
    }
  };
  const isOver = (entry: Entry): boolean => clock.now() - entry.since >= lifeMs;

  return {
    start(clientId) {
      forgetOld();
      const waiting = [...entries.values()].filter((entry) => !isOver(entry));
      const ofOne = waiting.filter((entry) => entry.clientId === clientId).length;
      if (ofOne >= maxPerClient || waiting.length >= maxEntries) return 'too-many';
      const deviceCode = Buffer.from(clock.randomBytes(32)).toString('base64url');
      const userCode = newUserCode(clock);
      entries.set(digest(deviceCode), {
        userCode,
        clientId,
        since: clock.now(),
        intervalMs,
        lastPoll: undefined,
        outcome: undefined,
      });
      return { deviceCode, userCode, expiresInSeconds: lifeMs / 1000, intervalSeconds: intervalMs / 1000 };
    },

    find(text, visitor) {
      if (wrong.isTooMany(visitor)) return 'too-many';
      const typed = text.toUpperCase().replace(/[^A-Z]/g, '');
      const userCode = `${typed.slice(0, 4)}-${typed.slice(4)}`;
      for (const [key, entry] of entries) {
        if (entry.userCode !== userCode || isOver(entry) || entry.outcome !== undefined) continue;
        return { key, clientId: entry.clientId };
      }
      wrong.note(visitor);
      return 'unknown';
    },

    approve(key, idToken) {
      const entry = entries.get(key);
      if (entry === undefined || isOver(entry) || entry.outcome !== undefined) return false;
      entry.outcome = { idToken };
      return true;
    },

    deny(key) {
      const entry = entries.get(key);
      if (entry !== undefined && entry.outcome === undefined) entry.outcome = 'denied';
    },

    poll(deviceCode, clientId) {
      const key = digest(deviceCode);
      const entry = entries.get(key);
      if (entry === undefined || entry.clientId !== clientId) return { error: 'invalid_grant' };
      if (isOver(entry)) return { error: 'expired_token' };
      const now = clock.now();
      const tooFast = entry.lastPoll !== undefined && now - entry.lastPoll < entry.intervalMs;
      entry.lastPoll = now;
      const { outcome } = entry;
      if (outcome === undefined) {
        if (!tooFast) return { error: 'authorization_pending' };
        entry.intervalMs += 5_000;
        return { error: 'slow_down' };
      }
      entries.delete(key);
      return outcome === 'denied' ? { error: 'access_denied' } : outcome;
    },
  };
}

function newUserCode(clock: PlatformClock): string {
  const picked: string[] = [];
  while (picked.length < 8) {
    for (const byte of clock.randomBytes(16)) {
      // 240 is a multiple of 20: no letter is likelier than another.
      if (byte < 240 && picked.length < 8) picked.push(letters[byte % letters.length] ?? '');
    }
  }
  return `${picked.slice(0, 4).join('')}-${picked.slice(4).join('')}`;
}

function digest(text: string): string {
  return createHash('sha256').update(text).digest('hex');
}
