// Decides whether a resource satisfies a filter.

import { isObject } from '../../json.ts';
import type { AttributePath, Comparison, Filter, Literal } from './paths.ts';
import type { Attribute } from './schema.ts';

export type ScimObject = Record<string, unknown>;

export function matches(filter: Filter, resource: ScimObject): boolean {
  switch (filter.kind) {
    case 'and':
      return matches(filter.left, resource) && matches(filter.right, resource);
    case 'or':
      return matches(filter.left, resource) || matches(filter.right, resource);
    case 'not':
      return !matches(filter.filter, resource);
    case 'present':
      return valuesAt(filter.path, resource).some(({ value }) => isPresent(value));
    case 'values':
      return valuesOf(containerOf(filter.path, resource)[filter.path.attribute.name]).some(
        (item) => isObject(item) && matches(filter.filter, item),
      );
    case 'compare': {
      const found = valuesAt(filter.path, resource);
      // A missing value equals null and differs from everything else.
      if (found.length === 0) return (filter.op === 'eq') === (filter.value === null) && isEquality(filter.op);
      return found.some(({ value, attribute }) => compare(attribute, value, filter.op, filter.value));
    }
  }
}

/** The object that a path's attribute is a key of. */
export function containerOf({ extension }: AttributePath, resource: ScimObject): ScimObject {
  if (extension === undefined) return resource;
  const container = resource[extension.id];
  return isObject(container) ? container : {};
}

interface Found {
  readonly value: unknown;
  readonly attribute: Attribute;
}

function valuesAt(path: AttributePath, resource: ScimObject): Found[] {
  const { attribute, sub } = path;
  // Of a list of complex values without a part named, the value is meant (RFC 7643, 2.4).
  const part = sub ?? attribute.subAttributes.find(({ name }) => name === 'value');
  return valuesOf(containerOf(path, resource)[attribute.name]).flatMap((item) => {
    if (!isObject(item)) return [{ value: item, attribute }];
    if (part === undefined) return [{ value: item, attribute }];
    return item[part.name] === undefined ? [] : [{ value: item[part.name], attribute: part }];
  });
}

function valuesOf(value: unknown): unknown[] {
  if (value === undefined || value === null) return [];
  return Array.isArray(value) ? value : [value];
}

function isPresent(value: unknown): boolean {
  return value !== '' && (!isObject(value) || Object.keys(value).length > 0);
}

function isEquality(op: Comparison): boolean {
  return op === 'eq' || op === 'ne';
}

function compare(attribute: Attribute, value: unknown, op: Comparison, wanted: Literal): boolean {
  if (op === 'ne') return !compare(attribute, value, 'eq', wanted);
  if (typeof value === 'boolean' || typeof wanted === 'boolean' || wanted === null)
    return op === 'eq' && value === wanted;
  if (typeof value !== 'string') return op === 'eq' && value === wanted;
  const fold = (text: string): string => (attribute.caseExact ? text : text.toLowerCase());
  const [left, right] = [fold(value), fold(String(wanted))];
  switch (op) {
    case 'eq':
      return left === right;
    case 'co':
      return left.includes(right);
    case 'sw':
      return left.startsWith(right);
    case 'ew':
      return left.endsWith(right);
    case 'gt':
      return left > right;
    case 'ge':
      return left >= right;
    case 'lt':
      return left < right;
    case 'le':
      return left <= right;
  }
}
