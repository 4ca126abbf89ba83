// Messages to HTTP and back, for whoever calls the platform and for whoever serves it (semantics 5 and 6).
// Guarantees: driven by the generated tables alone, knows no single operation, does no I/O. Messages are plain objects
// with lowerCamel keys in canonical form: enums by name, 64-bit integers as text, times RFC 3339, zero values left out.

import type { Operation, SchemaSet } from './schema/types.ts';
import { grpcCodes, WireError } from './status.ts';
import { Codec, type EncodeMode } from './wire/codec.ts';
import { decodeRequest, type ReceivedRequest } from './wire/decode-request.ts';
import { encodeRequest, type WireRequest } from './wire/encode-request.ts';
import { asFields, type Fields, isShallow } from './wire/json-values.ts';
import type { Route } from './wire/routes.ts';

export type { WireRequest } from './wire/encode-request.ts';
export { createRouteMatcher, type Routed, type RouteMatch } from './wire/routes.ts';
export { isShallow, WireError };

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
  decodeRequest(route: Route, received: ReceivedRequest): Fields;
  /** JSON text of a response in `full` mode, fields in declaration order. */
  encodeResponse(messageName: string, value: object): string;
  /** The same as a plain object, in either mode. */
  encodeMessage(messageName: string, value: object, mode: EncodeMode): Fields;
  /**
   * The message in a response. Keeps unknown fields and unknown enum values, takes trimmed and full answers alike, and
   * empty text for a message without fields. Throws WireError with INTERNAL when the text is not JSON of this shape.
   */
  decodeResponse(messageName: string, text: string): Fields;
  /** The same for the JSON value of one item of its list `items`. */
  decodeItem(messageName: string, value: unknown): Fields;
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
    decodeRequest: (route, received) => decodeRequest(codec, route, received),
    encodeResponse: (messageName, value) => JSON.stringify(codec.encode(messageName, asFields(value), 'full')),
    encodeMessage: (messageName, value, mode) => codec.encode(messageName, asFields(value), mode),
    decodeResponse: (messageName, text) => decodeResponse(codec, messageName, text),
    decodeItem: (messageName, value) => codec.decode(codec.itemOf(messageName), value, '', 'tolerant'),
    decodeMessage: (messageName, value, unknownNames = 'drop') =>
      codec.decode(messageName, value, '', unknownNames === 'drop' ? 'strict' : 'exact'),
  };
}

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
