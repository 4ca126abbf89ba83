// The API with the tables it works by, loaded with the first request that needs them: half a megabyte of messages and
// operations.

import { schema } from '../../api/schema/messages.gen.ts';
import { createWire, type Wire } from '../../api/wire.ts';
import type { EventFacts } from '../core/event-facts.ts';
import type { Announce } from '../core/handler.ts';
import type { Module, Opened } from '../core/module.ts';
import { createAnnounce } from '../outbox/outbox.ts';
import { type Api, type ApiOptions, createApi } from './dispatch.ts';
import { createOperationTables } from './operation-tables.ts';

export interface OpenApiOptions
  extends Pick<ApiOptions, 'store' | 'urls' | 'readBlob' | 'verifyAccessToken' | 'onCall'> {
  readonly facts: EventFacts;
  readonly chosen: readonly Module[];
  readonly opened: readonly Opened[];
  readonly sboms: (() => Promise<NonNullable<ApiOptions['sboms']>>) | undefined;
}

export interface OpenedApi {
  readonly api: Api;
  readonly wire: Wire;
  readonly announce: Announce;
}

export async function openApi({ chosen, opened, sboms, ...options }: OpenApiOptions): Promise<OpenedApi> {
  const wire = createWire(schema);
  const announce = createAnnounce({ wire, facts: options.facts }, options.urls.api);
  const api = createApi({
    ...options,
    wire,
    announce,
    sboms: await sboms?.(),
    tables: createOperationTables(
      chosen.flatMap(({ operations = [] }) => operations),
      opened.flatMap(({ prepared }) => prepared ?? []),
    ),
    publicReads: chosen.flatMap(({ publicRead }) => publicRead ?? []),
  });
  return { api, wire, announce };
}
