// Writes what has happened. Guarantees: the record of a change exists exactly when the change does; a read costs no wait for the
// disk, and its record is there within half a second; the log has an end in time and in size.

import { ancestry, isRoot, parentOf, rootOf } from '../../api/uidp.ts';
import { effectiveRolesMemory, nextLoginEnd } from '../authorization/access.ts';
import type { Occurrence, OnOccurrence } from '../core/occurrence.ts';
import type { PlatformClock } from '../core/types.ts';
import { calledIdentity } from '../iam/called-identity.ts';
import { effectiveRolesOf } from '../iam/effective-roles.ts';
import { recallGroup } from '../iam/recalled-group.ts';
import type { Store, Tx } from '../store/database.ts';
import type { Memory } from '../store/memory.ts';

export interface Recorder {
  readonly note: OnOccurrence;
  /** Writes what waits. */
  flush(): void;
  /** The same for the last time. */
  stop(): void;
}

interface Waiting {
  readonly occurrence: Occurrence;
  readonly at: number;
  times: number;
}

const flushMs = 500;
/** More kinds of reads than this in half a second are written at once, so that they take no more memory. */
const maxWaiting = 2_000;
const keptMs = 30 * 24 * 60 * 60 * 1000;
export const maxRecords = 100_000;
const maxTextLength = 500;

export function createRecorder(store: Store, clock: PlatformClock, onDefect: (error: unknown) => void): Recorder {
  let waiting = new Map<string, Waiting>();
  let timer: NodeJS.Timeout | undefined;

  const flush = (): void => {
    clearTimeout(timer);
    timer = undefined;
    if (waiting.size === 0) return;
    const all = [...waiting.values()];
    waiting = new Map();
    store.transact((tx) => {
      for (const { occurrence, at, times } of all) write(tx, occurrence, at, times);
      bound(tx);
    });
  };
  const flushLater = (): void => {
    try {
      flush();
    } catch (error) {
      // A log that cannot be written must not end the platform it tells of.
      onDefect(error);
    }
  };

  return {
    note(occurrence, tx) {
      if (tx !== undefined) {
        write(tx, occurrence, tx.now, 1);
        return;
      }
      const { kind, operation, identity, presented, place, outcome, reason } = occurrence;
      const key = [kind, operation, identity, presented, place, outcome, reason].join('\u0000');
      const same = waiting.get(key);
      if (same !== undefined) same.times += 1;
      else waiting.set(key, { occurrence, at: clock.now(), times: 1 });
      // In a timer, and never here: whoever tells may be in the middle of a transaction.
      if (waiting.size >= maxWaiting) {
        clearTimeout(timer);
        timer = setTimeout(flushLater, 0);
      } else timer ??= setTimeout(flushLater, flushMs).unref();
    },
    flush,
    stop: flushLater,
  };
}

function write(tx: Tx, occurrence: Occurrence, at: number, times: number): void {
  const { kind, operation, identity, presented = '', outcome, reason = '' } = occurrence;
  const who = identity === undefined ? presented : `${nameOf(tx, identity)}${presented && ` (${presented})`}`;
  const because = outcome === 'done' ? allowedBy(tx, occurrence) : reason;
  for (const place of placesOf(tx, occurrence)) {
    tx.run(
      `INSERT INTO audit_records (at, kind, operation, identity, who, place, outcome, because, times)
       VALUES (?, ?, ?, ?, ?, ?, ?, ?, ?)`,
      at,
      kind,
      operation,
      identity ?? null,
      who.slice(0, maxTextLength),
      place,
      outcome,
      because.slice(0, maxTextLength),
      times,
    );
  }
}

/**
 * Returns where its record is filed. A user is in no organization, so what it does without a place is filed where it
 * holds roles.
 */
function placesOf(tx: Tx, { place, identity }: Occurrence): readonly string[] {
  if (place !== undefined && place !== '' && !isUser(tx, place)) return [place];
  if (identity === undefined || identity === '') return [];
  if (!isRoot(identity)) return [parentOf(identity)];
  const roots = new Set(effectiveRolesOf(tx, identity).map((row) => rootOf(String(row['place']))));
  return [...roots].slice(0, maxPlaces);
}

const maxPlaces = 20;

function isUser(tx: Tx, place: string): boolean {
  // Most places are groups, which are remembered whoever is made meanwhile.
  return isRoot(place) && recallGroup(tx, place) === undefined && calledIdentity(tx, place) !== undefined;
}

function nameOf(tx: Tx, identity: string): string {
  return calledIdentity(tx, identity) || identity;
}

/** Of most changes the same few. */
const reasons: Memory<{ readonly text: string; readonly until: number }> = {
  tables: effectiveRolesMemory.tables,
  most: 1_000,
  until: ({ until }) => until,
};

/** The roles that gave it, as `owner in UIDP`; empty where nothing was needed. */
function allowedBy(tx: Tx, { identity, place, capabilities }: Occurrence): string {
  if (identity === undefined || place === undefined || capabilities.length === 0) return '';
  return tx.recall(reasons, `${identity} ${place} ${capabilities.join(' ')}`, () => {
    const around = new Set(ancestry(place));
    const text = effectiveRolesOf(tx, identity)
      .filter((row) => around.has(String(row['place'])))
      .filter((row) => {
        const held = new Set(JSON.parse(String(row['capabilities'])) as string[]);
        return capabilities.some((one) => held.has(one));
      })
      .map((row) => `${row['name']} in ${row['place']}`)
      .join(', ');
    return { text, until: nextLoginEnd(tx, identity) };
  }).text;
}

/** Removes the oldest beyond what is kept. */
function bound(tx: Tx): void {
  tx.run('DELETE FROM audit_records WHERE id <= (SELECT MAX(id) FROM audit_records) - ?', maxRecords);
}

/** Removes what is older than thirty days, and more than a hundred thousand. */
export async function pruneRecords(store: Store): Promise<void> {
  store.transact((tx) => {
    tx.run('DELETE FROM audit_records WHERE at < ?', tx.now - keptMs);
    bound(tx);
  });
}
