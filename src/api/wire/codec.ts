// Messages as JSON values, driven by the generated tables (semantics 5, "JSON encoding").
// Promise: one canonical form. Enums by name, 64-bit integers as text, times RFC 3339, zero values left out.

import type { FieldSchema, MessageSchema, SchemaSet } from '../schema/types.ts';
import { grpcCodes, WireError } from '../status.ts';
import {
  describe,
  type Fields,
  fromJson,
  isFields,
  isWellFormed,
  mapKeyOf,
  type Reading,
  requireShallow,
  wrong,
  zeroes,
} from './json-values.ts';

/**
 * `full`: what the gateway sends, every unset field written except oneof members and `optional` ones.
 * `compact`: only what is set, as in event bodies; fields that the schema does not know are kept.
 */
export type EncodeMode = 'full' | 'compact';

export class Codec {
  readonly #sets: readonly SchemaSet[];
  readonly #messages = new Map<string, MessageSchema>();
  readonly #enums = new Map<string, EnumTable>();
  readonly #fields = new Map<string, ReadonlyMap<string, FieldSchema>>();
  readonly #places = new Map<string, ReadonlyMap<string, Place>>();
  readonly #siblings = new Map<FieldSchema, readonly FieldSchema[]>();

  constructor(sets: readonly SchemaSet[]) {
    this.#sets = sets;
  }

  schema(messageName: string): MessageSchema {
    const known = this.#messages.get(messageName);
    if (known) return known;
    const message = this.#sets.find(({ messages }) => Object.hasOwn(messages, messageName))?.messages[messageName];
    if (message) {
      this.#messages.set(messageName, message);
      for (const field of message.fields) {
        if (field.oneof === undefined) continue;
        this.#siblings.set(
          field,
          message.fields.filter(({ oneof }) => oneof === field.oneof),
        );
      }
      return message;
    }
    if (messageName === 'google.protobuf.Empty') return { fields: [] };
    throw new WireError(`The message ${messageName} is not in this codec's tables`, grpcCodes.INTERNAL);
  }

  /** The message that the list `items` of this one holds. */
  itemOf(messageName: string): string {
    const items = this.field(messageName, 'items');
    if (items?.kind === 'message' && items.repeated) return items.type;
    throw new WireError(`The message ${messageName} is no list`, grpcCodes.INTERNAL);
  }

  /** The field with this proto or JSON name. */
  field(messageName: string, name: string): FieldSchema | undefined {
    return this.#fieldsOf(messageName).get(name);
  }

  #fieldsOf(messageName: string): ReadonlyMap<string, FieldSchema> {
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
    return fields;
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

  /** The members of the oneof that a field belongs to, which came out of a message of this codec. */
  siblings(field: FieldSchema): readonly FieldSchema[] {
    return this.#siblings.get(field) ?? [];
  }

  /** Returns whether the type is JSON of its own kind instead of an object with fields. */
  isWellKnown(type: string): boolean {
    return type.startsWith('google.protobuf.') && type !== 'google.protobuf.Empty';
  }

  #enum(type: string): EnumTable | undefined {
    const known = this.#enums.get(type);
    if (known !== undefined) return known;
    const numbers = this.#sets.find(({ enums }) => Object.hasOwn(enums, type))?.enums[type];
    if (numbers === undefined) return undefined;
    const table = enumTable(numbers);
    this.#enums.set(type, table);
    return table;
  }

  enumName(type: string, value: string | number): string | undefined {
    const table = this.#enum(type);
    return typeof value === 'number' ? table?.names.get(value) : table?.numbers.has(value) ? value : undefined;
  }

  /** The number to send for an enum value; what this version does not know goes as it is. */
  enumNumber(type: string, value: unknown): unknown {
    return typeof value === 'string' ? (this.#enum(type)?.numbers.get(value) ?? value) : value;
  }

  /** Returns whether a canonical value says no more than an unset field. */
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
    const ordered = reading === 'tolerant' ? this.#decodeOrdered(messageName, value, path) : undefined;
    if (ordered !== undefined) return ordered;
    const message: Fields = {};
    const fields = this.schema(messageName).fields;
    for (const field of fields) {
      const key = keyOf(field, value);
      if (key === undefined) continue;
      if (reading !== 'tolerant' && key !== field.name && Object.hasOwn(value, field.name)) {
        throw new WireError(`"${path}${field.name}" is given twice, in both spellings`);
      }
      const raw = value[key];
      if (raw === null && field.type !== 'google.protobuf.Value') continue;
      const at = `${path}${field.name}`;
      const decoded = this.decodeField(field, raw, at, reading);
      if (reading !== 'tolerant') assign(message, this, field, decoded, at);
      else message[field.json] = decoded;
    }
    if (reading === 'strict') return message;
    const known = this.#fieldsOf(messageName);
    const unknown = Object.keys(value).filter((key) => !known.has(key));
    if (unknown.length === 0) return message;
    if (reading === 'exact') throw new WireError(`"${path}${unknown[0]}" is not a known field`);
    for (const key of unknown) requireShallow(value[key], `${path}${key}`, reading);
    return Object.fromEntries([
      ...Object.entries(message),
      ...unknown.map((key): [string, unknown] => [key, value[key]]),
    ]);
  }

  /**
   * The same for what platforms write: known fields by their JSON names, in the order of the schema. Looks each key up once
   * instead of each field twice, and copies nothing that is canonical, which a long list feels. Returns undefined for any
   * other message.
   */
  #decodeOrdered(messageName: string, value: Fields, path: string): Fields | undefined {
    const places = this.#placesOf(messageName);
    const keys = Object.keys(value);
    // The value itself while nothing in it has to be written otherwise.
    let message = value;
    let last = -1;
    for (let at = 0; at < keys.length; at += 1) {
      const key = keys[at] ?? '';
      const place = places.get(key);
      if (place === undefined || place.at <= last) return undefined;
      last = place.at;
      const { field, isText } = place;
      const raw = value[key];
      const isLeftOut = raw === null && field.type !== 'google.protobuf.Value';
      const isPlain = isText && typeof raw === 'string' && isWellFormed(raw);
      const decoded = isLeftOut || isPlain ? raw : this.decodeField(field, raw, `${path}${field.name}`, 'tolerant');
      if (message === value && (isLeftOut || decoded !== raw)) {
        message = {};
        for (const earlier of keys.slice(0, at)) message[earlier] = value[earlier];
      }
      if (message !== value && !isLeftOut) message[key] = decoded;
    }
    return message;
  }

  /** Position of each field, by its JSON name. */
  #placesOf(messageName: string): ReadonlyMap<string, Place> {
    let places = this.#places.get(messageName);
    if (!places) {
      const { fields } = this.schema(messageName);
      places = new Map(
        fields.map((field, at) => {
          const isText = field.type === 'string' && !field.repeated && field.map === undefined;
          return [field.json, { at, field, isText }];
        }),
      );
      this.#places.set(messageName, places);
    }
    return places;
  }

  decodeField(field: FieldSchema, value: unknown, path: string, reading: Reading): unknown {
    if (field.map) {
      const { key, valueKind } = field.map;
      if (!isFields(value)) throw wrong(path, 'an object', value, reading);
      if (reading === 'tolerant' && Object.keys(value).length === 0) return value;
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
      if (name === undefined && typeof value === 'string' && reading !== 'tolerant') {
        throw wrong(path, `a value of ${type}`, value, reading);
      }
      return name ?? value;
    }
    if (kind === 'message' && !this.isWellKnown(type)) return this.decode(type, value, `${path}.`, reading);
    requireShallow(value, path, reading);
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
    const canonical = fromJson(type, typeof value === 'bigint' ? String(value) : value);
    // Text in place of bytes would be decoded to other bytes, or to nothing, by whoever reads it.
    if (canonical === undefined && type === 'bytes') throw wrong('', describe(type), value, 'tolerant');
    return canonical ?? value;
  }
}

interface Place {
  readonly at: number;
  readonly field: FieldSchema;
  /** One text. */
  readonly isText: boolean;
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

/** The spelling of a field's name that an object uses. */
function keyOf(field: FieldSchema, value: Fields): string | undefined {
  if (Object.hasOwn(value, field.json)) return field.json;
  return Object.hasOwn(value, field.name) ? field.name : undefined;
}

/** Sets a decoded value. What equals an unset field stays unset, so that a message has one form. */
export function assign(target: Fields, codec: Codec, field: FieldSchema, value: unknown, path: string): void {
  if (value === undefined) return;
  refuseSibling(codec, target, field, path);
  if (!codec.isUnset(field, value)) target[field.json] = value;
}

export function refuseSibling(codec: Codec, target: Fields, field: FieldSchema, path: string): void {
  if (field.oneof === undefined) return;
  const sibling = codec.siblings(field).find((other) => other !== field && other.json in target);
  if (sibling) throw new WireError(`"${path}" excludes "${sibling.name}", only one of them can be set`);
}
