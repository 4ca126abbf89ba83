import type {
  VulnerabilitiesV1Advisory,
  VulnerabilitiesV1AdvisoryEvent,
  VulnerabilitiesV1AdvisoryEventFilter,
  VulnerabilitiesV1AdvisoryEventList,
  VulnerabilitiesV1CreateAdvisoryEventRequest,
  VulnerabilitiesV1CreateAdvisoryRequest,
  VulnerabilitiesV1DeleteAdvisoryRequest,
} from '../../api/schema/types/vulnerabilities-v1.gen.ts';
import type { Empty } from '../../api/schema/types.ts';
import { newChildId, parentOf } from '../../api/uidp.ts';
import { requiredUidp } from '../api/selection.ts';
import { toWireTime } from '../api/wire-time.ts';
import { invalidArgument, notFound } from '../core/failures.ts';
import type { Caller } from '../core/types.ts';
import { findGroup } from '../iam/groups.ts';
import type { SqlRow, Tx } from '../store/database.ts';

// Advisories that are written through this API. They are records beside the documents of advisory.v1: how one of them
// becomes a published document is in no public source, so none does, and no report counts them.

export function createAdvisory(
  tx: Tx,
  _caller: Caller,
  request: VulnerabilitiesV1CreateAdvisoryRequest,
): VulnerabilitiesV1Advisory {
  const parent = requiredUidp('parent_id', request.parentId);
  findGroup(tx, parent);
  const { advisory } = request;
  if (advisory === undefined) throw invalidArgument('advisory is required');
  const id = newChildId(parent, (count) => tx.randomBytes(count));
  tx.run(
    'INSERT INTO advisories (id, parent, advisory, created_at, updated_at) VALUES (?, ?, ?, ?, ?)',
    id,
    parent,
    JSON.stringify(contentOf(advisory)),
    tx.now,
    tx.now,
  );
  for (const event of advisory.events ?? []) addEvent(tx, id, event);
  return toWire(tx, findAdvisory(tx, id));
}

/** Replaces everything but the events, which have operations of their own. */
export function updateAdvisory(tx: Tx, _caller: Caller, request: VulnerabilitiesV1Advisory): VulnerabilitiesV1Advisory {
  const id = requiredUidp('id', request.id);
  findAdvisory(tx, id);
  tx.run(
    'UPDATE advisories SET advisory = ?, updated_at = ? WHERE id = ?',
    JSON.stringify(contentOf(request)),
    tx.now,
    id,
  );
  return toWire(tx, findAdvisory(tx, id));
}

export function deleteAdvisory(tx: Tx, _caller: Caller, request: VulnerabilitiesV1DeleteAdvisoryRequest): Empty {
  const id = requiredUidp('id', request.id);
  findAdvisory(tx, id);
  tx.run('DELETE FROM advisories WHERE id = ?', id);
  return {};
}

export function createAdvisoryEvent(
  tx: Tx,
  _caller: Caller,
  request: VulnerabilitiesV1CreateAdvisoryEventRequest,
): VulnerabilitiesV1AdvisoryEvent {
  const advisory = requiredUidp('parent_id', request.parentId);
  findAdvisory(tx, advisory);
  if (request.advisoryEvent === undefined) throw invalidArgument('advisory_event is required');
  const event = addEvent(tx, advisory, request.advisoryEvent);
  touch(tx, advisory);
  return event;
}

/** In the order they were written. */
export function listAdvisoryEvents(
  tx: Tx,
  _caller: Caller,
  request: VulnerabilitiesV1AdvisoryEventFilter,
): VulnerabilitiesV1AdvisoryEventList {
  const parentId = requiredUidp('parent_id', request.parentId);
  findAdvisory(tx, parentId);
  return { parentId, items: eventsOf(tx, parentId) };
}

/** A full replacement; the time stays when none is sent. */
export function updateAdvisoryEvent(
  tx: Tx,
  _caller: Caller,
  request: VulnerabilitiesV1AdvisoryEvent,
): VulnerabilitiesV1AdvisoryEvent {
  const id = requiredUidp('id', request.id);
  const row = tx.get('SELECT event FROM advisory_events WHERE id = ?', id);
  if (row === undefined) throw notFound(`${id} not found`);
  const { timestamp } = JSON.parse(String(row['event'])) as VulnerabilitiesV1AdvisoryEvent;
  const { id: _id, ...event } = { ...(timestamp === undefined ? {} : { timestamp }), ...request };
  tx.run('UPDATE advisory_events SET event = ? WHERE id = ?', JSON.stringify(event), id);
  touch(tx, parentOf(id));
  return { id, ...event };
}

/** Those at and below a place where the caller may list advisories, in no order. */
export function writtenAdvisories(tx: Tx, places: readonly string[]): VulnerabilitiesV1Advisory[] {
  return places.flatMap((place) =>
    // `0` follows `/` in ASCII.
    tx.all('SELECT * FROM advisories WHERE id >= ? AND id < ?', `${place}/`, `${place}0`).map((row) => toWire(tx, row)),
  );
}

/** Returns what its writer decides. Ids and times are the platform's. */
function contentOf(advisory: VulnerabilitiesV1Advisory): VulnerabilitiesV1Advisory {
  const {
    id: _id,
    createdAt: _createdAt,
    updatedAt: _updatedAt,
    deletedAt: _deletedAt,
    events: _events,
    ...content
  } = advisory;
  return content;
}

function addEvent(tx: Tx, advisory: string, given: VulnerabilitiesV1AdvisoryEvent): VulnerabilitiesV1AdvisoryEvent {
  const { id: _id, ...event } = { timestamp: toWireTime(tx.now), ...given };
  const id = newChildId(advisory, (count) => tx.randomBytes(count));
  tx.run('INSERT INTO advisory_events (id, advisory, event) VALUES (?, ?, ?)', id, advisory, JSON.stringify(event));
  return { id, ...event };
}

function touch(tx: Tx, advisory: string): void {
  tx.run('UPDATE advisories SET updated_at = ? WHERE id = ?', tx.now, advisory);
}

function findAdvisory(tx: Tx, id: string): SqlRow {
  const row = tx.get('SELECT * FROM advisories WHERE id = ?', id);
  if (row === undefined) throw notFound(`${id} not found`);
  return row;
}

function eventsOf(tx: Tx, advisory: string): VulnerabilitiesV1AdvisoryEvent[] {
  return tx
    .all('SELECT id, event FROM advisory_events WHERE advisory = ? ORDER BY rowid', advisory)
    .map((row) => ({ id: String(row['id']), ...(JSON.parse(String(row['event'])) as VulnerabilitiesV1AdvisoryEvent) }));
}

function toWire(tx: Tx, row: SqlRow): VulnerabilitiesV1Advisory {
  const id = String(row['id']);
  return {
    id,
    ...(JSON.parse(String(row['advisory'])) as VulnerabilitiesV1Advisory),
    events: eventsOf(tx, id),
    createdAt: toWireTime(Number(row['created_at'])),
    updatedAt: toWireTime(Number(row['updated_at'])),
  };
}
