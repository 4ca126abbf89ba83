import type { EventsSubscription } from '../../../api/schema/types/events.gen.ts';
import type {
  EventsV2CreateSubscriptionRequest,
  EventsV2DeleteSubscriptionRequest,
  EventsV2GetSubscriptionRequest,
  EventsV2ListSubscriptionsRequest,
  EventsV2ListSubscriptionsResponse,
  EventsV2Subscription,
} from '../../../api/schema/types/events-v2.gen.ts';
import type { Empty } from '../../../api/schema/types.ts';
import { pageOfSelection } from '../../api/paging.ts';
import { requiredUidp } from '../../api/selection.ts';
import { fieldMapping } from '../../api/versions/field-mapping.ts';
import { invalidArgument } from '../../core/failures.ts';
import type { CallContext } from '../../core/handler.ts';
import type { Caller } from '../../core/types.ts';
import type { Tx } from '../../store/database.ts';
import * as v1 from '../subscriptions.ts';

const fields = fieldMapping<EventsSubscription, EventsV2Subscription>({ id: 'uid', sink: 'sink' });

const columns = { uid: 'id', sink: 'sink', created_at: 'created_at', updated_at: 'updated_at' };

export function getSubscription(
  tx: Tx,
  _caller: Caller,
  request: EventsV2GetSubscriptionRequest,
): EventsV2Subscription {
  return fields.toV2(v1.toWireSubscription(v1.findSubscription(tx, requiredUidp('uid', request.uid))));
}

export function listSubscriptions(
  tx: Tx,
  caller: Caller,
  request: EventsV2ListSubscriptionsRequest,
): EventsV2ListSubscriptionsResponse {
  const { items, ...page } = pageOfSelection(tx, v1.subscriptionSelection(tx, caller, request), request, columns);
  return { subscriptions: items.map((row) => fields.toV2(v1.toWireSubscription(row))), ...page };
}

/** v1 also takes http to this machine; v2 does not (semantics 2). */
export function createSubscription(
  tx: Tx,
  caller: Caller,
  { parent = '', subscription = {} }: EventsV2CreateSubscriptionRequest,
  context: CallContext,
): EventsV2Subscription {
  const { sink = '' } = subscription;
  if (sink !== '' && !/^https:/i.test(sink)) throw invalidArgument(`sink: ${JSON.stringify(sink)} is not an https URL`);
  const request = { parentId: parent, subscription: fields.toV1(subscription) };
  return fields.toV2(v1.createSubscription(tx, caller, request, context));
}

export function deleteSubscription(tx: Tx, caller: Caller, request: EventsV2DeleteSubscriptionRequest): Empty {
  return v1.deleteSubscription(tx, caller, { id: requiredUidp('uid', request.uid) });
}
