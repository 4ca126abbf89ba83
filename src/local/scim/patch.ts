// PATCH (RFC 7644, 3.5.2), with what the connectors of Okta and Microsoft Entra ID send besides: operations in any
// case, dotted names as keys of a value without path, removals that name what to remove in their value.

import { isObject } from '../../json.ts';
import { containerOf, matches, type ScimObject } from './matching.ts';
import { normalize, normalizeSingle, normalizeValue } from './normalize.ts';
import { type Filter, findPath, parseTargetPath, type TargetPath } from './paths.ts';
import { findExtension, type ResourceSchema, type ResourceType } from './schema.ts';
import { badRequest, type ScimError } from './scim-error.ts';

type Verb = 'add' | 'replace' | 'remove';

const patchSchema = 'urn:ietf:params:scim:api:messages:2.0:PatchOp';
const maxOperations = 1000;

/**
 * The resource after all operations, or a ScimError and nothing changed. `resource` is in the spelling of its schema.
 */
export function applyPatch(type: ResourceType, resource: ScimObject, body: unknown): ScimObject {
  const changed = structuredClone(resource);
  for (const operation of operationsOf(body)) {
    const { verb, path, value } = operation;
    const extension = path === undefined ? undefined : findExtension(type, path);
    if (extension !== undefined) {
      applyToExtension(type, changed, verb, extension, value);
      continue;
    }
    if (path !== undefined) {
      applyAt(changed, verb, parseTargetPath(type, path), value);
      continue;
    }
    if (verb === 'remove') throw badRequest('noTarget', 'A removal wants a path');
    if (!isObject(value)) throw badRequest('invalidValue', 'Without a path the value must be an object');
    for (const [key, part] of Object.entries(value)) applyKey(type, changed, verb, key, part);
  }
  return normalize(type, changed);
}

function applyKey(type: ResourceType, resource: ScimObject, verb: Verb, key: string, value: unknown): void {
  // Fields that a client read and cannot write are accepted and ignored.
  if (/^(?:schemas|id|meta|groups)$/i.test(key)) return;
  const extension = findExtension(type, key);
  if (extension === undefined) {
    // As in a whole resource, what is not known is left out; a path of its own must be right.
    if (!key.includes('[') && findPath(type, key) === undefined) return;
    applyAt(resource, verb, parseTargetPath(type, key), value);
    return;
  }
  applyToExtension(type, resource, verb, extension, value);
}

/** All of an extension at once, named by its URN. */
function applyToExtension(
  type: ResourceType,
  resource: ScimObject,
  verb: Verb,
  extension: ResourceSchema,
  value: unknown,
): void {
  if (verb === 'remove') {
    delete resource[extension.id];
    return;
  }
  if (!isObject(value)) throw badRequest('invalidValue', `${JSON.stringify(extension.id)} must be an object`);
  for (const [name, part] of Object.entries(value)) applyKey(type, resource, verb, `${extension.id}:${name}`, part);
}

interface Operation {
  readonly verb: Verb;
  readonly path: string | undefined;
  readonly value: unknown;
}

function operationsOf(body: unknown): Operation[] {
  if (!isObject(body)) throw badRequest('invalidSyntax', 'The request is not a JSON object');
  const { schemas } = body;
  if (!Array.isArray(schemas) || !schemas.some((name) => String(name).toLowerCase() === patchSchema.toLowerCase())) {
    throw badRequest('invalidSyntax', `schemas must name ${patchSchema}`);
  }
  const list = body['Operations'] ?? body['operations'];
  if (!Array.isArray(list) || list.length === 0) throw badRequest('invalidSyntax', 'Operations must be a list');
  if (list.length > maxOperations) throw badRequest('tooMany', `There are more than ${maxOperations} operations`);
  return list.map((operation) => {
    if (!isObject(operation)) throw badRequest('invalidSyntax', 'An operation is not an object');
    const verb = String(operation['op']).toLowerCase();
    if (verb !== 'add' && verb !== 'replace' && verb !== 'remove') {
      throw badRequest('invalidSyntax', 'op must be add, replace or remove');
    }
    const { path, value } = operation;
    if (path !== undefined && path !== null && typeof path !== 'string') {
      throw badRequest('invalidPath', 'path must be text');
    }
    return { verb, path: path === null || path === '' ? undefined : path, value };
  });
}

function applyAt(resource: ScimObject, verb: Verb, path: TargetPath, value: unknown): void {
  const { attribute, sub, extension } = path;
  if (attribute.mutability === 'readOnly' || sub?.mutability === 'readOnly') {
    throw badRequest('mutability', `${JSON.stringify(attribute.name)} cannot be changed`);
  }
  if (extension !== undefined && !isObject(resource[extension.id])) resource[extension.id] = {};
  const container = containerOf(path, resource);
  if (attribute.multiValued) applyToList(container, verb, path, value);
  else if (sub !== undefined) applyToPart(container, verb, path, value);
  else if (verb === 'remove') delete container[attribute.name];
  else {
    const normal = normalizeValue(attribute, value);
    const before = container[attribute.name];
    set(container, attribute.name, isObject(normal) && isObject(before) ? { ...before, ...normal } : normal);
  }
}

/** `name.givenName` */
function applyToPart(container: ScimObject, verb: Verb, { attribute, sub }: TargetPath, value: unknown): void {
  if (sub === undefined) return;
  const before = container[attribute.name];
  const whole: ScimObject = isObject(before) ? before : {};
  set(whole, sub.name, verb === 'remove' ? undefined : normalizeValue(sub, value));
  set(container, attribute.name, Object.keys(whole).length === 0 ? undefined : whole);
}

function applyToList(container: ScimObject, verb: Verb, path: TargetPath, value: unknown): void {
  const { attribute, sub, filter } = path;
  const before = itemsOf(container[attribute.name]);
  const chosen = filter === undefined ? before : before.filter((item) => matches(filter, item));
  const others = before.filter((item) => !chosen.includes(item));

  if (verb === 'remove') {
    if (sub !== undefined) {
      for (const item of chosen) delete item[sub.name];
      return;
    }
    // Entra ID names the members to remove in the value; without one, all that were chosen go.
    const named = value === undefined || value === null ? undefined : toItems(path, value);
    const gone = named === undefined ? chosen : chosen.filter((item) => named.some((one) => isSame(one, item)));
    set(container, attribute.name, nonEmpty([...others, ...chosen.filter((item) => !gone.includes(item))]));
    return;
  }

  if (sub !== undefined) {
    const part = normalizeValue(sub, value);
    const items = chosen.length > 0 ? chosen : [newItem(filter)];
    for (const item of items) set(item, sub.name, part);
    set(
      container,
      attribute.name,
      withOnePrimary([...before, ...items.filter((item) => !before.includes(item))], items),
    );
    return;
  }

  const given = toItems(path, value);
  if (filter !== undefined) {
    const [change = {}] = given;
    const items = (chosen.length > 0 ? chosen : [newItem(filter)]).map((item) => ({ ...item, ...change }));
    set(container, attribute.name, withOnePrimary([...others, ...items], items));
    return;
  }
  if (verb === 'replace') {
    set(container, attribute.name, nonEmpty(given));
    return;
  }
  const added = given.filter((item) => !before.some((one) => isSame(item, one)));
  set(container, attribute.name, nonEmpty(withOnePrimary([...before, ...added], added)));
}

function toItems({ attribute }: TargetPath, value: unknown): ScimObject[] {
  const list = Array.isArray(value) ? value : [value];
  return list.map((item) => normalizeSingle(attribute, item)).filter(isObject);
}

function itemsOf(value: unknown): ScimObject[] {
  return Array.isArray(value) ? value.filter(isObject) : [];
}

function nonEmpty(items: ScimObject[]): ScimObject[] | undefined {
  return items.length === 0 ? undefined : items;
}

/** Two items stand for the same when what identifies them, their value, is; those without one when all of them is. */
function isSame(a: ScimObject, b: ScimObject): boolean {
  if (a['value'] !== undefined || b['value'] !== undefined) return a['value'] === b['value'];
  return JSON.stringify(a) === JSON.stringify(b);
}

/** At most one item is the primary one: the one that was said to be last (RFC 7644, 3.5.2). */
function withOnePrimary(items: ScimObject[], changed: readonly ScimObject[]): ScimObject[] {
  const primary = changed.findLast((item) => item['primary'] === true);
  if (primary === undefined) return items;
  return items.map((item) => (item === primary || item['primary'] !== true ? item : { ...item, primary: false }));
}

/** `emails[type eq "work"].value` where there is no such address yet: made of what the filter says. */
function newItem(filter: Filter | undefined): ScimObject {
  if (filter === undefined) return {};
  if (filter.kind === 'and') return { ...newItem(filter.left), ...newItem(filter.right) };
  if (filter.kind === 'compare' && filter.op === 'eq' && filter.value !== null) {
    return { [filter.path.attribute.name]: filter.value };
  }
  throw noTarget();
}

function noTarget(): ScimError {
  return badRequest('noTarget', 'No value matches the path');
}

function set(target: ScimObject, key: string, value: unknown): void {
  if (value === undefined) delete target[key];
  else target[key] = value;
}
