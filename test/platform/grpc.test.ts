// gRPC beside REST on one port, with a client that shares no protobuf code with the platform. Numbers are those of the
// public protos (spec/api.json).

import { once } from 'node:events';
import { connect, type Socket } from 'node:net';
import { setTimeout as sleep } from 'node:timers/promises';
import { gzipSync } from 'node:zlib';
import { afterEach, describe, expect, test, vi } from 'vitest';
import { operations } from '../../src/api/schema/operations.gen.ts';
import { grpcCodes, httpStatusOf } from '../../src/api/status.ts';
import { mintThirdPartyToken } from '../../src/local/issuer/simulated.ts';
import { createGrpcClient, field, frame, type GrpcClient, message, readFields, texts } from '../support/grpc-client.ts';
import { dev, developerIssuer, guest, organization, people } from '../support/ids.ts';
import { startTestPlatform, type TestPlatform } from '../support/platform.ts';

const clients = new Set<GrpcClient>();

afterEach(() => {
  for (const client of clients) client.close();
  clients.clear();
});

async function start(): Promise<{ platform: TestPlatform; client: GrpcClient; bearer: Record<string, string> }> {
  const platform = await startTestPlatform();
  const client = createGrpcClient(platform.urls.api);
  clients.add(client);
  return { platform, client, bearer: { authorization: `Bearer ${await platform.token(dev)}` } };
}

describe('the same operations', () => {
  test('a folder made over gRPC is what REST shows, and the reverse', async () => {
    const { platform, client, bearer } = await start();
    const token = await platform.token(dev);
    // CreateGroupRequest: parent 1, group 2; Group: id 1, name 2, description 3.
    const made = await client.call(
      '/chainguard.platform.iam.Groups/Create',
      message(field(1, organization), field(2, message(field(2, 'over-grpc'), field(3, 'naïve ✓')))),
      bearer,
    );
    expect(made).toMatchObject({ code: 0, httpStatus: 200 });
    const [id = ''] = texts(made.bytes, 1);
    const shown = await platform.call(token, 'GET', `/iam/v1/groups?id=${id}`);
    expect(shown.body.items).toMatchObject([{ id, name: 'over-grpc', description: 'naïve ✓' }]);
    expect(platform.events().at(-1)).toMatchObject({ type: 'dev.chainguard.api.iam.group.created.v1', subject: id });

    const { body } = await platform.call(token, 'POST', `/iam/v1/groups/${organization}`, {
      body: { name: 'over-rest' },
    });
    // GroupFilter: id 1; GroupList: items 1.
    const listed = await client.call('/chainguard.platform.iam.Groups/List', message(field(1, body.id)), bearer);
    const [item] = readFields(listed.bytes).get(1) ?? [];
    expect(texts(item as Buffer, 2)).toEqual(['over-rest']);

    // DeleteGroupRequest: id 1.
    const deleted = await client.call('/chainguard.platform.iam.Groups/Delete', message(field(1, id)), bearer);
    expect(deleted).toMatchObject({ code: 0, bytes: Buffer.alloc(0) });
    const again = await client.call('/chainguard.platform.iam.Groups/Delete', message(field(1, id)), bearer);
    expect(again).toMatchObject({ code: grpcCodes.NOT_FOUND, httpStatus: 200, bytes: undefined });
  });

  test('oneof, enum, map, times and durations are what they are over REST', async () => {
    const { platform, client, bearer } = await start();
    const token = await platform.token(dev);
    const { body: rest } = await platform.call(token, 'POST', `/iam/v1/identities/${organization}`, {
      body: { name: 'rest', claimMatch: { issuer: 'https://ci.example.com', subject: 'a', claims: { ref: 'main' } } },
    });
    const wanted = Object.entries(rest.claimMatch).filter(([, value]) => value !== '');
    expect(wanted.length).toBeGreaterThan(2);
    // IdentityFilter: id 2; IdentityList: items 1; Identity: claim_match 10.
    const listed = await client.call('/chainguard.platform.iam.Identities/List', message(field(2, rest.id)), bearer);
    const [item] = readFields(listed.bytes).get(1) ?? [];
    const identity = readFields(item as Buffer);
    // created_at 4 is a Timestamp: seconds 1, nanos 2.
    const created = readFields(identity.get(4)?.[0] as Buffer);
    const ms = Number(created.get(1)?.[0]) * 1000 + Number(created.get(2)?.[0] ?? 0) / 1e6;
    expect(new Date(ms).toISOString()).toBe(rest.createdAt);
    const claims = String(identity.get(10)?.[0]);
    expect(claims).toContain('https://ci.example.com');
    expect(claims).toMatch(/\n\u0003ref\u0012\u0004main/);

    // GroupInviteRequest: group 1, ttl 2 (Duration: seconds 1), role 3.
    const roles = await platform.call(token, 'GET', '/iam/v1/roles?name=viewer');
    const invite = await client.call(
      '/chainguard.platform.iam.GroupInvites/Create',
      message(field(1, organization), field(2, message(field(1, 3600))), field(3, roles.body.items[0].id)),
      bearer,
    );
    expect(invite.code, invite.message).toBe(0);
    const expiry = readFields((readFields(invite.bytes).get(2) ?? [])[0] as Buffer).get(1)?.[0];
    expect(Number(expiry) * 1000).toBe(Math.floor(Date.parse('2026-03-27T13:55:00.785Z') / 1000) * 1000 + 3_600_000);
  });

  test('a login is exchanged, and refused, as over REST', async () => {
    const { platform, client } = await start();
    const id = await mintThirdPartyToken(platform.store, {
      issuer: developerIssuer,
      subject: people[0]?.subject ?? '',
      audience: platform.urls.issuer,
      now: Date.parse('2026-03-27T13:55:00.785Z'),
    });
    // ExchangeRequest: aud 1.
    const path = '/chainguard.platform.oidc.SecurityTokenService/Exchange';
    const got = await client.call(path, message(field(1, platform.urls.api)), { authorization: `Bearer ${id}` });
    expect(got.code, got.message).toBe(0);
    const [token = ''] = texts(got.bytes, 1);
    const who = await client.call('/chainguard.platform.auth.Auth/Validate', message(), { authorization: token });
    expect(texts(who.bytes, 2)).toEqual([dev]);
    const none = await client.call(path, message(field(1, platform.urls.api)));
    expect(none).toMatchObject({ code: grpcCodes.UNAUTHENTICATED });
    const nowhere = await client.call(path, message(), { authorization: `Bearer ${id}` });
    expect(nowhere).toMatchObject({ code: grpcCodes.INVALID_ARGUMENT, message: 'Audience must be specified' });
  });

  test('a ping needs no token', async () => {
    const { platform, client } = await start();
    for (const [service, path] of [
      ['chainguard.platform.ping.PingService', '/ping/v1/ping'],
      ['chainguard.platform.ping.v2.PingService', '/ping/v2/ping'],
      ['chainguard.platform.ping.v2beta1.PingService', '/ping/v2beta1/ping'],
    ]) {
      expect(texts((await client.call(`/${service}/Ping`, message())).bytes, 1)).toEqual(['pong']);
      expect((await platform.call(undefined, 'GET', path ?? '')).body).toEqual({ response: 'pong' });
    }
  });

  test('who may not is refused with the code and the words of REST', async () => {
    const { platform, client } = await start();
    const token = await platform.token(guest);
    const rest = await platform.call(token, 'POST', `/iam/v1/groups/${organization}`, { body: { name: 'x' } });
    const grpc = await client.call(
      '/chainguard.platform.iam.Groups/Create',
      message(field(1, organization), field(2, message(field(2, 'x')))),
      { authorization: `Bearer ${token}` },
    );
    expect(grpc).toMatchObject({ code: rest.body.code, message: rest.body.message });
    expect(grpc.code).toBe(grpcCodes.PERMISSION_DENIED);
  });

  test('every operation is there, and nobody gets further without a token than over REST', async () => {
    const { client } = await start();
    for (const operation of Object.values(operations)) {
      const { code, message: text } = await client.call(operation.rpc, message());
      const needsToken = operation.iam === 'enabled' || operation.id.startsWith('oidc.');
      // Those without a token look at the message; what is not implemented says its name.
      if (code === grpcCodes.UNIMPLEMENTED) expect(text).toContain(operation.id);
      else if (needsToken) expect(code, `${operation.id}: ${text}`).toBe(grpcCodes.UNAUTHENTICATED);
      else expect([grpcCodes.INTERNAL, grpcCodes.UNKNOWN], `${operation.id}: ${text}`).not.toContain(code);
    }
  });
});

describe('what is not as it should be', () => {
  test('an unknown method, a message that is none, and one that is too large', async () => {
    const { platform, client, bearer } = await start();
    const list = '/chainguard.platform.iam.Groups/List';
    const unknown = await client.call('/chainguard.platform.iam.Groups/Explode', message(), bearer);
    expect(unknown).toMatchObject({ code: grpcCodes.UNIMPLEMENTED, httpStatus: 200 });
    expect(unknown.message).toContain('/chainguard.platform.iam.Groups/Explode');

    const garbage = await client.call(list, Buffer.from('0a', 'hex'), bearer);
    // As Go's server has it.
    expect(garbage).toMatchObject({ code: grpcCodes.INTERNAL });

    // 64 MiB of zeroes in 64 KiB: no more than the limit is unpacked.
    const stream = client.session.request({
      ':method': 'POST',
      ':path': list,
      'content-type': 'application/grpc',
      'grpc-encoding': 'gzip',
      te: 'trailers',
      ...bearer,
    });
    const status = new Promise((resolve, reject) => {
      stream.on('response', (headers) => headers['grpc-status'] && resolve(headers['grpc-status']));
      stream.on('trailers', (trailers) => resolve(trailers['grpc-status']));
      stream.on('error', reject);
    });
    stream.resume();
    stream.end(frame(gzipSync(Buffer.alloc(64 * 1024 * 1024)), 1));
    expect(Number(await status)).toBe(grpcCodes.RESOURCE_EXHAUSTED);

    expect(await client.call(list, message(), bearer)).toMatchObject({ code: 0 });
    expect(platform.log.filter(({ error }) => error !== undefined)).toEqual([]);
  });

  test('a path of a mask that no JSON can say is the mistake of who said it', async () => {
    const { platform, client, bearer } = await start();
    // UpdateGroupRequest: group 1, update_mask 2; Group: uid 1, name 3; FieldMask: paths 1.
    const update = (path: string) =>
      client.call(
        '/chainguard.platform.iam.v2.GroupsService/UpdateGroup',
        message(field(1, message(field(1, organization), field(3, 'x'))), field(2, message(field(1, path)))),
        bearer,
      );
    for (const path of ['updateTime', 'a B', 'Description']) {
      expect(await update(path), path).toMatchObject({ code: grpcCodes.INVALID_ARGUMENT });
    }
    expect(platform.log.filter(({ error }) => error !== undefined)).toEqual([]);
  });

  test('a text that SQLite would end early is refused', async () => {
    const { client, bearer } = await start();
    const group = message(field(2, 'a'), field(3, 'before\0behind'));
    const made = await client.call(
      '/chainguard.platform.iam.Groups/Create',
      message(field(1, organization), field(2, group)),
      bearer,
    );
    expect(made).toMatchObject({ code: 3 });
  });

  test('a deadline further away than timers count is none', async () => {
    const { client, bearer } = await start();
    const warnings: string[] = [];
    const warned = ({ name }: Error): unknown => warnings.push(name);
    process.on('warning', warned);
    for (const timeout of ['700H', '99999999H', '99999999M', '99999999S', '10S']) {
      const answer = await client.call('/chainguard.platform.iam.Groups/List', message(), {
        ...bearer,
        'grpc-timeout': timeout,
      });
      expect(answer, timeout).toMatchObject({ code: 0 });
    }
    process.off('warning', warned);
    expect(warnings).toEqual([]);
  });

  test('a foreign name, and HTTP/2 that is not gRPC', async () => {
    const { platform, client, bearer } = await start();
    const foreign = await client.call('/chainguard.platform.iam.Groups/List', message(), {
      ...bearer,
      ':authority': 'evil.example.com',
    });
    expect(foreign.httpStatus).toBe(421);
    const page = await client.call('/console', message(), { 'content-type': 'text/html' });
    expect(page.httpStatus).toBe(415);
    await expect.poll(() => platform.log.map(({ status }) => status)).toEqual([421, 415]);
  });

  test('long answers that are not read yet keep no other call of their connection out', async () => {
    const { platform, client, bearer } = await start();
    const set = 'UPDATE groups SET description = ? WHERE id = ?';
    platform.store.transact((tx) => tx.run(set, 'x'.repeat(2 << 20), organization));
    const unread = Array.from({ length: 12 }, () => {
      const stream = client.session.request({
        ':method': 'POST',
        ':path': '/chainguard.platform.iam.Groups/List',
        'content-type': 'application/grpc',
        te: 'trailers',
        ...bearer,
      });
      stream.end(frame(message()));
      return stream;
    });
    await Promise.all(unread.map((stream) => once(stream, 'response')));
    expect(await client.call('/chainguard.platform.auth.Auth/Validate', message(), bearer)).toMatchObject({ code: 0 });
    // Whoever goes away before the end is nobody's defect, and is not told of on standard error.
    const said = vi.spyOn(console, 'error');
    const closed = unread.map((stream) => once(stream, 'close'));
    for (const stream of unread) stream.destroy();
    await Promise.all(closed);
    await client.call('/chainguard.platform.auth.Auth/Validate', message(), bearer);
    expect(said).not.toHaveBeenCalled();
    expect(platform.log.filter(({ error }) => error !== undefined)).toEqual([]);
  });

  test('the log tells of calls, in the words of HTTP, without tokens', async () => {
    const { platform, client, bearer } = await start();
    await client.call('/chainguard.platform.iam.Groups/List', message(), bearer);
    await client.call('/chainguard.platform.iam.Groups/List', message());
    await expect.poll(() => platform.log.length).toBe(2);
    expect(platform.log).toMatchObject([
      {
        method: 'POST',
        path: '/chainguard.platform.iam.Groups/List',
        status: 200,
        operation: 'iam.v1.Groups.List',
        identity: dev,
      },
      { status: httpStatusOf(grpcCodes.UNAUTHENTICATED), operation: 'iam.v1.Groups.List' },
    ]);
    expect(JSON.stringify(platform.log)).not.toContain('eyJ');
  });
});

describe('one port', () => {
  test('a request of either protocol that comes byte by byte', async () => {
    const { platform } = await start();
    const { hostname, port } = new URL(platform.urls.api);
    const rest = connect(Number(port), hostname);
    const answer = collect(rest);
    for (const byte of `POST /iam/v1/groups/ HTTP/1.1\r\nHost: ${hostname}:${port}\r\nContent-Length: 0\r\nConnection: close\r\n\r\n`) {
      rest.write(byte);
      await sleep(1);
    }
    expect(await answer).toMatch(/^HTTP\/1\.1 401 /);

    const grpc = connect(Number(port), hostname);
    for (const byte of 'PRI * HTTP/2.0\r\n\r\nSM\r\n\r\n') {
      grpc.write(byte);
      await sleep(1);
    }
    grpc.write(Buffer.from('000000040000000000', 'hex'));
    const settings = await new Promise<Buffer>((resolve) => grpc.once('data', resolve));
    // The first frame of a server is its SETTINGS, type 4 (RFC 9113 3.4).
    expect(settings[3]).toBe(4);
    grpc.destroy();
  });

  test('neither a silent connection nor an open session keeps the platform from stopping', async () => {
    const { platform, client, bearer } = await start();
    const { hostname, port } = new URL(platform.urls.api);
    const silent = connect(Number(port), hostname);
    silent.on('error', () => {});
    const ended = new Promise((resolve) => silent.once('close', resolve));
    await client.call('/chainguard.platform.iam.Groups/List', message(), bearer);
    const gone = new Promise((resolve) => client.session.once('close', resolve));
    await platform.stop();
    await Promise.all([ended, gone]);
  });

  test('a client that has stopped does not keep the platform from stopping', async () => {
    const { platform } = await start();
    const { hostname, port } = new URL(platform.urls.api);
    const stopped = connect({ port: Number(port), host: hostname, allowHalfOpen: true });
    stopped.on('error', () => {});
    // The preface with empty settings.
    stopped.write(`PRI * HTTP/2.0\r\n\r\nSM\r\n\r\n\0\0\0\u0004\0\0\0\0\0`, 'latin1');
    await once(stopped, 'readable');
    // It reads nothing more, and does not hang up.
    await platform.stop();
    stopped.destroy();
  });

  test('what is neither is refused as before', async () => {
    const { platform } = await start();
    const { hostname, port } = new URL(platform.urls.api);
    for (const bytes of ['PRI * HTTP/3.0\r\n\r\n', 'P\r\n\r\n', '\u0016\u0003\u0001\u0000\u0000']) {
      const socket = connect(Number(port), hostname);
      const answer = collect(socket);
      socket.end(bytes, 'latin1');
      expect(await answer, JSON.stringify(bytes)).not.toMatch(/ 200 /);
    }
    expect((await platform.call(undefined, 'GET', '/.well-known/openid-configuration')).status).toBe(200);
  });
});

function collect(socket: Socket): Promise<string> {
  return new Promise((resolve) => {
    let text = '';
    socket.on('data', (chunk: Buffer) => {
      text += chunk.toString('latin1');
    });
    socket.on('error', () => resolve(text));
    socket.on('close', () => resolve(text));
  });
}
