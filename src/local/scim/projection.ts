// Selects the attributes of an answer (RFC 7644, 3.9): `attributes` or `excludedAttributes`, comma-separated.

import { isObject } from '../../json.ts';
import type { ScimObject } from './matching.ts';
import { type AttributePath, findPath } from './paths.ts';
import type { ResourceType } from './schema.ts';
import { badRequest } from './scim-error.ts';

export interface Projection {
  /** Returns whether an attribute of the schema is in the answer at all. */
  shows(name: string): boolean;
  readonly only: readonly AttributePath[] | undefined;
  readonly without: readonly AttributePath[];
}

/** Of every resource, whatever is asked for (RFC 7643, 7, `returned: always`). */
const always = ['schemas', 'id', 'meta'];

export function projectionOf(type: ResourceType, query: URLSearchParams): Projection {
  const only = pathsIn(type, query.get('attributes'));
  const without = pathsIn(type, query.get('excludedAttributes')) ?? [];
  if (only !== undefined && without.length > 0) {
    throw badRequest('invalidValue', 'attributes and excludedAttributes exclude each other');
  }
  return {
    only,
    without,
    shows: (name) =>
      (only === undefined || only.some(({ attribute }) => attribute.name === name)) &&
      !without.some(({ attribute, sub }) => attribute.name === name && sub === undefined),
  };
}

export function project(resource: ScimObject, { only, without }: Projection): ScimObject {
  if (only === undefined && without.length === 0) return resource;
  const shown: ScimObject = {};
  for (const [key, value] of Object.entries(resource)) {
    if (always.includes(key)) shown[key] = value;
    else if (key.startsWith('urn:')) keep(shown, key, projectExtension(key, value, only, without));
    else keep(shown, key, projectAttribute(undefined, key, value, only, without));
  }
  return shown;
}

function projectExtension(
  urn: string,
  value: unknown,
  only: readonly AttributePath[] | undefined,
  without: readonly AttributePath[],
): unknown {
  if (!isObject(value)) return undefined;
  const shown: ScimObject = {};
  for (const [key, part] of Object.entries(value)) keep(shown, key, projectAttribute(urn, key, part, only, without));
  return Object.keys(shown).length === 0 ? undefined : shown;
}

function projectAttribute(
  urn: string | undefined,
  name: string,
  value: unknown,
  only: readonly AttributePath[] | undefined,
  without: readonly AttributePath[],
): unknown {
  const isOf = (path: AttributePath): boolean => path.extension?.id === urn && path.attribute.name === name;
  const wanted = only?.filter(isOf);
  if (wanted?.length === 0) return undefined;
  const dropped = without.filter(isOf);
  if (dropped.some(({ sub }) => sub === undefined)) return undefined;
  const parts = wanted?.some(({ sub }) => sub === undefined) ? undefined : wanted?.map(({ sub }) => sub?.name ?? '');
  const pick = (item: unknown): unknown => {
    if (!isObject(item)) return item;
    const entries = Object.entries(item).filter(
      ([key]) => (parts === undefined || parts.includes(key)) && !dropped.some(({ sub }) => sub?.name === key),
    );
    return Object.fromEntries(entries);
  };
  return Array.isArray(value) ? value.map(pick) : pick(value);
}

function keep(target: ScimObject, key: string, value: unknown): void {
  if (value !== undefined) target[key] = value;
}

/** Names that are no attributes are left out, as in a resource. */
function pathsIn(type: ResourceType, text: string | null): AttributePath[] | undefined {
  if (text === null || text.trim() === '') return undefined;
  return text.split(',').flatMap((name) => findPath(type, name.trim()) ?? []);
}
