// The server of `chainctl console`: who gets in by the code, once, and what everybody else is told.

import { existsSync, readFileSync } from 'node:fs';
import { request as httpRequest, type OutgoingHttpHeaders } from 'node:http';
import { fileURLToPath } from 'node:url';
import { expect, onTestFinished, test } from 'vitest';
import { createContext, type Globals } from '../../src/cli/context.ts';
import { startConsole } from '../../src/commands/console/serve.ts';
import { fakeHost } from '../support/fake-host.ts';
import { stubServer } from '../support/stub-server.ts';

const globals: Globals = {
  ...{ config: undefined, context: undefined, output: undefined, sortBy: undefined, limit: undefined },
  ...{ query: undefined, forceColor: false, needs: false, csvRaw: false, assumeYes: false, debug: false },
  overrides: {},
};

interface Got {
  readonly status: number | undefined;
  readonly headers: Readonly<Record<string, string | string[] | undefined>>;
  readonly text: string;
}

async function started(page = '') {
  // Nobody listens there: pages say so, which is enough to know that they were reached.
  const host = fakeHost({ env: { CHAINGUARD_PLATFORM_API: (await stubServer()).url } });
  const context = createContext(host, globals, new AbortController().signal);
  await context.loadConfig();
  const server = await startConsole(context, { page, port: 0 });
  onTestFinished(() => server.stop());
  const file = fileURLToPath(server.file);
  const code = /name="code" value="([^"]+)"/.exec(readFileSync(file, 'utf8'))?.[1] ?? '';
  const { port, host: authority } = new URL(server.url);
  const send = (method: string, path: string, headers: OutgoingHttpHeaders = {}, body = '') =>
    new Promise<Got>((resolve, reject) => {
      const outgoing = httpRequest({
        ...{ port, host: '127.0.0.1', method, path, agent: false },
        headers: { host: authority, ...headers },
      });
      outgoing.once('response', async (response) => {
        let text = '';
        for await (const chunk of response.setEncoding('utf8')) text += chunk;
        resolve({ status: response.statusCode, headers: response.headers, text });
      });
      outgoing.once('error', reject).end(body);
    });
  const show = (given: string) => send('POST', '/code', {}, new URLSearchParams({ code: given }).toString());
  /** Opens it, as the page in the file does. */
  const open = async () => {
    const { headers } = await show(code);
    const [, cookie = '', path = ''] = /^([^;]+); Path=([^;]+)/.exec(String(headers['set-cookie'])) ?? [];
    return { cookie, path, location: String(headers['location']) };
  };
  return { server, file, code, authority, send, show, open };
}

test('the code opens it once: a cookie of its own path, and the page that was wanted', async () => {
  const { file, code, show, send } = await started('/settings/pull-tokens/');
  expect(code).toMatch(/^[\w-]{22}$/);
  const { status, headers } = await show(` ${code}\n`);
  expect([status, headers['cache-control'], headers['referrer-policy']]).toEqual([303, 'no-store', 'no-referrer']);
  expect(String(headers['set-cookie'])).toMatch(
    /^chainctl-console=[\w-]{43}; Path=\/s-[\w-]{22}; HttpOnly; SameSite=Lax$/,
  );
  const path = /Path=([^;]+)/.exec(String(headers['set-cookie']))?.[1];
  expect(headers['location']).toBe(`${path}/settings/pull-tokens`);
  // The page with the code is gone, and the code with it.
  expect(existsSync(file)).toBe(false);
  const again = await show(code);
  expect([again.status, again.headers['set-cookie']]).toEqual([403, undefined]);
  expect((await send('GET', '/')).status).toBe(403);
});

test('before it is open the code is asked for, and no page is there', async () => {
  const { send } = await started();
  const asked = await send('GET', '/');
  expect([asked.status, asked.text]).toEqual([200, expect.stringContaining('name="code"')]);
  for (const cookie of [undefined, 'chainctl-console=', 'chainctl-console=undefined']) {
    const { status } = await send('GET', '/s-/', cookie === undefined ? {} : { cookie });
    expect([cookie, status]).toEqual([cookie, 404]);
  }
});

test('another code is counted and gives nothing; after fifty not even the right one does', async () => {
  const { code, show } = await started();
  const wrong = [
    '',
    'x',
    code.slice(1),
    `${code}x`,
    code.toUpperCase() === code ? code.toLowerCase() : code.toUpperCase(),
  ];
  for (let count = 0; count < 50; count += 1) {
    const { status, headers } = await show(wrong[count % wrong.length] ?? '');
    expect([count, status, headers['set-cookie']]).toEqual([count, 403, undefined]);
  }
  const { status, headers } = await show(code);
  expect([status, headers['set-cookie']]).toEqual([429, undefined]);
});

test('after forty-nine wrong codes the right one still opens it', async () => {
  const { code, show } = await started();
  for (let count = 0; count < 49; count += 1) await show('wrong');
  expect((await show(code)).status).toBe(303);
});

test('pages are for the browser that opened it, below its path and nowhere else', async () => {
  const { send, open } = await started();
  const { cookie, path } = await open();
  // The platform does not answer, which the page itself says.
  const refused = 'This is not the browser that opened the console';
  for (const good of [cookie, `a=b; ${cookie}`, `chainctl-console=other; ${cookie}`]) {
    const { text } = await send('GET', `${path}/`, { cookie: good });
    expect(text).not.toContain(refused);
    expect(text).not.toContain('There is no such page');
  }
  const value = cookie.split('=')[1];
  for (const bad of [undefined, 'chainctl-console=', `${cookie}x`, `x${cookie}`, `other=${value}`]) {
    const { status, text } = await send('GET', `${path}/`, bad === undefined ? {} : { cookie: bad });
    expect([bad, status, text.includes(refused)]).toEqual([bad, 403, true]);
  }
  for (const elsewhere of [`${path}x`, `${path.slice(0, -1)}/`, '/settings', '/favicon.ico']) {
    const { status, text } = await send('GET', elsewhere, { cookie });
    expect([elsewhere, status, text.includes('There is no such page')]).toEqual([elsewhere, 404, true]);
  }
});

test('a form of another site is refused, although the cookie comes with it', async () => {
  const { send, open } = await started();
  const { cookie, path } = await open();
  const { status, text } = await send('POST', `${path}/sign-out`, { cookie, origin: 'http://127.0.0.1:1' });
  expect([status, text]).toEqual([403, expect.stringContaining('Nothing has been done.')]);
});

test.each(['localhost', 'evil.example', '127.0.0.1', '127.0.0.1:1'])(
  'under the name %s nothing is there, not even for the right code',
  async (name) => {
    const { authority, code, send } = await started();
    const host = name === 'localhost' ? authority.replace('127.0.0.1', name) : name;
    for (const path of ['/', '/code', '/s-x/']) {
      for (const method of ['GET', 'POST']) {
        const { status, headers } = await send(method, path, { host }, `code=${code}`);
        expect([path, method, status, headers['set-cookie']]).toEqual([path, method, 421, undefined]);
      }
    }
  },
);

test.each(['http://evil.example/', '//evil.example/', '*'])(
  'what is asked for is a path: %s is none',
  async (target) => {
    const { send } = await started();
    expect((await send('GET', target)).status).toBe(421);
  },
);

test('it ends with its file and its port', async () => {
  const { server, file, send } = await started();
  await server.stop();
  expect(existsSync(file)).toBe(false);
  await expect(send('GET', '/')).rejects.toMatchObject({ code: 'ECONNREFUSED' });
});
