import type {
  EventsCreateSubscriptionRequest,
  EventsDeleteSubscriptionRequest,
  EventsSubscription,
  EventsSubscriptionFilter,
  EventsSubscriptionList,
} from '../../api/schema/types/events.gen.ts';
import type { Empty } from '../../api/schema/types.ts';
import { newChildId } from '../../api/uidp.ts';
import { type ListContext, type Resource, requiredUidp, type Selection, selectVisible } from '../api/selection.ts';
import { groupsWith } from '../authorization/access.ts';
import { invalidArgument, notFound } from '../core/failures.ts';
import type { CallContext } from '../core/handler.ts';
import { isPlatformUrl } from '../core/loopback.ts';
import type { Caller } from '../core/types.ts';
import { parseSink, SinkError } from '../events/sink-rules.ts';
import { findGroup } from '../iam/groups.ts';
import { newestSeq } from '../outbox/stored-events.ts';
import type { SqlRow, Tx } from '../store/database.ts';

const resource: Resource = { table: 'subscriptions', parent: 'parent' };

/** Gets what happens from here on in the group and in everything below it. */
export function createSubscription(
  tx: Tx,
  _caller: Caller,
  request: EventsCreateSubscriptionRequest,
  { urls }: CallContext,
): EventsSubscription {
  const parent = requiredUidp('parent_id', request.parentId);
  const sink = checkSink(request.subscription?.sink);
  if (isPlatformUrl(sink, urls)) throw invalidArgument('sink: the platform does not send events to itself');
  findGroup(tx, parent);
  const id = newChildId(parent, (count) => tx.randomBytes(count));
  tx.run(
    `INSERT INTO subscriptions (id, parent, sink, after_seq, created_at, updated_at)
     VALUES (?, ?, ?, ?, ?, ?)`,
    id,
    parent,
    sink.href,
    newestSeq(tx),
    tx.now,
    tx.now,
  );
  return { id, sink: sink.href };
}

export function listSubscriptions(
  tx: Tx,
  caller: Caller,
  request: EventsSubscriptionFilter,
  context?: ListContext,
): EventsSubscriptionList {
  return {
    items: selectVisible(tx, subscriptionSelection(tx, caller, request), context?.part).map(toWireSubscription),
  };
}

export function subscriptionSelection(tx: Tx, caller: Caller, { id, uidp }: EventsSubscriptionFilter): Selection {
  return { resource, visible: groupsWith(tx, caller, ['subscriptions.list']), id, uidp };
}

export function findSubscription(tx: Tx, id: string): SqlRow {
  const row = tx.get('SELECT * FROM subscriptions WHERE id = ?', id);
  if (row === undefined) throw notFound(`${id} not found`);
  return row;
}

/** Drops events that have not been delivered yet. */
export function deleteSubscription(tx: Tx, _caller: Caller, request: EventsDeleteSubscriptionRequest): Empty {
  const id = requiredUidp('id', request.id);
  if (tx.run('DELETE FROM subscriptions WHERE id = ?', id) === 0) throw notFound(`${id} not found`);
  return {};
}

function checkSink(sink: string | undefined): URL {
  if (sink === undefined || sink === '') throw invalidArgument('sink is required');
  try {
    return parseSink(sink);
  } catch (error) {
    if (error instanceof SinkError) {
      // A password in it is not for the log.
      const shown = JSON.stringify(sink.replace(/^([^/]*\/\/)[^/]*@/, '$1***@'));
      throw invalidArgument(`sink: ${shown} ${error.message}`);
    }
    throw error;
  }
}

export function toWireSubscription(row: SqlRow): EventsSubscription {
  return { id: String(row['id']), sink: String(row['sink']) };
}
