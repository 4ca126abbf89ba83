// Writes what has happened. Guarantees: the record of a change exists exactly when the change does; a read costs no wait for the
// disk, and its record is there within half a second; the log has an end in time and in size.

import { ancestry, isRoot, parentOf, rootOf } from '../../api/uidp.ts';
import type { Occurrence, OnOccurrence } from '../core/occurrence.ts';
import type { PlatformClock } from '../core/types.ts';
import { calledIdentity } from '../iam/called-identity.ts';
import { effectiveRolesOf } from '../iam/effective-roles.ts';
import type { Store, Tx } from '../store/database.ts';

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
      const known: Known = { names: new Map(), because: new Map() };
      for (const { occurrence, at, times } of all) write(tx, occurrence, at, times, known);
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
        write(tx, occurrence, tx.now, 1, { names: new Map(), because: new Map() });
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

/** Look-ups of one transaction, which many records share. */
interface Known {
  readonly names: Map<string, string>;
  readonly because: Map<string, string>;
}

function write(tx: Tx, occurrence: Occurrence, at: number, times: number, known: Known): void {
  const { kind, operation, identity, presented = '', outcome, reason = '' } = occurrence;
  const who = identity === undefined ? presented : `${nameOf(tx, identity, known)}${presented && ` (${presented})`}`;
  const because = outcome === 'done' ? allowedBy(tx, occurrence, known) : reason;
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

const isUser = (tx: Tx, place: string): boolean => isRoot(place) && calledIdentity(tx, place) !== undefined;

function nameOf(tx: Tx, identity: string, { names }: Known): string {
  let name = names.get(identity);
  if (name === undefined) {
    name = calledIdentity(tx, identity) ?? identity;
    names.set(identity, name || identity);
  }
  return name || identity;
}

/** The roles that gave it, as `owner in UIDP`; empty where nothing was needed. */
function allowedBy(tx: Tx, { identity, place, capabilities }: Occurrence, { because }: Known): string {
  if (identity === undefined || place === undefined || capabilities.length === 0) return '';
  const key = `${identity} ${place} ${capabilities.join(' ')}`;
  let found = because.get(key);
  if (found === undefined) {
    const around = new Set(ancestry(place));
    found = effectiveRolesOf(tx, identity)
      .filter((row) => around.has(String(row['place'])))
      .filter((row) => {
        const held = new Set(JSON.parse(String(row['capabilities'])) as string[]);
        return capabilities.some((one) => held.has(one));
      })
      .map((row) => `${row['name']} in ${row['place']}`)
      .join(', ');
    because.set(key, found);
  }
  return found;
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
