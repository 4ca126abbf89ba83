import type { PingResponse } from '../../api/schema/types/ping.gen.ts';
import type { Handlers } from '../core/handler.ts';

/** Returns whether anybody is there, for who has no token yet. What real ones say is not public. */
const ping = (): PingResponse => ({ response: 'pong' });

export const handlers: Handlers = {
  'ping.v1.PingService.Ping': ping,
  'ping.v2.PingService.Ping': ping,
  'ping.v2beta1.PingService.Ping': ping,
};
