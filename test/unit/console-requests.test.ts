// Which requests the console takes: from which page and site, of which method, and how large.

import { createServer, request as httpRequest, type IncomingHttpHeaders, type OutgoingHttpHeaders } from 'node:http';
import { type AddressInfo, connect } from 'node:net';
import { expect, onTestFinished, test } from 'vitest';
import type { Application } from '../../src/console/application.tsx';
import { serveConsole } from '../../src/console/http.ts';
import type { ConsoleRequest } from '../../src/console/request.ts';

/** A console whose only page says that it was reached. */
async function reached() {
  const requests: ConsoleRequest[] = [];
  const application: Application = {
    newSession: () => expect.fail('nobody signs in'),
    prepare: () => expect.fail('nothing is prepared'),
    answer: async (request) => {
      requests.push(request);
      return { status: 200, headers: {}, body: 'reached' };
    },
  };
  const server = createServer((request, response) => {
    void serveConsole(application, request, response, new URL(request.url ?? '', 'http://console.invalid'), {
      session: undefined,
      origin: 'http://console.invalid',
      lastOrganization: undefined,
      beforeAnswer: (_, response) => response.setHeader('x-before', 'yes'),
    });
  });
  await new Promise<void>((resolve) => server.listen(0, '127.0.0.1', resolve));
  onTestFinished(() => {
    server.closeAllConnections();
    server.close();
  });
  const { port } = server.address() as AddressInfo;
  const send = (method: string, headers: OutgoingHttpHeaders = {}, body = '') =>
    new Promise<{ readonly status?: number | undefined; readonly body: string; readonly headers: IncomingHttpHeaders }>(
      (resolve, reject) => {
        const outgoing = httpRequest({ port, host: '127.0.0.1', method, path: '/page?a=1', headers, agent: false });
        outgoing.once('response', async (response) => {
          let text = '';
          for await (const chunk of response.setEncoding('utf8')) text += chunk;
          resolve({ status: response.statusCode, body: text, headers: response.headers });
        });
        outgoing.once('error', reject).end(body);
      },
    );
  return { port, requests, send };
}

// `HOST`: where the request is sent to.
test.each<[what: string, origin: string | undefined, site: string | undefined, status: number]>([
  ['of the console', 'http://HOST', 'same-origin', 200],
  ['of the console, by a browser that does not say for which site', 'http://HOST', undefined, 200],
  ['of the console, that a person sent again', 'http://HOST', 'none', 200],
  ['of nobody', undefined, undefined, 403],
  ['of nobody, whatever it says of the site', undefined, 'same-origin', 403],
  ['of a sandbox', 'null', 'same-origin', 403],
  ['of another site', 'https://evil.example', 'cross-site', 403],
  ['of another site that says it is this one', 'https://evil.example', 'same-origin', 403],
  ['of another port', 'http://127.0.0.1:1', 'same-site', 403],
  ['of another port that says it is this one', 'http://127.0.0.1:1', 'same-origin', 403],
  ['of another name of the same site', 'http://HOST', 'same-site', 403],
  ['of another site under our name', 'http://HOST', 'cross-site', 403],
  ['of what is no origin', 'HOST', 'same-origin', 403],
])('a form %s', async (_, origin, site, status) => {
  const { port, requests, send } = await reached();
  const answer = await send(
    'POST',
    {
      ...(origin === undefined ? {} : { origin: origin.replace('HOST', `127.0.0.1:${port}`) }),
      ...(site === undefined ? {} : { 'sec-fetch-site': site }),
    },
    'name=value',
  );
  expect([answer.status, requests.length]).toEqual([status, status === 200 ? 1 : 0]);
});

test.each<[site: string | undefined, mode: string | undefined, status: number]>([
  [undefined, undefined, 200],
  ['none', 'navigate', 200],
  ['same-origin', 'cors', 200],
  ['same-origin', 'navigate', 200],
  ['cross-site', 'navigate', 200],
  ['same-site', 'navigate', 200],
  ['cross-site', 'no-cors', 403],
  ['cross-site', 'cors', 403],
  ['cross-site', undefined, 403],
  ['same-site', 'no-cors', 403],
])('a page asked for by site %s in mode %s', async (site, mode, status) => {
  const { requests, send } = await reached();
  for (const method of ['GET', 'HEAD']) {
    const answer = await send(method, {
      ...(site === undefined ? {} : { 'sec-fetch-site': site }),
      ...(mode === undefined ? {} : { 'sec-fetch-mode': mode }),
    });
    expect([method, answer.status]).toEqual([method, status]);
    if (method === 'HEAD') expect(answer.body).toBe('');
  }
  expect(requests.map(({ method }) => method)).toEqual(status === 200 ? ['GET', 'GET'] : []);
});

test.each(['PUT', 'PATCH', 'DELETE', 'OPTIONS'])('%s is no way to use a page', async (method) => {
  const { requests, send } = await reached();
  expect((await send(method)).status).toBe(405);
  expect(requests).toEqual([]);
});

test('a form is read to its end, up to 256 kB, and not a byte more', async () => {
  const { port, requests, send } = await reached();
  const own = { origin: `http://127.0.0.1:${port}` };
  const limit = 256 * 1024;
  expect((await send('POST', own, `a=${'x'.repeat(limit - 2)}`)).status).toBe(200);
  const refused = await send('POST', own, `a=${'x'.repeat(limit - 1)}`);
  expect([refused.status, refused.body.includes('It may have 256 kB.')]).toEqual([413, true]);
  expect(requests.map(({ fields }) => fields.get('a')?.length)).toEqual([limit - 2]);
});

test('a page is asked for with its query, and a form with what was typed', async () => {
  const { port, requests, send } = await reached();
  await send('GET');
  await send('POST', { origin: `http://127.0.0.1:${port}` }, 'name=a%26b');
  expect(requests.map(({ method, path, query, fields }) => [method, path, String(query), String(fields)])).toEqual([
    ['GET', '/page', 'a=1', ''],
    ['POST', '/page', 'a=1', 'name=a%26b'],
  ]);
});

test('an answer goes with what belongs to it, and has the length that it says, also where only the head is asked for', async () => {
  const { send } = await reached();
  for (const method of ['GET', 'HEAD']) {
    const { headers } = await send(method);
    expect([headers['x-before'], headers['content-length']]).toEqual(['yes', '7']);
  }
  expect((await send('PUT')).headers['x-before']).toBeUndefined();
});

test('a form that is refused before it was read ends its connection, one that was read does not', async () => {
  const { port } = await reached();
  /** The head of the answer to what is written so far. */
  const headFor = async (origin: string, body: string, length: number) => {
    const socket = connect(port, '127.0.0.1');
    onTestFinished(() => void socket.destroy());
    socket.write(`POST /page HTTP/1.1\r\nhost: 127.0.0.1:${port}\r\norigin: ${origin}\r\n`);
    socket.write(`content-length: ${length}\r\n\r\n${body}`);
    let text = '';
    for await (const chunk of socket.setEncoding('utf8')) {
      text += chunk;
      if (text.includes('\r\n\r\n')) break;
    }
    return text.toLowerCase();
  };
  expect(await headFor('https://evil.example', '', 3)).toMatch(/^http\/1.1 403 [\s\S]*connection: close/);
  expect(await headFor(`http://127.0.0.1:${port}`, 'a=b', 3)).toMatch(/^http\/1.1 200 [\s\S]*connection: keep-alive/);
});
