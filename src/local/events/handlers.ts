import type { Handlers } from '../core/handler.ts';
import { createSubscription, deleteSubscription, listSubscriptions } from './subscriptions.ts';

export const handlers: Handlers = {
  'events.v1.Subscriptions.Create': createSubscription,
  'events.v1.Subscriptions.List': listSubscriptions,
  'events.v1.Subscriptions.Delete': deleteSubscription,
};
