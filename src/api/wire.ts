// Messages to HTTP and back, for whoever calls the platform and for whoever serves it (semantics 5 and 6).
// Promises: driven by the generated tables alone, knows no single operation, does no I/O. Messages are plain objects
// with lowerCamel keys in canonical form: enums by name, 64-bit integers as text, times RFC 3339, zero values left out.

import type { OperationTypes } from './schema/types.gen.ts';
import type { FieldSchema, HttpBinding, MessageSchema, Operation, SchemaSet } from './schema/types.ts';
import { grpcCodes } from './status.ts';
import { bindTemplate, matchTemplate, parseTemplate, type Template } from './wire/template.ts';
import {
  camelPath,
  canonicalBytes,
  canonicalDuration,
  canonicalInteger,
  canonicalTimestamp,
  durationFromGo,
  isIntegerType,
  parseBool,
  snakePath,
} from './wire/values.ts';

/** Text that does not follow the wire rules. `code` is the gRPC code to answer with. */
export class WireError extends Error {
  override readonly name = 'WireError';
  readonly code: number;

  constructor(message: string, code: number = grpcCodes.INVALID_ARGUMENT) {
    super(message);
    this.code = code;
  }
}

export interface WireRequest {
  readonly method: HttpBinding['method'];
  /** Percent-encoded, begins with a slash. */
  readonly path: string;
  /** Without the question mark; empty when there is none. */
  readonly query: string;
  /** JSON, or undefined for a request without body. */
  readonly body: string | undefined;
}

type Fields = Record<string, unknown>;

/** The request message of an operation; of one that is not known at compile time, any object. */
export type RequestOf<O extends Operation> = O['id'] extends keyof OperationTypes
  ? OperationTypes[O['id']]['request']
  : Fields;

/** The response message of an operation, likewise. */
export type ResponseOf<O extends Operation> = O['id'] extends keyof OperationTypes
  ? OperationTypes[O['id']]['response']
  : Fields;

/**
 * `full`: what the gateway sends, every unset field written except oneof members and `optional` ones.
 * `compact`: only what is set, as in event bodies; fields that the schema does not know are kept.
 */
export type EncodeMode = 'full' | 'compact';

export interface Wire {
  /**
   * The HTTP request of an operation's first binding. Throws WireError when the message cannot be sent: a path value
   * with a `.` or `..` segment, or a list of messages that would have to go into the query.
   */
  encodeRequest<O extends Operation>(operation: O, message: RequestOf<O>): WireRequest;
  /**
   * The message in a request that a route matched. Takes both spellings of a name, drops unknown JSON and query names,
   * lets path values win. Throws WireError with INVALID_ARGUMENT for anything malformed.
   */
  decodeRequest<O extends Operation>(
    operation: O,
    binding: HttpBinding,
    pathValues: Readonly<Record<string, string>>,
    query: URLSearchParams,
    bodyText: string | undefined,
    contentType?: string,
  ): RequestOf<O>;
  /** JSON text of a response in `full` mode, fields in declaration order. */
  encodeResponse(messageName: string, value: object): string;
  /** The same as a plain object, in either mode. */
  encodeMessage(messageName: string, value: object, mode: EncodeMode): Fields;
  /**
   * The message in a response. Keeps unknown fields and unknown enum values, takes trimmed and full answers alike, and
   * empty text for a message without fields. Throws WireError with INTERNAL when the text is not JSON of this shape.
   */
  decodeResponse<O extends Operation>(operation: O, text: string): ResponseOf<O>;
  /** A message from its JSON value by the rules of request bodies, e.g. of a file that a user wrote. */
  decodeMessage(messageName: string, value: unknown): Fields;
}

/** A codec for the messages in these sets. A client passes only the packages it calls, so that start-up stays small. */
export function createWire(...sets: readonly SchemaSet[]): Wire {
  const codec = new Codec(sets);
  return {
    encodeRequest: (operation, message) => encodeRequest(codec, operation, message),
    decodeRequest: <O extends Operation>(
      operation: O,
      binding: HttpBinding,
      pathValues: Readonly<Record<string, string>>,
      query: URLSearchParams,
      bodyText: string | undefined,
      contentType = '',
    ) =>
      // The tables and the types come from one description, so what the table decodes has the operation's type.
      decodeRequest(codec, operation, binding, pathValues, query, bodyText, contentType) as RequestOf<O>,
    encodeResponse: (messageName, value) => JSON.stringify(codec.encode(messageName, asFields(value), 'full')),
    encodeMessage: (messageName, value, mode) => codec.encode(messageName, asFields(value), mode),
    // As for decodeRequest.
    decodeResponse: <O extends Operation>(operation: O, text: string) =>
      decodeResponse(codec, operation.response, text) as ResponseOf<O>,
    decodeMessage: (messageName, value) => codec.decode(messageName, value, '', 'strict'),
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
    if (field.name === binding.body) body = bodyOf(codec, field, value);
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
      for (const [key, value] of source) values.set(key, [...(values.get(key) ?? []), value]);
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
  return maskPaths(codec, resource.type, body, '').map(camelPath).join(',');
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
  const [, name = key, mapKey] = /^(.*)\[(.*)\]$/s.exec(key) ?? [];
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
    const old = target[field.json];
    const entry = [mapKeyOf(field.map.key, mapKey, name), read(field.map.valueKind, text)];
    target[field.json] = Object.fromEntries([...(isFields(old) ? Object.entries(old) : []), entry]);
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

/** Sets a decoded value. What equals an unset field stays unset, so that a message has one form. */
function assign(target: Fields, codec: Codec, field: FieldSchema, value: unknown, path: string): void {
  if (value === undefined) return;
  refuseSibling(codec, target, field, path);
  if (!codec.isUnset(field, value)) target[field.json] = value;
}

function refuseSibling(codec: Codec, target: Fields, field: FieldSchema, path: string): void {
  if (field.oneof === undefined) return;
  const sibling = codec.siblings(field).find((other) => other !== field && other.json in target);
  if (sibling) throw new WireError(`"${path}" excludes "${sibling.name}", only one of them can be set`);
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

function numberOf(text: string): number | string | undefined {
  if (/^(?:NaN|-?Infinity)$/.test(text)) return text;
  const value = text.trim() === '' ? Number.NaN : Number(text);
  return Number.isFinite(value) ? value : undefined;
}

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

// ---------------------------------------------------------------------------------------------------------------------
// Messages

/** `strict` for what a server is sent, `tolerant` for what a client gets from a platform that may be newer. */
type Reading = 'strict' | 'tolerant';

class Codec {
  readonly #messages = new Map<string, MessageSchema>();
  readonly #enums = new Map<string, EnumTable>();
  readonly #fields = new Map<string, ReadonlyMap<string, FieldSchema>>();
  readonly #siblings = new Map<FieldSchema, readonly FieldSchema[]>();

  constructor(sets: readonly SchemaSet[]) {
    for (const set of sets) {
      for (const [name, message] of Object.entries(set.messages)) this.#messages.set(name, message);
      for (const [name, numbers] of Object.entries(set.enums)) this.#enums.set(name, enumTable(numbers));
    }
  }

  schema(messageName: string): MessageSchema {
    const message = this.#messages.get(messageName);
    if (message) return message;
    if (messageName === 'google.protobuf.Empty') return { fields: [] };
    throw new WireError(`The message ${messageName} is not in this codec's tables`, grpcCodes.INTERNAL);
  }

  /** The field with this proto or JSON name. */
  field(messageName: string, name: string): FieldSchema | undefined {
    let fields = this.#fields.get(messageName);
    if (!fields) {
      fields = new Map(
        this.schema(messageName).fields.flatMap((field): [string, FieldSchema][] => [
          [field.json, field],
          [field.name, field],
        ]),
      );
      this.#fields.set(messageName, fields);
    }
    return fields.get(name);
  }

  /** The fields along a dotted proto path. */
  fieldsAt(messageName: string, path: string): FieldSchema[] {
    let owner = messageName;
    return path.split('.').map((name) => {
      const field = this.field(owner, name);
      if (!field) throw new WireError(`The message ${owner} has no field ${name}`, grpcCodes.INTERNAL);
      owner = field.type;
      return field;
    });
  }

  /** The members of the oneof that a field of any message belongs to. */
  siblings(field: FieldSchema): readonly FieldSchema[] {
    if (this.#siblings.size === 0) {
      for (const { fields } of this.#messages.values()) {
        for (const each of fields) {
          if (each.oneof !== undefined) {
            this.#siblings.set(
              each,
              fields.filter(({ oneof }) => oneof === each.oneof),
            );
          }
        }
      }
    }
    return this.#siblings.get(field) ?? [];
  }

  /** Whether the type is JSON of its own kind instead of an object with fields. */
  isWellKnown(type: string): boolean {
    return type.startsWith('google.protobuf.') && type !== 'google.protobuf.Empty';
  }

  enumName(type: string, value: string | number): string | undefined {
    const table = this.#enums.get(type);
    return typeof value === 'number' ? table?.names.get(value) : table?.numbers.has(value) ? value : undefined;
  }

  /** The number to send for an enum value; what this version does not know goes as it is. */
  enumNumber(type: string, value: unknown): unknown {
    return typeof value === 'string' ? (this.#enums.get(type)?.numbers.get(value) ?? value) : value;
  }

  /** Whether a canonical value says no more than an unset field. */
  isUnset(field: FieldSchema, value: unknown): boolean {
    if (value === undefined || value === null) return field.type !== 'google.protobuf.Value' || value === undefined;
    if (field.kind === 'map') return isFields(value) && Object.keys(value).length === 0;
    if (field.repeated) return Array.isArray(value) && value.length === 0;
    if (field.oneof !== undefined || field.optional || field.kind === 'message') return false;
    return value === this.#zero(field);
  }

  #zero(field: FieldSchema): unknown {
    if (field.kind === 'map') return {};
    if (field.repeated) return [];
    if (field.kind === 'message') return null;
    if (field.kind === 'enum') return this.enumName(field.type, 0) ?? 0;
    return zeroes[field.type] ?? '';
  }

  // -- reading

  decode(messageName: string, value: unknown, path: string, reading: Reading): Fields {
    if (!isFields(value)) throw wrong(path, 'an object', value, reading);
    const message: Fields = {};
    const fields = this.schema(messageName).fields;
    for (const field of fields) {
      const key = keyOf(field, value);
      if (key === undefined) continue;
      if (reading === 'strict' && key !== field.name && Object.hasOwn(value, field.name)) {
        throw new WireError(`"${path}${field.name}" is given twice, in both spellings`);
      }
      const raw = value[key];
      if (raw === null && field.type !== 'google.protobuf.Value') continue;
      const at = `${path}${field.name}`;
      const decoded = this.decodeField(field, raw, at, reading);
      if (reading === 'strict') assign(message, this, field, decoded, at);
      else message[field.json] = decoded;
    }
    if (reading === 'strict') return message;
    const unknown = Object.entries(value).filter(([key]) => this.field(messageName, key) === undefined);
    return unknown.length === 0 ? message : Object.fromEntries([...Object.entries(message), ...unknown]);
  }

  decodeField(field: FieldSchema, value: unknown, path: string, reading: Reading): unknown {
    if (field.map) {
      const { key, valueKind } = field.map;
      if (!isFields(value)) throw wrong(path, 'an object', value, reading);
      return Object.fromEntries(
        Object.entries(value).map(([name, item]) => [
          mapKeyOf(key, name, path),
          this.#decodeItem(valueKind, field.type, item, `${path}[${name}]`, reading),
        ]),
      );
    }
    if (field.repeated) {
      if (!Array.isArray(value)) throw wrong(path, 'a list', value, reading);
      return value.map((item, index) => this.#decodeItem(field.kind, field.type, item, `${path}[${index}]`, reading));
    }
    return this.#decodeItem(field.kind, field.type, value, path, reading);
  }

  #decodeItem(kind: string, type: string, value: unknown, path: string, reading: Reading): unknown {
    if (kind === 'enum') {
      if (typeof value !== 'string' && !Number.isInteger(value))
        throw wrong(path, `a value of ${type}`, value, reading);
      const name = this.enumName(type, value as string | number);
      // proto3 enums are open: a number without a name is kept, a name without a number can mean nothing here.
      if (name === undefined && typeof value === 'string' && reading === 'strict') {
        throw wrong(path, `a value of ${type}`, value, reading);
      }
      return name ?? value;
    }
    if (kind === 'message' && !this.isWellKnown(type)) return this.decode(type, value, `${path}.`, reading);
    const decoded = fromJson(type, value);
    if (decoded !== undefined) return decoded;
    // Text in a spelling of its own does a client no harm; another shape would.
    if (reading === 'tolerant' && typeof value === 'string' && type !== 'bool') return value;
    throw wrong(path, describe(type), value, reading);
  }

  // -- writing

  encode(messageName: string, value: Fields, mode: EncodeMode): Fields {
    const message: Fields = {};
    for (const field of this.schema(messageName).fields) {
      const key = keyOf(field, value);
      const given = key === undefined ? undefined : value[key];
      const canonical = given === undefined || given === null ? given : this.#encodeField(field, given, mode);
      if (!this.isUnset(field, canonical)) message[field.json] = canonical;
      else if (mode === 'full' && field.oneof === undefined && !field.optional) message[field.json] = this.#zero(field);
    }
    if (mode === 'full') return message;
    const unknown = Object.entries(value).filter(
      ([key, item]) => item !== undefined && this.field(messageName, key) === undefined,
    );
    return unknown.length === 0 ? message : Object.fromEntries([...Object.entries(message), ...unknown]);
  }

  #encodeField(field: FieldSchema, value: unknown, mode: EncodeMode): unknown {
    if (field.map && isFields(value)) {
      const { valueKind } = field.map;
      return Object.fromEntries(
        Object.entries(value).map(([key, item]) => [key, this.#encodeItem(valueKind, field.type, item, mode)]),
      );
    }
    if (field.repeated && Array.isArray(value)) {
      return value.map((item) => this.#encodeItem(field.kind, field.type, item, mode));
    }
    return this.#encodeItem(field.kind, field.type, value, mode);
  }

  #encodeItem(kind: string, type: string, value: unknown, mode: EncodeMode): unknown {
    if (kind === 'enum' && typeof value === 'number') return this.enumName(type, value) ?? value;
    if (kind === 'message' && !this.isWellKnown(type)) {
      return isFields(value) ? this.encode(type, value, mode) : value;
    }
    if (kind === 'enum') return value;
    return fromJson(type, typeof value === 'bigint' ? String(value) : value) ?? value;
  }
}

interface EnumTable {
  readonly numbers: ReadonlyMap<string, number>;
  readonly names: ReadonlyMap<number, string>;
}

function enumTable(values: Readonly<Record<string, number>>): EnumTable {
  const entries = Object.entries(values);
  // Of two names for one number, the first is the one that is written.
  return { numbers: new Map(entries), names: new Map(entries.toReversed().map(([name, number]) => [number, name])) };
}

// Text on the wire is UTF-8, which cannot carry half a character.
const loneSurrogate = /\p{Surrogate}/u;

const zeroes: Readonly<Record<string, unknown>> = {
  bool: false,
  int32: 0,
  uint32: 0,
  double: 0,
  float: 0,
  int64: '0',
  uint64: '0',
};

/** A scalar or well-known value in canonical form; undefined when the JSON value is none of that type. */
function fromJson(type: string, value: unknown): unknown {
  if (type === 'google.protobuf.Value') return value;
  if (type === 'google.protobuf.Struct' || type === 'google.protobuf.Any') return isFields(value) ? value : undefined;
  if (type === 'google.protobuf.ListValue') return Array.isArray(value) ? value : undefined;
  if (type === 'bool') return typeof value === 'boolean' ? value : undefined;
  if (isIntegerType(type)) {
    // Beyond 2^53 the parser has already rounded, so such a number has to come as text.
    if (typeof value === 'number') {
      return Number.isSafeInteger(value) ? canonicalInteger(type, String(value)) : undefined;
    }
    return typeof value === 'string' ? canonicalInteger(type, value) : undefined;
  }
  if (type === 'double' || type === 'float') {
    if (typeof value === 'number') return value;
    return typeof value === 'string' ? numberOf(value) : undefined;
  }
  if (typeof value !== 'string') return undefined;
  if (type === 'string') return loneSurrogate.test(value) ? undefined : value;
  if (type === 'bytes') return canonicalBytes(value);
  if (type === 'google.protobuf.Timestamp') return canonicalTimestamp(value);
  if (type === 'google.protobuf.Duration') return canonicalDuration(value);
  if (type === 'google.protobuf.FieldMask') return camelPath(value);
  return undefined;
}

const descriptions: Readonly<Record<string, string>> = {
  string: 'text',
  bytes: 'base64 text',
  bool: 'true or false',
  int32: 'a whole number of 32 bits',
  uint32: 'a whole number of 32 bits, not negative',
  int64: 'a whole number of 64 bits',
  uint64: 'a whole number of 64 bits, not negative',
  double: 'a number',
  float: 'a number',
  'google.protobuf.Timestamp': 'a time such as 2026-03-27T13:55:00Z',
  'google.protobuf.Duration': 'a duration such as 1800s, or 30m in a query',
};

function describe(type: string): string {
  return descriptions[type] ?? type;
}

function wrong(path: string, wanted: string, value: unknown, reading: Reading = 'strict'): WireError {
  const shown = JSON.stringify(value) ?? 'nothing';
  const what = path === '' ? 'The message' : `"${path.replace(/\.$/, '')}"`;
  const got = shown.length > 60 ? `${shown.slice(0, 60)}…` : shown;
  return new WireError(
    `${what} must be ${wanted}, not ${got}`,
    reading === 'strict' ? grpcCodes.INVALID_ARGUMENT : grpcCodes.INTERNAL,
  );
}

function mapKeyOf(type: string, text: string, path: string): string {
  if (type === 'string') return text;
  const key = type === 'bool' ? (text === 'true' || text === 'false' ? text : undefined) : canonicalInteger(type, text);
  if (key === undefined) throw wrong(`${path}[${text}]`, `keyed by ${describe(type)}`, text);
  return String(key);
}

/** The spelling of a field's name that an object uses. */
function keyOf(field: FieldSchema, value: Fields): string | undefined {
  if (Object.hasOwn(value, field.json)) return field.json;
  return Object.hasOwn(value, field.name) ? field.name : undefined;
}

function isFields(value: unknown): value is Fields {
  return typeof value === 'object' && value !== null && !Array.isArray(value);
}

/** Message interfaces have no index signature, but every message is a plain object of JSON values. */
function asFields(value: unknown): Fields {
  if (!isFields(value)) throw new WireError('A message must be a plain object', grpcCodes.INTERNAL);
  return value;
}
