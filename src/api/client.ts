// Thin typed access to the operations. A method is its operation and its types. Guarantees: a package's tables are loaded
// by the first call that needs them, so a command about identities never reads those of the registry.

import { type ApiOptions, callOperation, callPath, type Exchange, listItems, readLines } from './http.ts';
import { commonSchema } from './schema/messages/common.gen.ts';
import type { advisoryOperations } from './schema/operations/advisory.gen.ts';
import type { authOperations } from './schema/operations/auth.gen.ts';
import type { eventsOperations } from './schema/operations/events.gen.ts';
import type { iamOperations } from './schema/operations/iam.gen.ts';
import type { registryOperations } from './schema/operations/registry.gen.ts';
import type { OperationTypes } from './schema/types.gen.ts';
import type { Operation } from './schema/types.ts';
import { createWire, type Wire } from './wire.ts';

/** Operations the command line calls. */
export type ClientOperationId = (
  | keyof typeof advisoryOperations
  | keyof typeof authOperations
  | keyof typeof eventsOperations
  | keyof typeof iamOperations
  | keyof typeof registryOperations
) &
  keyof OperationTypes;

type ItemsOf<Id extends ClientOperationId> = OperationTypes[Id]['response'] extends { items?: (infer T)[] } ? T : never;

/** Operations whose answer is a list called `items`. */
export type ListOperationId = {
  [Id in ClientOperationId]: [ItemsOf<Id>] extends [never] ? never : Id;
}[ClientOperationId];

export type ItemOf<Id extends ListOperationId> = ItemsOf<Id>;

export interface ApiClient {
  call<Id extends ClientOperationId>(
    id: Id,
    request: OperationTypes[Id]['request'],
  ): Promise<OperationTypes[Id]['response']>;
  /** The items of a list as they arrive; see `listItems`. */
  list<Id extends ListOperationId>(id: Id, request: OperationTypes[Id]['request']): AsyncIterable<ItemOf<Id>>;
  /** What a path beside the API answers, as JSON. */
  path(exchange: Exchange): Promise<unknown>;
  /** The lines of JSON that such a path answers, as they come, until the other side ends. */
  lines(exchange: Exchange): AsyncIterable<unknown>;
}

interface Package {
  readonly operations: Readonly<Record<string, Operation>>;
  readonly wire: Wire;
}

/** By the first word of an operation's id. */
const loaders: Readonly<Record<string, () => Promise<Package>>> = {
  advisory: async () => {
    const [{ advisoryOperations }, { advisorySchema }] = await Promise.all([
      import('./schema/operations/advisory.gen.ts'),
      import('./schema/messages/advisory.gen.ts'),
    ]);
    return { operations: advisoryOperations, wire: createWire(commonSchema, advisorySchema) };
  },
  auth: async () => {
    const [{ authOperations }, { authSchema }, { iamSchema }] = await Promise.all([
      import('./schema/operations/auth.gen.ts'),
      import('./schema/messages/auth.gen.ts'),
      import('./schema/messages/iam.gen.ts'),
    ]);
    return { operations: authOperations, wire: createWire(commonSchema, authSchema, iamSchema) };
  },
  events: async () => {
    const [{ eventsOperations }, { eventsSchema }] = await Promise.all([
      import('./schema/operations/events.gen.ts'),
      import('./schema/messages/events.gen.ts'),
    ]);
    return { operations: eventsOperations, wire: createWire(commonSchema, eventsSchema) };
  },
  iam: async () => {
    const [{ iamOperations }, { iamSchema }] = await Promise.all([
      import('./schema/operations/iam.gen.ts'),
      import('./schema/messages/iam.gen.ts'),
    ]);
    return { operations: iamOperations, wire: createWire(commonSchema, iamSchema) };
  },
  registry: async () => {
    const [{ registryOperations }, { registrySchema }, { tenantSchema }] = await Promise.all([
      import('./schema/operations/registry.gen.ts'),
      import('./schema/messages/registry.gen.ts'),
      import('./schema/messages/tenant.gen.ts'),
    ]);
    return { operations: registryOperations, wire: createWire(commonSchema, registrySchema, tenantSchema) };
  },
};

const loaded = new Map<string, Promise<Package>>();

function packageOf(id: ClientOperationId): Promise<Package> {
  const name = id.slice(0, id.indexOf('.'));
  const known = loaded.get(name);
  if (known !== undefined) return known;
  const load = loaders[name];
  if (load === undefined) throw new TypeError(`no tables for ${id}`);
  const loading = load();
  loaded.set(name, loading);
  return loading;
}

/** Capabilities that an operation asks for; the caller needs all of them. */
export async function capabilitiesOf(id: ClientOperationId): Promise<readonly string[]> {
  const { operations } = await packageOf(id);
  return operations[id]?.capabilities ?? [];
}

export function createApiClient(options: ApiOptions): ApiClient {
  const find = async (id: ClientOperationId) => {
    const { operations, wire } = await packageOf(id);
    const operation = operations[id];
    if (operation === undefined) throw new TypeError(`no such operation: ${id}`);
    return { operation, wire };
  };
  return {
    async call(id, request) {
      const { operation, wire } = await find(id);
      const answer = await callOperation(options, wire, operation, request as Record<string, unknown>);
      // decodeResponse is tolerant on purpose: the types say what the platform sends, not what it must.
      return answer as OperationTypes[typeof id]['response'];
    },
    async *list<Id extends ListOperationId>(id: Id, request: OperationTypes[Id]['request']) {
      const { operation, wire } = await find(id);
      const items = listItems(options, wire, operation, request as Record<string, unknown>);
      for await (const item of items) yield item as ItemOf<Id>;
    },
    path: (exchange) => callPath(options, exchange),
    lines: (exchange) => readLines(options, exchange),
  };
}
