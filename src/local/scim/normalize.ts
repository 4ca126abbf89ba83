// Resources as connectors send them, brought into the spelling of the schemas. Guarantees: only attributes that can be
// written survive, each of the right type; what is not known is left out, passwords with it.

import { isObject } from '../../json.ts';
import type { ScimObject } from './matching.ts';
import { type Attribute, findAttribute, findExtension, type ResourceSchema, type ResourceType } from './schema.ts';
import { badRequest } from './scim-error.ts';

export function normalize(type: ResourceType, input: unknown): ScimObject {
  if (!isObject(input)) throw badRequest('invalidSyntax', 'The resource is not a JSON object');
  checkSchemas(type, input['schemas']);
  const resource = pick(type.schema, input);
  for (const [key, value] of Object.entries(input)) {
    const extension = findExtension(type, key);
    if (extension === undefined || value === null) continue;
    if (!isObject(value)) throw badRequest('invalidValue', `${JSON.stringify(key)} must be an object`);
    const part = pick(extension, value);
    if (Object.keys(part).length > 0) resource[extension.id] = part;
  }
  for (const { name, required } of type.schema.attributes) {
    if (required && resource[name] === undefined) throw badRequest('invalidValue', `${name} is required`);
  }
  return resource;
}

/** One value in the spelling of its attribute; undefined when there is nothing in it. */
export function normalizeValue(attribute: Attribute, value: unknown): unknown {
  if (value === null || value === undefined) return undefined;
  if (!attribute.multiValued) return normalizeSingle(attribute, value);
  const items = (Array.isArray(value) ? value : [value])
    .map((item) => normalizeSingle(attribute, item))
    .filter((item) => item !== undefined);
  return items.length === 0 ? undefined : items;
}

/** One value, or one item of a list of them. */
export function normalizeSingle(attribute: Attribute, value: unknown): unknown {
  const wrong = (what: string) => badRequest('invalidValue', `${JSON.stringify(attribute.name)} must be ${what}`);
  if (value === null || value === undefined) return undefined;
  switch (attribute.type) {
    case 'boolean':
      if (typeof value === 'boolean') return value;
      // Microsoft Entra ID sends booleans of a PATCH as text.
      if (typeof value === 'string' && /^(?:true|false)$/i.test(value)) return value.toLowerCase() === 'true';
      throw wrong('true or false');
    case 'complex': {
      // A bare text for one with a value, such as a member given by its id alone.
      const part = attribute.subAttributes.find(({ name }) => name === 'value');
      // And a list of one for the one there is, as Entra ID sends the manager.
      const only = !attribute.multiValued && Array.isArray(value) && value.length === 1 ? value[0] : value;
      const given = typeof only === 'string' && part !== undefined ? { value: only } : only;
      if (!isObject(given)) throw wrong('an object');
      const picked = pickFrom(attribute.subAttributes, given);
      return Object.keys(picked).length === 0 ? undefined : picked;
    }
    case 'string':
    case 'reference':
      if (typeof value !== 'string') throw wrong('text');
      return value === '' ? undefined : value;
  }
}

function checkSchemas(type: ResourceType, schemas: unknown): void {
  if (schemas === undefined) return;
  const names = Array.isArray(schemas) ? schemas.map((name) => String(name).toLowerCase()) : [];
  if (!names.includes(type.schema.id.toLowerCase())) {
    throw badRequest('invalidSyntax', `schemas must name ${type.schema.id}`);
  }
}

function pick(schema: ResourceSchema, input: ScimObject): ScimObject {
  return pickFrom(schema.attributes, input);
}

function pickFrom(attributes: readonly Attribute[], input: ScimObject): ScimObject {
  const picked: ScimObject = {};
  for (const [key, value] of Object.entries(input)) {
    const attribute = findAttribute(attributes, key);
    if (attribute === undefined || attribute.mutability === 'readOnly') continue;
    const normal = normalizeValue(attribute, value);
    if (normal !== undefined) picked[attribute.name] = normal;
  }
  return picked;
}
