import { lazily } from '../core/lazily.ts';
import type { Caller, HttpHandler, PlatformClock, PlatformUrls } from '../core/types.ts';
import type { Store } from '../store/database.ts';
import { createWebhookSigner } from './cloud-event.ts';
import { createDispatcher } from './dispatcher.ts';
import { createPost } from './post.ts';

export interface DeliveryTimes {
  /** Milliseconds before each further try. */
  readonly retryDelays?: readonly number[];
  /** Milliseconds a sink has for its answer. */
  readonly timeoutMs?: number;
}

export interface EventsOptions extends DeliveryTimes {
  readonly store: Store;
  readonly urls: PlatformUrls;
  readonly clock: PlatformClock;
  /** Throws StatusError UNAUTHENTICATED. */
  readonly verifyAccessToken: (token: string) => Promise<Caller>;
  readonly onDefect: (error: unknown) => void;
}

export interface Events {
  /** The paths that show deliveries and events, loaded at the first call. */
  readonly routes: () => Promise<HttpHandler>;
  /** Begins to deliver; keys are looked up at the issuer, so it has to answer by then. */
  start(): void;
  stop(): Promise<void>;
}

/** Delivery of events and the paths that show it. */
export function createEvents(options: EventsOptions): Events {
  const { store, urls, clock, verifyAccessToken } = options;
  const signer = createWebhookSigner(store, urls.issuer, clock);
  const { post, close } = createPost();
  const dispatcher = createDispatcher({ ...options, signer, post });
  const routes = lazily(async () => {
    const { createEventRoutes } = await import('./event-routes.ts');
    return createEventRoutes({ store, urls, clock, dispatcher, signer, verifyAccessToken });
  });
  return {
    routes,
    start: () => dispatcher.start(),
    async stop() {
      (await routes.made?.catch(() => undefined))?.stop();
      await dispatcher.stop();
      close();
    },
  };
}
