// Messages to HTTP and back, for whoever calls the platform and for whoever serves it (semantics 5 and 6).
// Promises: driven by the generated tables alone, knows no single operation, does no I/O. Messages are plain objects
// with lowerCamel keys in canonical form: enums by name, 64-bit integers as text, times RFC 3339, zero values left out.

import type { FieldSchema, HttpBinding, Operation, SchemaSet } from './schema/types.ts';
import { grpcCodes } from './status.ts';
import {
  asFields,
  assign,
  Codec,
  describe,
  type EncodeMode,
  type Fields,
  isFields,
  mapKeyOf,
  refuseSibling,
  WireError,
  wrong,
} from './wire/codec.ts';
import { bindTemplate, matchTemplate, parseTemplate, type Template } from './wire/template.ts';
import {
  camelPath,
  canonicalBytes,
  canonicalInteger,
  canonicalTimestamp,
  durationFromGo,
  isIntegerType,
  numberOf,
  parseBool,
  snakePath,
} from './wire/values.ts';

export { WireError };

export interface WireRequest {
  readonly method: HttpBinding['method'];
  /** Percent-encoded, begins with a slash. */
  readonly path: string;
  /** Without the question mark; empty when there is none. */
  readonly query: string;
  /** JSON, or undefined for a request without body. */
  readonly body: string | undefined;
}

export interface Wire {
  /**
   * The HTTP request of an operation's first binding. Throws WireError when the message cannot be sent: a path value
   * with a `.` or `..` segment, or a list of messages that would have to go into the query.
   */
  encodeRequest(operation: Operation, message: object): WireRequest;
  /**
   * The message in a request that a route matched. Takes both spellings of a name, drops unknown JSON and query names,
   * lets path values win. Throws WireError with INVALID_ARGUMENT for anything malformed.
   */
  decodeRequest(
    operation: Operation,
    binding: HttpBinding,
    pathValues: Readonly<Record<string, string>>,
    query: URLSearchParams,
    bodyText: string | undefined,
    contentType?: string,
  ): Fields;
  /** JSON text of a response in `full` mode, fields in declaration order. */
  encodeResponse(messageName: string, value: object): string;
  /** The same as a plain object, in either mode. */
  encodeMessage(messageName: string, value: object, mode: EncodeMode): Fields;
  /**
   * The message in a response. Keeps unknown fields and unknown enum values, takes trimmed and full answers alike, and
   * empty text for a message without fields. Throws WireError with INTERNAL when the text is not JSON of this shape.
   */
  decodeResponse(messageName: string, text: string): Fields;
  /** The same for one item of its list `items`. */
  decodeItem(messageName: string, text: string): Fields;
  /**
   * A message from its JSON value by the rules of request bodies, e.g. of a file that a user wrote. Unknown names are
   * dropped as in a request, or refused.
   */
  decodeMessage(messageName: string, value: unknown, unknownNames?: 'drop' | 'refuse'): Fields;
}

/** A codec for the messages in these sets. A client passes only the packages it calls, so that start-up stays small. */
export function createWire(...sets: readonly SchemaSet[]): Wire {
  const codec = new Codec(sets);
  return {
    encodeRequest: (operation, message) => encodeRequest(codec, operation, message),
    decodeRequest: (operation, binding, pathValues, query, bodyText, contentType = '') =>
      decodeRequest(codec, operation, binding, pathValues, query, bodyText, contentType),
    encodeResponse: (messageName, value) => JSON.stringify(codec.encode(messageName, asFields(value), 'full')),
    encodeMessage: (messageName, value, mode) => codec.encode(messageName, asFields(value), mode),
    decodeResponse: (messageName, text) => decodeResponse(codec, messageName, text),
    decodeItem: (messageName, text) => decodeResponse(codec, codec.itemOf(messageName), text),
    decodeMessage: (messageName, value, unknownNames = 'drop') =>
      codec.decode(messageName, value, '', unknownNames === 'drop' ? 'strict' : 'exact'),
  };
}

// ---------------------------------------------------------------------------------------------------------------------
// Routes

export type RouteMatch<O extends Operation = Operation> =
  | {
      readonly status: 'found';
      readonly operation: O;
      readonly binding: HttpBinding;
      /** Text of each path variable, keyed by the proto path of the field it fills. */
      readonly pathValues: Readonly<Record<string, string>>;
    }
  | { readonly status: 'not-found' | 'wrong-method' };

/**
 * Finds the operation for a method and a raw path, still percent-encoded and without query. Of several templates that
 * match, a verb wins, then the most literal segments, then those without `**`. A POST of a form that no POST route
 * takes falls back to the GET route of that path (semantics 5, "form override").
 */
export function createRouteMatcher<O extends Operation>(
  operations: Iterable<O>,
): (method: string, path: string, contentType?: string) => RouteMatch<O> {
  const routes: { operation: O; binding: HttpBinding; template: Template }[] = [];
  for (const operation of operations) {
    for (const binding of operation.bindings) {
      routes.push({ operation, binding, template: parseTemplate(binding.path) });
    }
  }
  routes.sort(
    ({ template: a }, { template: b }) =>
      Number(b.verb !== undefined) - Number(a.verb !== undefined) ||
      b.literals - a.literals ||
      Number(a.deep >= 0) - Number(b.deep >= 0),
  );
  return (method, path, contentType = '') => {
    const segments = segmentsOf(path);
    if (segments === undefined) return { status: 'not-found' };
    let status: 'not-found' | 'wrong-method' = 'not-found';
    let override: RouteMatch<O> | undefined;
    for (const { operation, binding, template } of routes) {
      const pathValues = matchTemplate(template, segments);
      if (!pathValues) continue;
      if (binding.method === method) return { status: 'found', operation, binding, pathValues };
      status = 'wrong-method';
      if (binding.method === 'GET' && method === 'POST' && isForm(contentType)) {
        override ??= { status: 'found', operation, binding, pathValues };
      }
    }
    return override ?? { status };
  };
}

/** Unescaped before it is split, as the gateway's default mode does: `%2F` acts as a slash. */
function segmentsOf(path: string): string[] | undefined {
  if (!path.startsWith('/')) return undefined;
  try {
    return decodeURIComponent(path.slice(1)).split('/');
  } catch {
    return undefined;
  }
}

function isForm(contentType: string): boolean {
  return /^\s*application\/x-www-form-urlencoded\s*(?:;|$)/i.test(contentType);
}

// ---------------------------------------------------------------------------------------------------------------------
// Requests

function encodeRequest(codec: Codec, operation: Operation, message: object): WireRequest {
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

/** What the path says is not repeated in the body: in a PATCH, each key of the body counts as a change. */
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

function decodeRequest(
  codec: Codec,
  operation: Operation,
  binding: HttpBinding,
  pathValues: Readonly<Record<string, string>>,
  query: URLSearchParams,
  bodyText: string | undefined,
  contentType: string,
): Fields {
  let message: Fields = {};
  const body = binding.body === null ? undefined : parseBody(bodyText);
  if (binding.body === '*') {
    if (body !== undefined) message = codec.decode(operation.request, body, '', 'strict');
  } else if (binding.body !== null && body !== undefined) {
    const field = codec.fieldsAt(operation.request, binding.body).at(-1);
    if (field) assign(message, codec, field, decodeBody(codec, field, body), `${binding.body}`);
  }

  if (binding.body !== '*') {
    const values = new Map<string, string[]>();
    // Go puts the values of a form before those of the query; a single field takes only one of either.
    const sources = binding.body === null && isForm(contentType) ? [new URLSearchParams(bodyText), query] : [query];
    for (const source of sources) {
      for (const [key, value] of source) {
        const texts = values.get(key);
        if (texts) texts.push(value);
        else values.set(key, [value]);
      }
    }
    const taken = new Set(Object.keys(pathValues));
    if (binding.body !== null) taken.add(binding.body);
    for (const [key, texts] of values) setFromQuery(codec, operation.request, message, key, texts, taken);
    const mask = patchMask(codec, operation.request, binding, body);
    if (mask !== undefined) message['updateMask'] ??= mask;
  }

  for (const [path, text] of Object.entries(pathValues)) {
    let target = message;
    const steps = codec.fieldsAt(operation.request, path);
    for (const [index, field] of steps.entries()) {
      if (index < steps.length - 1) {
        target = child(target, field);
      } else {
        // A value from the path overwrites what the body said, even with nothing.
        delete target[field.json];
        assign(target, codec, field, fromText(codec, field.kind, field.type, text, path), path);
      }
    }
  }
  return message;
}

function parseBody(text: string | undefined): unknown {
  if (text === undefined || text.trim() === '') return undefined;
  try {
    return JSON.parse(text);
  } catch {
    throw new WireError('The request body is not valid JSON');
  }
}

function decodeBody(codec: Codec, field: FieldSchema, body: unknown): unknown {
  if (field.kind === 'enum' && !field.repeated && typeof body !== 'number') {
    throw wrong(field.name, 'a bare number', body);
  }
  return codec.decodeField(field, body, field.name, 'strict');
}

/**
 * In a PATCH whose body is the resource, the paths of the body's leaves, unless the query gives a mask: the mask is
 * derived before the query is read, so an unknown key is always an error.
 */
function patchMask(codec: Codec, request: string, binding: HttpBinding, body: unknown): string | undefined {
  if (binding.method !== 'PATCH' || binding.body === null || !isFields(body)) return undefined;
  const fields = codec.schema(request).fields;
  const resource = fields.find((field) => field.name === binding.body && field.kind === 'message' && !field.repeated);
  const mask = fields.find((field) => field.name === 'update_mask' && field.type === 'google.protobuf.FieldMask');
  if (!resource || !mask) return undefined;
  return maskPaths(codec, resource.type, body, '').map(camelPath).join(',') || undefined;
}

function maskPaths(codec: Codec, messageName: string, body: Fields, prefix: string): string[] {
  return Object.entries(body).flatMap(([key, value]) => {
    const field = codec.field(messageName, key);
    if (!field) throw new WireError(`"${prefix}${key}" is not a field of ${messageName}`);
    const path = `${prefix}${field.name}`;
    const nested = field.kind === 'message' && !field.repeated && !codec.isWellKnown(field.type);
    if (!nested || !isFields(value) || Object.keys(value).length === 0) return [path];
    return maskPaths(codec, field.type, value, `${path}.`);
  });
}

function setFromQuery(
  codec: Codec,
  request: string,
  message: Fields,
  key: string,
  texts: readonly string[],
  taken: ReadonlySet<string>,
): void {
  const bracket = key.endsWith(']') ? key.lastIndexOf('[') : -1;
  const name = bracket < 0 ? key : key.slice(0, bracket);
  const mapKey = bracket < 0 ? undefined : key.slice(bracket + 1, -1);
  const steps: FieldSchema[] = [];
  let messageName: string | undefined = request;
  for (const part of name.split('.')) {
    const field: FieldSchema | undefined = messageName === undefined ? undefined : codec.field(messageName, part);
    if (!field) {
      // Unknown names are ignored, but nothing lies below a scalar, a list or a map.
      if (messageName === undefined) throw new WireError(`"${name}" is not the name of a field`);
      return;
    }
    steps.push(field);
    // Compared by proto name, so that a second spelling cannot get past what the path or the body has set.
    if (taken.has(steps.map((step) => step.name).join('.'))) return;
    const nested: boolean = field.kind === 'message' && !field.repeated && !codec.isWellKnown(field.type);
    messageName = nested ? field.type : undefined;
  }
  const field = steps.pop();
  if (!field) return;
  let target = message;
  for (const step of steps) {
    refuseSibling(codec, target, step, name);
    target = child(target, step);
  }
  const read = (kind: string, text: string) => fromText(codec, kind, field.type, text, name);
  if (field.kind === 'map' && field.map) {
    const [text, ...more] = texts;
    if (mapKey === undefined || text === undefined || more.length > 0) {
      throw new WireError(`"${name}" takes one value for each key, as ${name}[key]=value`);
    }
    // Defined, not assigned: `__proto__` is a key like any other.
    Object.defineProperty(child(target, field), mapKeyOf(field.map.key, mapKey, name), {
      value: read(field.map.valueKind, text),
      configurable: true,
      enumerable: true,
      writable: true,
    });
  } else if (field.repeated) {
    const old = target[field.json];
    target[field.json] = [...(Array.isArray(old) ? old : []), ...texts.map((text) => read(field.kind, text))];
  } else {
    const [text, ...more] = texts;
    if (text === undefined || more.length > 0 || field.json in target) {
      throw new WireError(`"${name}" takes one value`);
    }
    assign(target, codec, field, read(field.kind, text), name);
  }
}

/** The message in a field, made when it is not there yet. */
function child(target: Fields, field: FieldSchema): Fields {
  const old = target[field.json];
  if (isFields(old)) return old;
  const made: Fields = {};
  target[field.json] = made;
  return made;
}

/** A value as a path or a query spells it. */
function fromText(codec: Codec, kind: string, type: string, text: string, path: string): unknown {
  if (kind === 'enum') {
    const number = /^[-+]?\d+$/.test(text) ? Number(text) : undefined;
    const name = codec.enumName(type, number ?? text);
    if (name === undefined) throw wrong(path, `a value of ${type}`, text);
    return name;
  }
  const value = textReaders[type]?.(text) ?? (isIntegerType(type) ? canonicalInteger(type, text) : undefined);
  if (value !== undefined) return value;
  if (type === 'google.protobuf.Value' || type === 'google.protobuf.Struct') return parseBody(text);
  if (kind === 'message' && !codec.isWellKnown(type)) {
    throw new WireError(`"${path}" holds messages, which a query cannot carry`);
  }
  throw wrong(path, describe(type), text);
}

const textReaders: Readonly<Record<string, (text: string) => unknown>> = {
  string: (text) => text,
  bool: parseBool,
  bytes: canonicalBytes,
  double: numberOf,
  float: numberOf,
  'google.protobuf.Timestamp': canonicalTimestamp,
  // Go's form here, unlike in JSON.
  'google.protobuf.Duration': durationFromGo,
  'google.protobuf.FieldMask': camelPath,
};

// ---------------------------------------------------------------------------------------------------------------------
// Responses

function decodeResponse(codec: Codec, messageName: string, text: string): Fields {
  if (text.trim() === '') return {};
  let value: unknown;
  try {
    value = JSON.parse(text);
  } catch {
    throw new WireError('The answer is not valid JSON', grpcCodes.INTERNAL);
  }
  return codec.decode(messageName, value, '', 'tolerant');
}
