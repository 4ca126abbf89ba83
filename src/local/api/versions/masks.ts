// Partial updates (semantics 5, PATCH): which fields of a resource a request changes, and what the resource is then.

import { messages } from '../../../api/schema/messages.gen.ts';
import type { FieldSchema } from '../../../api/schema/types.ts';
import { invalidArgument } from '../../core/failures.ts';

type Fields = Record<string, unknown>;

export interface Masked<T> {
  readonly resource: T;
  /**
   * Returns whether the mask says this path itself, e.g. `oidc.clientSecret`; not whether it lies in one that is said.
   */
  hasField(path: string): boolean;
}

/**
 * The resource `before` with what the mask names taken from `given`: a named field that is not given is cleared, and a
 * member of a oneof puts the others out. Without a mask the fields that are given count, `*` replaces all. Throws
 * INVALID_ARGUMENT for a path that leads nowhere.
 */
export function applyMask<T extends object>(
  messageName: string,
  before: T,
  given: T,
  mask: string | undefined,
): Masked<T> {
  const said = camelOf(mask ?? '')
    .split(',')
    .filter((path) => path !== '');
  const paths = said.length > 0 ? said : givenPaths(messageName, given as Fields);
  const hasField = (path: string): boolean => said.includes(path);
  if (paths.includes('*')) {
    if (paths.length > 1) throw invalidArgument('update_mask: "*" stands for all fields and cannot be beside others');
    return { resource: given, hasField };
  }
  const resource = structuredClone(before) as Fields;
  for (const path of paths) copyPath(messageName, resource, given as Fields, path.split('.'), path);
  return { resource: resource as T, hasField };
}

function copyPath(
  messageName: string,
  target: Fields,
  given: Fields | undefined,
  [step, ...rest]: readonly string[],
  path: string,
): void {
  const fields = messages[messageName]?.fields ?? [];
  const field = fields.find(({ name }) => camelOf(name) === step);
  if (field === undefined || (rest.length > 0 && !hasFields(field))) {
    throw invalidArgument(`update_mask: ${JSON.stringify(path)} is not a field of ${messageName.split('.').at(-1)}`);
  }
  const value = given?.[field.json];
  if (value !== undefined && field.oneof !== undefined) {
    for (const { json, oneof } of fields) if (oneof === field.oneof && json !== field.json) delete target[json];
  }
  if (rest.length === 0) {
    if (value === undefined) delete target[field.json];
    else target[field.json] = value;
    return;
  }
  // A missing message has nothing in it to clear.
  const inner = target[field.json] ?? (value === undefined ? undefined : {});
  copyPath(field.type, (inner ?? {}) as Fields, value as Fields | undefined, rest, path);
  if (inner !== undefined) target[field.json] = inner;
}

/** The leaves that are set; lists and maps go whole. */
function givenPaths(messageName: string, given: Fields): string[] {
  return (messages[messageName]?.fields ?? []).flatMap((field) => {
    const value = given[field.json];
    if (value === undefined) return [];
    const step = camelOf(field.name);
    if (!hasFields(field) || Object.keys(value as Fields).length === 0) return [step];
    return givenPaths(field.type, value as Fields).map((path) => `${step}.${path}`);
  });
}

/** Returns whether paths can lead on from here: into a single message that is not JSON of its own kind. */
function hasFields({ kind, repeated, type }: FieldSchema): boolean {
  return kind === 'message' && repeated !== true && messages[type] !== undefined;
}

function camelOf(name: string): string {
  return name.replace(/_([a-z0-9])/g, (_, letter: string) => letter.toUpperCase());
}
