// The API with the tables it works by, loaded with the first request that needs them: half a megabyte of messages and
// operations.

import { schema } from '../../api/schema/messages.gen.ts';
import { operations } from '../../api/schema/operations.gen.ts';
import { createWire, type Wire } from '../../api/wire.ts';
import type { EventFacts } from '../core/event-facts.ts';
import type { Announce } from '../core/handler.ts';
import type { Module, Opened, Parts } from '../core/module.ts';
import { StreamedAnswer } from '../core/streamed-answer.ts';
import { createAnnounce } from '../outbox/outbox.ts';
import { type Api, type ApiOptions, createApi, fieldsIn, type KnownOperation } from './dispatch.ts';
import { createOperationTables } from './operation-tables.ts';

export interface OpenApiOptions
  extends Pick<ApiOptions, 'store' | 'urls' | 'readBlob' | 'verifyAccessToken' | 'tell' | 'onCall'> {
  readonly facts: EventFacts;
  readonly chosen: readonly Module[];
  readonly opened: readonly Opened[];
}

export interface OpenedApi {
  readonly api: Api;
  readonly wire: Wire;
  readonly announce: Announce;
  /** One operation for a caller in this process; see `Parts`. */
  readonly call: Parts['call'];
}

const wire = createWire(schema);

export async function openApi({ chosen, opened, ...options }: OpenApiOptions): Promise<OpenedApi> {
  const announce = createAnnounce({ wire, facts: options.facts }, options.urls.api);
  const api = createApi({
    ...options,
    wire,
    announce,
    lateReads: await Promise.all(opened.flatMap(({ lateReads }) => lateReads?.() ?? [])),
    tables: createOperationTables(
      chosen.flatMap(({ operations = [] }) => operations),
      opened.flatMap(({ prepared }) => prepared ?? []),
    ),
    publicReads: chosen.flatMap(({ publicRead }) => publicRead ?? []),
  });
  return {
    api,
    wire,
    announce,
    async call(id, message, authorization) {
      const read = async () => ({ message, hasField: fieldsIn(message) });
      // The table pairs each id with its operation.
      const answer = await api.call({ operation: operations[id] as KnownOperation, authorization, read });
      return answer instanceof StreamedAnswer ? answer.whole() : answer;
    },
  };
}
