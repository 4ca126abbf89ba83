// Operations of v2 in this module. Guarantees: these are translations; what is valid, allowed and remembered is decided
// by the functions of v1.

import { handlersOfBoth } from '../../api/versions/both.ts';
import * as subscriptions from './subscriptions.ts';

export const handlers = handlersOfBoth({
  'events.v2.SubscriptionsService.GetSubscription': subscriptions.getSubscription,
  'events.v2.SubscriptionsService.CreateSubscription': subscriptions.createSubscription,
  'events.v2.SubscriptionsService.ListSubscriptions': subscriptions.listSubscriptions,
  'events.v2.SubscriptionsService.DeleteSubscription': subscriptions.deleteSubscription,
});
