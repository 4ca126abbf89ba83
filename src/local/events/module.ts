import type { Module } from '../core/module.ts';
import type { Caller } from '../core/types.ts';
import { subscriptionEvents } from './event-facts.ts';
import { createEvents, type DeliveryTimes } from './events.ts';
import { eventMigrations } from './migrations.ts';
import { pruneEvents } from './retention.ts';

export interface EventsNeeds {
  readonly issuer: { verifyAccessToken(token: string): Promise<Caller> };
  readonly delivery: DeliveryTimes | undefined;
}

export const eventsModule: Module<EventsNeeds> = {
  name: 'events',
  events: subscriptionEvents,
  migrations: eventMigrations,
  views: ['pending_deliveries', 'distributed_events'],
  tables: ['subscriptions', 'deliveries', 'delivery_attempts', 'event_cursor'],
  operations: [
    { prefix: 'events.v1.Subscriptions.', load: () => import('./handlers.ts') },
    { prefix: 'events.v2.', load: () => import('./v2/handlers.ts') },
    { prefix: 'events.v2beta1.', load: () => import('./v2/handlers.ts') },
  ],
  open(parts) {
    const events = createEvents({ ...parts, ...parts.delivery, verifyAccessToken: parts.issuer.verifyAccessToken });
    return {
      face: undefined,
      routes: [{ prefix: '/local/v1/events', load: events.routes }],
      maintenance: [() => pruneEvents(parts.store)],
      start: events.start,
      stop: events.stop,
    };
  },
};
