// The message in an HTTP request, as Go's gateway reads it. Where several say the same field, the path wins over the
// query and the body.

import type { FieldSchema, HttpBinding, Operation } from '../schema/types.ts';
import { WireError } from '../status.ts';
import { assign, type Codec, refuseSibling } from './codec.ts';
import { describe, type Fields, isFields, mapKeyOf, wrong } from './json-values.ts';
import { isForm, type Route } from './routes.ts';
import {
  camelPath,
  canonicalBytes,
  canonicalInteger,
  canonicalTimestamp,
  durationFromGo,
  isIntegerType,
  numberOf,
  parseBool,
} from './values.ts';

/** Rest of the request. */
export interface ReceivedRequest {
  readonly query: URLSearchParams;
  readonly body: string | undefined;
  readonly contentType?: string | undefined;
}

export function decodeRequest(
  codec: Codec,
  { operation, binding, pathValues }: Route,
  received: ReceivedRequest,
): Fields {
  const body = binding.body === null ? undefined : parseBody(received.body);
  const message = body === undefined ? {} : readBody(codec, operation, binding, body);
  if (binding.body !== '*') {
    const taken = new Set(Object.keys(pathValues));
    if (binding.body !== null) taken.add(binding.body);
    for (const [name, texts] of textsByName(binding, received)) {
      setFromQuery(codec, operation.request, message, name, texts, taken);
    }
    const mask = patchMask(codec, operation.request, binding, body);
    if (mask !== undefined) message['updateMask'] ??= mask;
  }
  for (const [path, text] of Object.entries(pathValues)) setFromPath(codec, operation.request, message, path, text);
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

function readBody(codec: Codec, operation: Operation, binding: HttpBinding, body: unknown): Fields {
  if (binding.body === '*') return codec.decode(operation.request, body, '', 'strict');
  const message: Fields = {};
  const field = binding.body === null ? undefined : codec.fieldsAt(operation.request, binding.body).at(-1);
  if (field) assign(message, codec, field, decodeBody(codec, field, body), field.name);
  return message;
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

/** Go puts the values of a form before those of the query; a single field takes only one of either. */
function textsByName(binding: HttpBinding, { query, body, contentType = '' }: ReceivedRequest): Map<string, string[]> {
  const sources = binding.body === null && isForm(contentType) ? [new URLSearchParams(body), query] : [query];
  const found = new Map<string, string[]>();
  for (const [name, text] of sources.flatMap((source) => [...source])) {
    const texts = found.get(name);
    if (texts) texts.push(text);
    else found.set(name, [text]);
  }
  return found;
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
  const steps = stepsTo(codec, request, name, taken);
  const field = steps.pop();
  if (!field) return;
  let target = message;
  for (const step of steps) {
    refuseSibling(codec, target, step, name);
    target = child(target, step);
  }
  const read = (kind: string, text: string) => fromText(codec, kind, field.type, text, name);
  const [text, ...more] = texts;
  if (field.kind === 'map' && field.map) {
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
    target[field.json] = [...(Array.isArray(old) ? old : []), ...texts.map((each) => read(field.kind, each))];
  } else {
    if (text === undefined || more.length > 0 || field.json in target) {
      throw new WireError(`"${name}" takes one value`);
    }
    assign(target, codec, field, read(field.kind, text), name);
  }
}

/** The fields on the way to a dotted name; none for what the request does not have, or the path or body has set. */
function stepsTo(codec: Codec, request: string, name: string, taken: ReadonlySet<string>): FieldSchema[] {
  const steps: FieldSchema[] = [];
  let messageName: string | undefined = request;
  for (const part of name.split('.')) {
    // Unknown names are ignored, but nothing lies below a scalar, a list or a map.
    if (messageName === undefined) throw new WireError(`"${name}" is not the name of a field`);
    const field: FieldSchema | undefined = codec.field(messageName, part);
    if (!field) return [];
    steps.push(field);
    // Compared by proto name, so that a second spelling cannot get past what the path or the body has set.
    if (taken.has(steps.map((step) => step.name).join('.'))) return [];
    const nested: boolean = field.kind === 'message' && !field.repeated && !codec.isWellKnown(field.type);
    messageName = nested ? field.type : undefined;
  }
  return steps;
}

function setFromPath(codec: Codec, request: string, message: Fields, path: string, text: string): void {
  const steps = codec.fieldsAt(request, path);
  const field = steps.pop();
  if (!field) return;
  const target = steps.reduce(child, message);
  // A value from the path overwrites what the body said, even with nothing.
  delete target[field.json];
  assign(target, codec, field, fromText(codec, field.kind, field.type, text, path), path);
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
