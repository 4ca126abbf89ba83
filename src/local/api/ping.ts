import type { PingResponse } from '../../api/schema/types.gen.ts';

/** Whether anybody is there, for who has no token yet. What real ones say is not public. */
export const ping = (): PingResponse => ({ response: 'pong' });
