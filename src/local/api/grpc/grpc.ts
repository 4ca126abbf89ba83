// The API over gRPC, as the official SDK and the Terraform provider speak it (protocols 0, "Transports"). Guarantees:
// the same operations as REST on the same messages; what differs is only how they are written on the wire.

import { constants, type Http2ServerResponse, type IncomingHttpHeaders } from 'node:http2';
import { type DescMessage, fromJson, type JsonValue, type Message, type Registry, toJson } from '@bufbuild/protobuf';
import { Code, ConnectError, createConnectRouter, createContextKey, createContextValues } from '@connectrpc/connect';
import {
  compressionGzip,
  universalRequestFromNodeRequest,
  universalResponseToNodeResponse,
} from '@connectrpc/connect-node';
import { fieldNumbers } from '../../../api/schema/field-numbers.gen.ts';
import { schema } from '../../../api/schema/messages.gen.ts';
import { operations } from '../../../api/schema/operations.gen.ts';
import { httpStatusOf } from '../../../api/status.ts';
import type { Wire } from '../../../api/wire.ts';
import { stackOf } from '../../../errors.ts';
import { invalidArgument } from '../../core/failures.ts';
import type { DirectOperation } from '../../core/module.ts';
import { StreamedAnswer } from '../../core/streamed-answer.ts';
import type { StatusError } from '../../core/types.ts';
import { toStatusError } from '../../http/answers.ts';
import type { Http2Handler } from '../../http/http2.ts';
import type { RequestNote } from '../../http/request-note.ts';
import { type Api, fieldsIn, type KnownOperation } from '../dispatch.ts';
import { createDescriptors, methodOf } from './descriptors.ts';

/** Bytes of one message, also after decompression: gRPC's usual limit. Images go to the registry. */
const maxMessageBytes = 4 * 1024 * 1024;

export interface GrpcOptions {
  readonly wire: Wire;
  readonly api: Pick<Api, 'call'>;
  /** Operations that read their credentials themselves, by id. */
  readonly direct: Readonly<Record<string, DirectOperation>>;
}

type Note = (note: RequestNote) => void;

/** Takes requests whose content type is `application/grpc`, with or without a format after it. */
export function createGrpc({ wire, api, direct }: GrpcOptions): Http2Handler {
  const table: readonly KnownOperation[] = Object.values(operations);
  const descriptors = createDescriptors(schema, fieldNumbers, table);
  const noteKey = createContextKey<Note>(() => {});
  const router = createConnectRouter({
    connect: false,
    grpcWeb: false,
    acceptCompression: [compressionGzip],
    readMaxBytes: maxMessageBytes,
    jsonOptions: { registry: descriptors },
  });
  for (const operation of table) {
    const method = methodOf(descriptors, operation);
    router.rpc(method, async (request, { requestHeader, values }) => {
      const note = values.get(noteKey);
      try {
        const authorization = requestHeader.get('authorization') ?? undefined;
        const json = jsonOf(method.input, request, descriptors);
        const message = wire.decodeMessage(operation.request, json);
        const own = direct[operation.id];
        if (own !== undefined) note({ operation: operation.id });
        const given =
          own === undefined
            ? await api.call({
                operation,
                authorization,
                onCall: note,
                // JSON could name an empty field; over gRPC what is empty was not said.
                read: async () => ({ message, hasField: fieldsIn(message) }),
              })
            : await own(message, authorization);
        const answer = given instanceof StreamedAnswer ? await given.whole() : given;
        // An answer that a handler made always fits its own schema.
        const fields = wire.encodeMessage(operation.response, answer, 'compact') as JsonValue;
        note({ operation: operation.id, status: 200 });
        return fromJson(method.output, fields, { registry: descriptors, ignoreUnknownFields: true });
      } catch (error) {
        const { status, unexpected } = toStatusError(error);
        note({
          operation: operation.id,
          status: httpStatusOf(status.code),
          ...(unexpected ? { error: stackOf(error) } : {}),
        });
        throw toConnectError(status, descriptors);
      }
    });
  }
  const methods = new Map(router.handlers.map((handler) => [handler.requestPath, handler]));

  // Does what connectNodeAdapter does, without its line on standard error whenever a client goes away.
  return (request, response, note) => {
    const method = methods.get(request.url);
    if (method === undefined) {
      note({ status: httpStatusOf(Code.Unimplemented) });
      refuseUnknown(response, request.url);
      return;
    }
    dropEndlessTimeout(request.headers);
    const values = createContextValues().set(noteKey, note);
    method(universalRequestFromNodeRequest(request, response, undefined, values))
      .then((answer) => universalResponseToNodeResponse(answer, response))
      .catch(() => response.stream.close(constants.NGHTTP2_INTERNAL_ERROR));
  };
}

/**
 * A value that JSON cannot hold is the caller's mistake: a path of a mask that is no field's name, a time beyond the
 * year 9999.
 */
function jsonOf(desc: DescMessage, message: Message, registry: Registry): JsonValue {
  try {
    return toJson(desc, message, { registry });
  } catch (error) {
    throw invalidArgument(error instanceof Error ? error.message : String(error));
  }
}

const maxTimerMs = 2 ** 31 - 1;

/** Node's timers count to 24 days; one that is longer would fire at once, with a warning on standard error. */
function dropEndlessTimeout(headers: IncomingHttpHeaders): void {
  const [, count = '', unit = ''] = /^(\d{1,8})([HMS])$/.exec(String(headers['grpc-timeout'])) ?? [];
  const ms = Number(count) * { H: 3_600_000, M: 60_000, S: 1000 }[unit === 'H' || unit === 'M' ? unit : 'S'];
  if (ms > maxTimerMs) delete headers['grpc-timeout'];
}

/** Only headers, and the stream ends with them: grpc-go looks for a status only in the last ones. */
function refuseUnknown(response: Http2ServerResponse, path: string): void {
  const headers = {
    ':status': 200,
    'content-type': 'application/grpc',
    'grpc-status': String(Code.Unimplemented),
    'grpc-message': encodeURIComponent(`this platform has no method ${path}`),
  };
  response.stream.respond(headers, { endStream: true });
}

function toConnectError({ code, message, details }: StatusError, registry: Registry): ConnectError {
  const outgoing = details.flatMap(({ '@type': type, ...fields }) => {
    const desc = registry.getMessage(String(type).replace(/^.*\//, ''));
    return desc === undefined ? [] : [{ desc, value: fromJson(desc, fields as JsonValue, { registry }) }];
  });
  return new ConnectError(message, code as Code, undefined, outgoing);
}
