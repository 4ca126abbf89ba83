// Thin typed access to the operations. A method is its operation and its types. Guarantees: a package's tables are loaded
// by the first call that needs them, so a command about identities never reads those of the registry.

import { Arrivals } from '../arrivals.ts';
import { type ApiOptions, callOperation, callPath, type Exchange, listItems, readLines } from './http.ts';
import { type PackageOperationTypes, packages } from './schema/packages.gen.ts';
import type { Operation } from './schema/types.ts';
import { createWire, type Wire } from './wire.ts';

/** Operations the command line calls. */
export type ClientOperationId = keyof PackageOperationTypes;

type ItemsOf<Id extends ClientOperationId> = PackageOperationTypes[Id]['response'] extends { items?: (infer T)[] }
  ? T
  : never;

/** Operations whose answer is a list called `items`. */
export type ListOperationId = {
  [Id in ClientOperationId]: [ItemsOf<Id>] extends [never] ? never : Id;
}[ClientOperationId];

export type ItemOf<Id extends ListOperationId> = ItemsOf<Id>;

export interface ApiClient {
  call<Id extends ClientOperationId>(
    id: Id,
    request: PackageOperationTypes[Id]['request'],
  ): Promise<PackageOperationTypes[Id]['response']>;
  /** The items of a list as they arrive; see `listItems`. */
  list<Id extends ListOperationId>(id: Id, request: PackageOperationTypes[Id]['request']): Arrivals<ItemOf<Id>>;
  /** Returns what a path beside the API answers, as JSON. */
  path(exchange: Exchange): Promise<unknown>;
  /** The lines of JSON that such a path answers, as they come, until the other side ends. */
  lines(exchange: Exchange): AsyncIterable<unknown>;
}

interface Package {
  readonly operations: Readonly<Record<string, Operation>>;
  readonly wire: Wire;
}

const loaded = new Map<string, Promise<Package>>();

const nameOf = (id: string) => id.split('.', 2).join('.');

function packageOf(id: string): Promise<Package> {
  const name = nameOf(id);
  const known = loaded.get(name);
  if (known !== undefined) return known;
  const load = packages[name];
  if (load === undefined) throw new TypeError(`no tables for ${id}`);
  const loading = load().then(({ operations, schemas }) => ({ operations, wire: createWire(...schemas) }));
  loaded.set(name, loading);
  return loading;
}

/** Returns what the table says of an operation; undefined for one that is not in it. */
export async function operationOf(id: string): Promise<Operation | undefined> {
  if (packages[nameOf(id)] === undefined) return undefined;
  return (await packageOf(id)).operations[id];
}

/** Capabilities that an operation asks for; the caller needs all of them. */
export async function capabilitiesOf(id: ClientOperationId): Promise<readonly string[]> {
  return (await operationOf(id))?.capabilities ?? [];
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
      return answer as PackageOperationTypes[typeof id]['response'];
    },
    list<Id extends ListOperationId>(id: Id, request: PackageOperationTypes[Id]['request']) {
      const parts = async function* () {
        const { operation, wire } = await find(id);
        yield* listItems(options, wire, operation, request as Record<string, unknown>);
      };
      return new Arrivals(parts()) as Arrivals<ItemOf<Id>>;
    },
    path: (exchange) => callPath(options, exchange),
    lines: (exchange) => readLines(options, exchange),
  };
}
