#!/usr/bin/env bash
# @connectrpc/connect-node 2.1.2 and 2.3.0: a call whose deadline is 25 days away or further ends at once with DEADLINE_EXCEEDED.
# The gRPC protocol lets a client say up to 99999999 hours (PROTOCOL-HTTP2.md, Timeout), and clients that mean "no deadline" send
# such times. Connect gives the milliseconds to setTimeout, which takes more than 2^31-1 of them for 1. @grpc/grpc-js 1.14.7, which
# asks here, knows that limit and takes such a deadline for none.
# What we do: drop such a header before Connect sees it (src/local/api/grpc/grpc.ts; test/platform/grpc.test.ts, "a deadline
# further away than timers count is none").
# Needs: Node, npm.
. "$(dirname "${BASH_SOURCE[0]}")/support.sh"
cat >ask.mjs <<'JS'
import http2 from 'node:http2';
import { Client, credentials } from '@grpc/grpc-js';
import { create, createFileRegistry } from '@bufbuild/protobuf';
import { FileDescriptorProtoSchema, file_google_protobuf_empty } from '@bufbuild/protobuf/wkt';
import { connectNodeAdapter } from '@connectrpc/connect-node';

const empty = 'google/protobuf/empty.proto';
const method = { name: 'Ask', inputType: '.google.protobuf.Empty', outputType: '.google.protobuf.Empty' };
const file = { name: 'one.proto', package: 'one', syntax: 'proto3', dependency: [empty], service: [{ name: 'One', method: [method] }] };
const registry = createFileRegistry(create(FileDescriptorProtoSchema, file), () => file_google_protobuf_empty);
const later = async (_, { signal }) => {
  await new Promise((resolve) => setTimeout(resolve, 100));
  signal.throwIfAborted();
  return {};
};
const server = http2.createServer(connectNodeAdapter({ routes: (router) => router.service(registry.getService('one.One'), { ask: later }) }));
server.listen(0, '127.0.0.1', async () => {
  const client = new Client(`127.0.0.1:${server.address().port}`, credentials.createInsecure());
  const ask = (days) =>
    new Promise((resolve) =>
      client.makeUnaryRequest('/one.One/Ask', (x) => x, (x) => x, Buffer.alloc(0), { deadline: Date.now() + days * 86_400_000 }, (error) =>
        resolve(error?.message ?? 'answered'),
      ),
    );
  console.log([await ask(24), await ask(25)].join('; '));
  client.close();
  server.close();
});
JS
for version in 2.1.2 2.3.0; do
  from_npm "@connectrpc/connect@$version" "@connectrpc/connect-node@$version" @bufbuild/protobuf@2.17.0 @grpc/grpc-js@1.14.7
  seen=$(node --no-warnings ask.mjs)
  expect "connect-node $version, 24 and 25 days" 'answered; 4 DEADLINE_EXCEEDED: the operation timed out' "$seen"
done
