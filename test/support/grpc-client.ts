// A gRPC client of nothing but HTTP/2 and bytes, so that tests share no protobuf code with the platform
// (https://github.com/grpc/grpc/blob/master/doc/PROTOCOL-HTTP2.md, https://protobuf.dev/programming-guides/encoding/).

import { type ClientHttp2Session, connect, constants } from 'node:http2';

export interface GrpcAnswer {
  /** gRPC code; 0 is OK. */
  readonly code: number;
  /** Percent-decoded. */
  readonly message: string;
  /** The message, when there is one. */
  readonly bytes: Buffer | undefined;
  readonly httpStatus: number;
  /** Headers and trailers. */
  readonly headers: Readonly<Record<string, unknown>>;
}

export interface GrpcClient {
  readonly session: ClientHttp2Session;
  call(path: string, message: Uint8Array, headers?: Record<string, string>): Promise<GrpcAnswer>;
  close(): void;
}

export function createGrpcClient(url: string): GrpcClient {
  const session = connect(url);
  // Each call tells its own failure.
  session.on('error', () => {});
  return {
    session,
    call: (path, message, headers = {}) =>
      new Promise((resolve, reject) => {
        const stream = session.request({
          ':method': 'POST',
          ':path': path,
          'content-type': 'application/grpc',
          te: 'trailers',
          ...headers,
        });
        const got: Record<string, unknown> = {};
        const chunks: Buffer[] = [];
        stream.on('response', (answer, flags) => {
          // A status with the first headers counts only when nothing follows them (`Trailers-Only`).
          if ('grpc-status' in answer && (flags & constants.NGHTTP2_FLAG_END_STREAM) === 0) {
            reject(new Error('a status before the end of the stream'));
          }
          Object.assign(got, answer);
        });
        stream.on('trailers', (trailers) => Object.assign(got, trailers));
        stream.on('data', (chunk: Buffer) => chunks.push(chunk));
        stream.on('error', reject);
        stream.on('end', () => {
          const body = Buffer.concat(chunks);
          resolve({
            code: Number(got['grpc-status'] ?? -1),
            message: decodeURIComponent(String(got['grpc-message'] ?? '')),
            bytes: body.length < 5 ? undefined : body.subarray(5, 5 + body.readUInt32BE(1)),
            httpStatus: Number(got[':status']),
            headers: got,
          });
        });
        stream.end(frame(message));
      }),
    close: () => session.close(),
  };
}

export function frame(message: Uint8Array, flags = 0): Buffer {
  const head = Buffer.alloc(5);
  head.writeUInt8(flags);
  head.writeUInt32BE(message.length, 1);
  return Buffer.concat([head, message]);
}

/** One field: text, bytes or a message as length-delimited, a number or boolean as varint. */
export function field(number: number, value: string | Uint8Array | bigint | number | boolean): Buffer {
  if (typeof value === 'string' || value instanceof Uint8Array) {
    const bytes = typeof value === 'string' ? Buffer.from(value) : value;
    return Buffer.concat([varint(BigInt((number << 3) | 2)), varint(BigInt(bytes.length)), bytes]);
  }
  return Buffer.concat([varint(BigInt(number << 3)), varint(BigInt(value))]);
}

export function message(...fields: Buffer[]): Buffer {
  return Buffer.concat(fields);
}

/** Values by field number, in order: bytes of length-delimited fields, numbers of varints. */
export function readFields(bytes: Buffer | undefined): Map<number, (Buffer | bigint)[]> {
  const fields = new Map<number, (Buffer | bigint)[]>();
  let at = 0;
  const next = (): bigint => {
    let value = 0n;
    for (let shift = 0n; ; shift += 7n) {
      const byte = bytes?.[at++] ?? 0;
      value |= BigInt(byte & 0x7f) << shift;
      if (byte < 0x80) return value;
    }
  };
  while (bytes !== undefined && at < bytes.length) {
    const key = Number(next());
    const length = (key & 7) === 2 ? Number(next()) : undefined;
    const value = length === undefined ? next() : bytes.subarray(at, at + length);
    at += length ?? 0;
    fields.set(key >> 3, [...(fields.get(key >> 3) ?? []), value]);
  }
  return fields;
}

/** The texts of a field. */
export function texts(bytes: Buffer | undefined, number: number): string[] {
  return (readFields(bytes).get(number) ?? []).map(String);
}

function varint(value: bigint): Buffer {
  const bytes: number[] = [];
  let rest = value;
  do {
    const more = rest >= 0x80n ? 0x80 : 0;
    bytes.push(Number(rest & 0x7fn) | more);
    rest >>= 7n;
  } while (rest > 0n);
  return Buffer.from(bytes);
}
