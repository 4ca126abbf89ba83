// The table of operations as `chainctl api` needs it. Guarantees: loaded by these commands only.

import { type Exchange, placeOf } from '../../api/http.ts';
import type { MessageSchema, Operation, SchemaSet } from '../../api/schema/types.ts';
import { CliError } from '../../errors.ts';
import { nearest } from '../../suggest.ts';
import { type Fields, nested } from './fields.ts';

/** Every operation that has a path, by name. */
export async function allOperations(): Promise<readonly Operation[]> {
  const { operations } = await import('../../api/schema/operations.gen.ts');
  return (Object.values(operations) as readonly Operation[])
    .filter(({ bindings }) => bindings.length > 0)
    .sort((a, b) => (a.id < b.id ? -1 : 1));
}

/** The operation of that name. Throws kind `usage` with the nearest names. */
export async function findOperation(name: string): Promise<Operation> {
  const all = await allOperations();
  const found = all.find(({ id }) => id.toLowerCase() === name.toLowerCase());
  if (found !== undefined) return found;
  // People leave the package out: `Groups.List`.
  const short = (id: string) => id.split('.').slice(-2).join('.');
  const ids = all.map(({ id }) => id);
  const nearShort = nearest(name, ids.map(short));
  const near = nearest(name, ids) ?? ids.find((id) => short(id) === nearShort);
  throw new CliError('usage', `There is no operation "${name}"`, {
    code: 'usage.unknown-operation',
    hint: near === undefined ? 'see `chainctl api list`' : `did you mean ${near}? See \`chainctl api list\``,
  });
}

/** The operation that a method and a path lead to, if any. */
export async function operationAt(method: string, path: string): Promise<Operation | undefined> {
  const { createRouteMatcher } = await import('../../api/wire.ts');
  const route = createRouteMatcher(await allOperations())(method, path.split('?')[0] ?? '');
  return route.status === 'found' ? route.operation : undefined;
}

/** Messages and enums of every package. */
async function everySchema(): Promise<SchemaSet> {
  const { enums, messages } = await import('../../api/schema/messages.gen.ts');
  return { enums, messages };
}

/** The message of that full name; without fields when the tables do not have it. */
export async function messageOf(name: string): Promise<MessageSchema> {
  return (await everySchema()).messages[name] ?? { fields: [] };
}

/** The request that carries these fields. Throws kind `usage` for what the operation does not take. */
export async function requestOf(operation: Operation, fields: Fields): Promise<Exchange> {
  const { createWire, WireError } = await import('../../api/wire.ts');
  const wire = createWire(await everySchema());
  try {
    const message = wire.decodeMessage(operation.request, nested(fields), 'refuse');
    const { method, path, query, body } = wire.encodeRequest(operation, message);
    const place = placeOf(operation, message);
    return {
      method,
      path: query ? `${path}?${query}` : path,
      body,
      name: operation.id,
      idempotent: operation.idempotent,
      ...(place === undefined ? {} : { place }),
    };
  } catch (error) {
    if (!(error instanceof WireError)) throw error;
    throw new CliError('usage', `${operation.id}: ${error.message}`, {
      code: 'usage.invalid',
      hint: `see \`chainctl api describe ${operation.id}\``,
    });
  }
}
