import { createHash, randomBytes } from 'node:crypto';
import { createRemoteJWKSet, jwtVerify } from 'jose';
import { expect, test } from 'vitest';
import { builtInRoleId, demoFolders, dev, organization } from '../support/ids.ts';
import { startTestPlatform, type TestPlatform } from '../support/platform.ts';

const clock = { now: () => Date.now(), randomBytes: (count: number) => randomBytes(count) };

interface Line {
  readonly ready?: boolean;
  readonly cursor: string;
  readonly headers: Record<string, string>;
  readonly data: string;
}

/** The lines of a stream as they come. */
async function listen(platform: TestPlatform, token: string, query: string) {
  const abort = new AbortController();
  const response = await fetch(`${platform.urls.api}/local/v1/events:listen?${query}`, {
    headers: { authorization: `Bearer ${token}` },
    signal: abort.signal,
  });
  const lines: Line[] = [];
  const state = { ended: false };
  const read = async (): Promise<void> => {
    let text = '';
    for await (const chunk of response.body ?? []) {
      text += Buffer.from(chunk as Uint8Array).toString();
      const whole = text.split('\n');
      text = whole.pop() ?? '';
      lines.push(...whole.filter((line) => line !== '').map((line) => JSON.parse(line) as Line));
    }
  };
  if (response.ok) {
    void read()
      .catch(() => undefined)
      .finally(() => {
        state.ended = true;
      });
  }
  return { response, lines, state, stop: () => abort.abort() };
}

const until = (check: () => unknown) => expect.poll(check, { timeout: 30_000, interval: 10 });

test('events come as they happen, as a webhook of that group would get them', async () => {
  const platform = await startTestPlatform({ clock });
  const token = await platform.token(dev);
  const newGroup = (name: string, parent: string = organization) =>
    platform.call(token, 'POST', `/iam/v1/groups/${parent}`, { body: { name } });
  await newGroup('before');
  const stream = await listen(platform, token, `group=${organization}`);
  expect(stream.response.headers.get('content-type')).toBe('application/x-ndjson');
  await until(() => stream.lines.length).toBe(1);
  expect(stream.lines[0]).toEqual({ ready: true, cursor: '1' });

  const { body: group } = await newGroup('now', demoFolders.sandbox);
  await until(() => stream.lines.length).toBe(2);
  const event = stream.lines[1];
  expect(event?.cursor).toBe('2');
  expect(event?.headers).toMatchObject({
    'ce-type': 'dev.chainguard.api.iam.group.created.v1',
    'ce-subject': group.id,
  });
  expect(JSON.parse(event?.data ?? '')).toMatchObject({ body: { id: group.id, name: 'now' } });
  const keys = createRemoteJWKSet(new URL(`${platform.urls.issuer}/.well-known/jwks.json`));
  const bearer = event?.headers['authorization']?.replace('Bearer ', '') ?? '';
  const { payload } = await jwtVerify(bearer, keys, { issuer: platform.urls.issuer, audience: 'customer' });
  expect(payload.sub).toBe(`webhook:${organization}`);
  const digest = createHash('sha256')
    .update(event?.data ?? '')
    .digest('hex');
  expect(payload['webhook']).toEqual({ digest: `sha256:${digest}` });
  stream.stop();

  // Nothing is missed between two connections.
  await newGroup('between');
  const next = await listen(platform, token, `group=${organization}&after=${event?.cursor}`);
  await until(() => next.lines.length).toBe(2);
  expect(JSON.parse(next.lines[1]?.data ?? '').body.name).toBe('between');
  next.stop();
});

test('a long backlog comes whole and in order', async () => {
  const platform = await startTestPlatform({ clock });
  const token = await platform.token(dev);
  for (let count = 0; count < 230; count++) {
    await platform.call(token, 'POST', `/iam/v1/groups/${organization}`, { body: { name: `g${count}` } });
  }
  const stream = await listen(platform, token, `group=${organization}&after=0`);
  await until(() => stream.lines.length).toBe(231);
  const names = stream.lines.slice(1).map((line) => JSON.parse(line.data).body.name);
  expect(names).toEqual(Array.from({ length: 230 }, (_, count) => `g${count}`));
  stream.stop();
});

test('a stream ends with the right to see it, with its token, and with the platform', async () => {
  const platform = await startTestPlatform({ clock });
  const owner = await platform.token(dev);
  const identity = platform.user('reader@example.com', ['viewer', organization]);
  const stream = await listen(platform, await platform.token(identity), `group=${organization}`);
  await until(() => stream.lines.length).toBe(1);
  const list = await platform.call(owner, 'GET', `/iam/v1/rolebindings?uidp.children_of=${organization}`);
  const binding = list.body.items.find(
    (item: { identity: string; role: { id: string } }) =>
      item.identity === identity && item.role.id === builtInRoleId('viewer'),
  );
  await platform.call(owner, 'DELETE', `/iam/v1/rolebindings/${binding.id}`);
  await until(() => stream.state.ended).toBe(true);
  // Not even the event of its own end.
  expect(stream.lines).toHaveLength(1);

  const brief = await listen(platform, await platform.token(dev, { ttlSeconds: 2 }), `group=${organization}`);
  await until(() => brief.state.ended).toBe(true);

  const last = await listen(platform, owner, `group=${organization}`);
  await until(() => last.lines.length).toBe(1);
  // A stop that waited for who listens would never come to its end.
  await platform.stop();
  await until(() => last.state.ended).toBe(true);
});

test('it is for those who may list the subscriptions of that group', async () => {
  const platform = await startTestPlatform({ clock });
  const stranger = await platform.token(platform.user('stranger@example.com'));
  expect((await listen(platform, stranger, `group=${organization}`)).response.status).toBe(404);
  const puller = await platform.token(platform.user('puller@example.com', ['registry.pull', organization]));
  expect((await listen(platform, puller, `group=${organization}`)).response.status).toBe(403);
  const token = await platform.token(dev);
  expect((await listen(platform, token, '')).response.status).toBe(400);
  expect((await listen(platform, token, `group=${organization}&after=x`)).response.status).toBe(400);
  const wrong = await platform.token(dev, { audience: 'cgr.dev' });
  expect((await listen(platform, wrong, `group=${organization}`)).response.status).toBe(401);
});

test('an expired identity neither lists nor listens, and a stream ends when its identity does', async () => {
  const platform = await startTestPlatform({ clock });
  const identity = platform.user('temporary@example.com', ['owner', organization]);
  const token = await platform.token(identity);
  const paths = ['/local/v1/events/deliveries', '/iam/v1/groups'].map((path) => `${path}?group=${organization}`);
  const answers = async () => {
    const told = await Promise.all(paths.map((path) => platform.call(token, 'GET', path)));
    const stream = await listen(platform, token, `group=${organization}`);
    stream.stop();
    return [...told.map(({ status }) => status), stream.response.status];
  };
  expect(await answers()).toEqual([200, 200, 200]);

  const stream = await listen(platform, token, `group=${organization}`);
  await until(() => stream.lines.length).toBe(1);
  // Each commit looks again at who listens, so the stream knows of its end from here on.
  platform.store.transact((tx) =>
    tx.run('UPDATE identities SET expires_at = ? WHERE id = ?', clock.now() + 1500, identity),
  );
  expect(stream.state.ended).toBe(false);
  await until(() => stream.state.ended).toBe(true);
  expect(await answers()).toEqual([401, 401, 401]);
  const refused = await platform.call(token, 'GET', paths[0] ?? '');
  expect(refused.body.message).toBe('the identity of this token has expired');
});
