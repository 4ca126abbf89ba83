// A message as the HTTP request that carries it: what fits into the path, the rest as body or query.

import type { FieldSchema, HttpBinding, Operation } from '../schema/types.ts';
import { grpcCodes, WireError } from '../status.ts';
import type { Codec } from './codec.ts';
import { asFields, type Fields, isFields } from './json-values.ts';
import { bindTemplate, parseTemplate } from './template.ts';
import { snakePath } from './values.ts';

export interface WireRequest {
  readonly method: HttpBinding['method'];
  /** Percent-encoded, begins with a slash. */
  readonly path: string;
  /** Without the question mark; empty when there is none. */
  readonly query: string;
  /** JSON, or undefined for a request without body. */
  readonly body: string | undefined;
}

export function encodeRequest(codec: Codec, operation: Operation, message: object): WireRequest {
  const binding = operation.bindings[0];
  if (!binding) throw new WireError(`${operation.id} has no HTTP binding`, grpcCodes.UNIMPLEMENTED);
  const template = parseTemplate(binding.path);
  const bound = new Set(template.variables.map(({ path }) => path));
  const fields = asFields(message);
  let path: string;
  try {
    path = bindTemplate(template, (name) => pathText(codec, operation.request, name, fields));
  } catch (error) {
    throw error instanceof RangeError ? new WireError(error.message) : error;
  }
  if (binding.body === '*') {
    const rest = { ...fields };
    for (const field of codec.schema(operation.request).fields) {
      if (bound.has(field.name)) delete rest[field.json];
    }
    return { method: binding.method, path, query: '', body: JSON.stringify(rest) };
  }
  const query = new URLSearchParams();
  let body: string | undefined;
  for (const field of codec.schema(operation.request).fields) {
    const value = fields[field.json];
    if (field.name === binding.body) body = bodyOf(codec, field, withoutBound(codec, field, value, bound));
    else if (value !== undefined && value !== null) addQuery(codec, query, field, field.name, value, bound);
  }
  return { method: binding.method, path, query: query.toString(), body };
}

function pathText(codec: Codec, messageName: string, path: string, message: Fields): string {
  let value: unknown = message;
  for (const field of codec.fieldsAt(messageName, path)) {
    value = isFields(value) ? value[field.json] : undefined;
  }
  return value === undefined || value === null ? '' : String(value);
}

/** Fields in the path are not repeated in the body: in a PATCH, each key of the body counts as a change. */
function withoutBound(codec: Codec, field: FieldSchema, value: unknown, bound: ReadonlySet<string>): unknown {
  if (field.kind !== 'message' || !isFields(value)) return value;
  const keys = codec
    .schema(field.type)
    .fields.filter((inner) => bound.has(`${field.name}.${inner.name}`))
    .map(({ json }) => json);
  return keys.length === 0 ? value : Object.fromEntries(Object.entries(value).filter(([key]) => !keys.includes(key)));
}

function bodyOf(codec: Codec, field: FieldSchema, value: unknown): string | undefined {
  if (value === undefined || value === null) return field.repeated ? '[]' : undefined;
  // A body that is an enum is its bare number: the stock gateway refuses the name there.
  if (field.kind === 'enum' && !field.repeated) return JSON.stringify(codec.enumNumber(field.type, value));
  return JSON.stringify(value);
}

function addQuery(
  codec: Codec,
  query: URLSearchParams,
  field: FieldSchema,
  path: string,
  value: unknown,
  bound: ReadonlySet<string>,
): void {
  if (bound.has(path)) return;
  if (field.kind === 'map') {
    for (const [key, item] of Object.entries(asFields(value))) {
      query.append(`${path}[${key}]`, queryText(field.type, item, path));
    }
  } else if (field.repeated) {
    if (!Array.isArray(value)) throw new WireError(`"${path}" must be a list`);
    for (const item of value) query.append(path, queryText(field.type, item, path));
  } else if (field.kind === 'message' && !codec.isWellKnown(field.type)) {
    const fields = asFields(value);
    for (const inner of codec.schema(field.type).fields) {
      const part = fields[inner.json];
      if (part !== undefined && part !== null) addQuery(codec, query, inner, `${path}.${inner.name}`, part, bound);
    }
  } else {
    query.append(path, queryText(field.type, value, path));
  }
}

function queryText(type: string, value: unknown, path: string): string {
  if (type === 'google.protobuf.FieldMask') return snakePath(String(value));
  if (type === 'google.protobuf.Value' || type === 'google.protobuf.Struct') return JSON.stringify(value);
  if (typeof value === 'object') {
    throw new WireError(`"${path}" holds messages, which a query cannot carry`, grpcCodes.UNIMPLEMENTED);
  }
  return String(value);
}
