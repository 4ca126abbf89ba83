// The console (src/console) on loopback, for one browser and the login of the command line. Guarantees: only who can read a file
// of the owner's gets in, once; another program on this machine or another site sees nothing, whatever port or name it has; no
// token leaves this process; when it ends, so does the session.

import { createHash, timingSafeEqual } from 'node:crypto';
import { createServer, type IncomingMessage, type Server, type ServerResponse } from 'node:http';
import type { AddressInfo } from 'node:net';
import { isUidp } from '../../api/uidp.ts';
import { writeFormFile } from '../../auth/sign-in-file.ts';
import type { Context } from '../../cli/context.ts';
import { groupDirectory } from '../../cli/inputs/references.ts';
import { alone, messagePage } from '../../console/answers.tsx';
import { createConsole } from '../../console/application.tsx';
import { EnterCode } from '../../console/enter-code.tsx';
import { readForm, send, serveConsole } from '../../console/http.ts';
import { findPage } from '../../console/navigation.ts';
import { pages } from '../../console/pages.gen.ts';
import { CliError, stackOf } from '../../errors.ts';
import { codeOf } from '../../files.ts';
import { nearest } from '../../suggest.ts';
import { createCaller } from './caller.ts';
import { cloudSetupOf } from './clouds.ts';
import { lastOrganizationOf } from './last-organization.ts';

export interface ConsoleServer {
  /** The address that asks for the code. */
  readonly url: string;
  /** `file:` of the page that sends it. */
  readonly file: string;
  stop(): Promise<void>;
}

/** Throws kind `usage` unless the path is one of a page, which may stand below an organization. */
async function requirePage(context: Context, path: string): Promise<void> {
  const steps = path.split('/').filter((step) => step !== '');
  if (findPage(steps) !== undefined) return;
  const [first = '', ...rest] = steps;
  if (findPage(rest) !== undefined && (isUidp(first) || (await groupDirectory(context)).byName.has(first))) return;
  const known = pages.flatMap((page) => (page.path === '' ? [] : [page.path])).sort();
  const near = nearest(steps.join('/'), known);
  throw new CliError('usage', `The console has no page "${path}"`, {
    code: 'usage.bad-value',
    hint: near === undefined ? `there are ${known.join(', ')}` : `did you mean "${near}"?`,
  });
}

const maxWrongCodes = 50;
const cookieName = 'chainctl-console';

export async function startConsole(
  context: Context,
  { page, port }: { readonly page: string; readonly port: number },
): Promise<ConsoleServer> {
  await requirePage(context, page);
  const { host, config } = context;
  const clouds = cloudSetupOf(context);
  const random = (bytes: number): string => Buffer.from(host.randomBytes(bytes)).toString('base64url');
  const server = createServer();
  const { port: taken } = await listen(server, port);
  const authority = `127.0.0.1:${taken}`;
  const url = `http://${authority}/`;
  // Cookies do not tell ports apart, but they tell paths: nobody else on this machine knows this one.
  const prefix = `/s-${random(16)}`;
  const code = random(16);
  const console = createConsole({
    prefix,
    clouds,
    platform: {
      api: config.get('platform.api'),
      issuer: config.get('platform.issuer'),
      registry: config.get('platform.registry'),
    },
    now: () => host.now(),
    randomBytes: (count) => host.randomBytes(count),
    signInHint: 'Log in again with `chainctl auth login` in a terminal; this page then goes on.',
  });
  const session = console.newSession(createCaller(context));
  // While the browser starts, and the answer is printed.
  void console.prepare(session, page);
  const file = writeFormFile({ name: 'console', title: 'Open the console', action: `${url}code`, fields: { code } });
  let cookie: string | undefined;
  let wrong = 0;
  const last = lastOrganizationOf(context);

  const takeCode = async (request: IncomingMessage, response: ServerResponse): Promise<void> => {
    const given = new URLSearchParams((await readForm(request)) ?? '').get('code') ?? '';
    if (cookie !== undefined)
      return send(request, response, messagePage(403, 'This console is open already', [usedHint]));
    if (wrong >= maxWrongCodes) return send(request, response, messagePage(429, 'Too many wrong codes', [usedHint]));
    if (!isSame(given.trim(), code)) {
      wrong += 1;
      return send(request, response, codePage(403, 'That is not the code of this console.'));
    }
    cookie = random(32);
    file.remove();
    const start = `${prefix}/${page.replace(/^\/|\/$/g, '')}`;
    const headers = { location: start, 'cache-control': 'no-store', 'referrer-policy': 'no-referrer' };
    // Lax: the way from the file to here is one from another site, and the first page has to come with it.
    response.setHeader('set-cookie', `${cookieName}=${cookie}; Path=${prefix}; HttpOnly; SameSite=Lax`);
    send(request, response, { status: 303, headers, body: '' });
  };

  const answer = async (request: IncomingMessage, response: ServerResponse): Promise<void> => {
    const { headers, method } = request;
    const target = request.url ?? '';
    // A page elsewhere can reach this port under a name of its own (DNS rebinding).
    if (headers.host !== authority || !target.startsWith('/') || target.startsWith('//')) {
      return send(request, response, messagePage(421, 'Not a name of this console', []));
    }
    const address = new URL(target, url);
    if (address.pathname === '/code' && method === 'POST') return takeCode(request, response);
    if (address.pathname === '/' && method === 'GET') {
      return send(
        request,
        response,
        cookie === undefined ? codePage(200, undefined) : messagePage(403, 'This console is open already', [usedHint]),
      );
    }
    if (address.pathname !== prefix && !address.pathname.startsWith(`${prefix}/`)) {
      return send(request, response, messagePage(404, 'There is no such page', [usedHint]));
    }
    if (cookie === undefined || !cookiesOf(request).some((value) => isSame(value, cookie ?? ''))) {
      return send(request, response, messagePage(403, 'This is not the browser that opened the console', [usedHint]));
    }
    await serveConsole(console, request, response, address, {
      session,
      origin: `http://${authority}`,
      lastOrganization: last.get(),
      beforeAnswer: ({ organization }) => {
        if (organization !== undefined) last.set(organization);
      },
    });
  };

  server.on('request', (request, response) => {
    answer(request, response).catch((error: unknown) => {
      context.debug(() => stackOf(error));
      if (response.headersSent) response.destroy();
      else
        send(
          request,
          response,
          messagePage(500, 'Something went wrong in chainctl', [
            'Its debug output says what: `chainctl console --log-level debug`.',
          ]),
        );
    });
  });

  return {
    url,
    file: file.url,
    async stop() {
      file.remove();
      const closed = new Promise<void>((resolve) => server.close(() => resolve()));
      server.closeAllConnections();
      await closed;
    },
  };
}

const usedHint = 'Open it again with `chainctl console`.';

const codePage = (status: number, problem: string | undefined) =>
  alone(status, 'Open the console', EnterCode({ action: '/code', problem }));

function cookiesOf({ headers }: IncomingMessage): string[] {
  return (headers.cookie ?? '').split(';').flatMap((pair) => {
    const [name, value = ''] = pair.trim().split('=');
    return name === cookieName ? [value] : [];
  });
}

const digest = (text: string): Buffer => createHash('sha256').update(text).digest();
const isSame = (given: string, wanted: string): boolean => timingSafeEqual(digest(given), digest(wanted));

function listen(server: Server, port: number): Promise<AddressInfo> {
  return new Promise((resolve, reject) => {
    server.once('error', (error) => {
      const reason = codeOf(error) === 'EADDRINUSE' ? 'another program is listening there' : codeOf(error);
      reject(
        new CliError('local', `Cannot listen on 127.0.0.1:${port}: ${reason}`, {
          code: 'local.listen',
          hint: 'choose another port with `--port`, or leave it out for any that is free',
          cause: error,
        }),
      );
    });
    // A listening TCP server has an address with a port.
    server.listen({ host: '127.0.0.1', port, exclusive: true }, () => resolve(server.address() as AddressInfo));
  });
}
