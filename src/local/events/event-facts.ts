// Facts of the events of this module (semantics 8.3). Guarantees: a field that is not listed is not stored, so a secret that a
// message gains stays out of events.

import { parentOf } from '../../api/uidp.ts';
import { type EventBody, type EventFacts, type EventPlace, idOf } from '../core/event-facts.ts';

export const subscriptionEvents: EventFacts = {
  'chainguard.platform.events.DeleteSubscriptionRequest': { place: inParent, fields: ['uid', 'id'] },
  'chainguard.platform.events.Subscription': { place: inParent, fields: ['uid', 'sink', 'id'] },
};

function inParent(body: EventBody): EventPlace {
  const id = idOf(body);
  return { subject: id, group: parentOf(id) };
}
