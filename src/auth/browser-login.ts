// The browser login, client side (protocols 1). Guarantees: an answer is taken from this machine only, only with the
// secret of this very login in it, and only once; the token leaves the address bar at once; no wait is for ever.

import { timingSafeEqual } from 'node:crypto';
import { createServer, type IncomingMessage, type Server, type ServerResponse } from 'node:http';
import type { AddressInfo } from 'node:net';
import { CliError } from '../errors.ts';
import { codeOf } from '../files.ts';
import type { Host } from '../host.ts';
import { type Html, html, trustedHtml } from '../html.ts';
import { card } from '../look.ts';
import { type FormFile, writeSignInFile } from './sign-in-file.ts';

export interface BrowserLoginRequest {
  readonly issuer: string;
  readonly audience: readonly string[];
  /** With whom to sign in; exactly one way. */
  readonly provider:
    | { readonly kind: 'default'; readonly connection?: string }
    | { readonly kind: 'idp'; readonly id: string }
    | { readonly kind: 'org'; readonly name: string };
  /** UIDP of the identity to assume after signing in. */
  readonly identity?: string | undefined;
  readonly inviteCode?: string | undefined;
  readonly skipRegistration: boolean;
  readonly createRefreshToken: boolean;
  readonly screenHint?: string | undefined;
  /** Seconds after which the page closes its tab; undefined leaves it open. */
  readonly autocloseSeconds?: number | undefined;
  /** Milliseconds to wait for the person; five minutes unless said otherwise. */
  readonly timeoutMs?: number;
  /**
   * Throws `auth.no-browser` at once when no browser can be started, instead of waiting for somebody to find the
   * address.
   */
  readonly needsBrowser?: boolean;
  /** Takes an answer without the secret, for issuers that do not carry it (protocols Q4). */
  readonly acceptWithoutState?: boolean;
  readonly signal?: AbortSignal | undefined;
}

export interface BrowserLoginResult {
  readonly token: string;
  readonly refreshToken: string | undefined;
}

/**
 * Throws kind `auth` with code `auth.no-account` when the issuer knows no such account, `auth.denied` when it refuses.
 */
export async function browserLogin(host: Host, request: BrowserLoginRequest): Promise<BrowserLoginResult> {
  request.signal?.throwIfAborted();
  const state = Buffer.from(host.randomBytes(32)).toString('base64url');
  const listener = await listen();
  const receiver = createReceiver(host, request, state, listener.port);
  for (const server of listener.servers) {
    server.on('request', (incoming, response) => receiver.answer(incoming, response));
  }
  const timeoutMs = request.timeoutMs ?? 300_000;
  const timer = setTimeout(() => receiver.end(timedOut(timeoutMs)), timeoutMs);
  const abort = () => receiver.end(request.signal?.reason);
  request.signal?.addEventListener('abort', abort, { once: true });
  let file: FormFile | undefined;
  try {
    const redirect = `http://localhost:${listener.port}/callback?token=true&error=true&state=${state}`;
    const url = oauthUrl(request, redirect);
    // The browser is started first, because only then is it known which of the two sentences is true.
    file = writeSignInFile(host, url);
    const opened = await host.openBrowser(file?.url ?? url);
    if (!opened && request.needsBrowser) {
      throw new CliError('auth', 'No browser can be opened here', { code: 'auth.no-browser' });
    }
    host.stderr.write(`${opened ? 'Opening browser to' : 'Please open a browser to'} ${url}\n`);
    return await receiver.result;
  } finally {
    file?.remove();
    clearTimeout(timer);
    request.signal?.removeEventListener('abort', abort);
    for (const server of listener.servers) {
      server.close();
      server.closeAllConnections();
    }
  }
}

/** The address that starts a login (protocols 1.1), parameters sorted by key. */
export function oauthUrl(request: BrowserLoginRequest, redirect: string): string {
  const query = new URLSearchParams();
  query.set('exit', 'redirect');
  query.set('redirect', redirect);
  if (request.provider.kind === 'idp') query.set('idp_id', request.provider.id);
  else if (request.provider.kind === 'org') query.set('idp_id', request.provider.name);
  else {
    query.set('client_id', 'auth0');
    if (request.provider.connection !== undefined) query.set('connection', request.provider.connection);
  }
  if (request.inviteCode) query.set('invite', request.inviteCode);
  if (request.skipRegistration) query.set('skip_registration', 'true');
  if (request.identity) query.set('identity', request.identity);
  if (request.audience.length > 0) query.set('audience', request.audience.join(','));
  if (request.createRefreshToken) query.set('create_refresh_token', 'true');
  if (request.screenHint) query.set('screen_hint', request.screenHint);
  query.sort();
  return `${request.issuer.replace(/\/+$/, '')}/oauth?${query}`;
}

interface Receiver {
  readonly result: Promise<BrowserLoginResult>;
  answer(request: IncomingMessage, response: ServerResponse): void;
  end(reason: unknown): void;
}

/**
 * How long the page after the answer is waited for, in milliseconds: a browser that went away must not hold up a login.
 */
const pageWaitMs = 3_000;

function createReceiver(host: Host, request: BrowserLoginRequest, state: string, port: number): Receiver {
  let resolve: (result: BrowserLoginResult) => void = () => {};
  let reject: (reason: unknown) => void = () => {};
  const result = new Promise<BrowserLoginResult>((onResult, onFailure) => {
    resolve = onResult;
    reject = onFailure;
  });
  // A rejection before anybody waits is not an accident.
  result.catch(() => {});
  let received: BrowserLoginResult | undefined;
  let refused = false;
  let warned = false;
  const origin = `http://localhost:${port}`;
  const hosts = new Set([`localhost:${port}`, `127.0.0.1:${port}`, `[::1]:${port}`]);

  const answerPage = (response: ServerResponse, status: number, heading: string, lines: readonly string[]): void => {
    const nonce = nonceOf(host);
    sendPage(response, status, messagePage(heading, lines, nonce), nonce, '');
  };

  const answer = (incoming: IncomingMessage, response: ServerResponse): void => {
    const path = incoming.url ?? '/';
    // A page elsewhere can reach this port under a name of its own (DNS rebinding).
    if (!hosts.has(incoming.headers.host ?? '')) text(response, 403, 'Not a name of this machine.');
    else if (incoming.method !== 'GET') text(response, 405, 'Only GET is answered here.');
    else if (path.startsWith('/callback?')) callback(new URLSearchParams(path.slice(path.indexOf('?'))), response);
    else if (path === '/' && received !== undefined) finish(received, response);
    else text(response, 404, 'Nothing is here.');
  };

  const callback = (query: URLSearchParams, response: ServerResponse): void => {
    const given = query.get('state');
    const token = query.get('token');
    if (received !== undefined || refused) {
      answerPage(response, 409, 'This login is already complete', ['It was finished in another tab.']);
    } else if (!(given === null ? request.acceptWithoutState : isSame(given, state))) {
      if (!warned) host.stderr.write('Ignored an answer that did not belong to this login; still waiting\n');
      warned = true;
      answerPage(response, 400, 'This is not the login that chainctl waits for', [
        'Nothing has been done. Finish the sign-in in the tab that chainctl opened, or start it again.',
      ]);
      // An issuer that fills in nothing leaves the word with which the client said what it understands.
    } else if (token && token !== 'true') {
      received = { token, refreshToken: query.get('refresh_token') || undefined };
      const login = received;
      setTimeout(() => resolve(login), pageWaitMs).unref();
      response.writeHead(308, { ...guardHeaders, location: `${origin}/` }).end();
    } else {
      refuse(query, response);
    }
  };

  const finish = (login: BrowserLoginResult, response: ServerResponse): void => {
    response.once('close', () => resolve(login));
    const nonce = nonceOf(host);
    const scripts = request.autocloseSeconds === undefined ? '' : `script-src 'nonce-${nonce}'; `;
    sendPage(response, 200, finishedPage(request.autocloseSeconds, nonce), nonce, scripts);
  };

  const refuse = (query: URLSearchParams, response: ServerResponse): void => {
    refused = true;
    const status = /^\d{1,3}$/.test(query.get('status_code') ?? '') ? Number(query.get('status_code')) : 0;
    // As above: the client's own word is no reason.
    const said = query.get('error') === 'true' ? '' : oneLine(query.get('error') ?? '');
    // With an invite it is the code that was not found: an account would have been made.
    const isUnknown = status === 404 && !request.inviteCode;
    const failure = isUnknown
      ? new CliError('auth', 'Account not found, registration required', {
          code: 'auth.no-account',
          hint: 'sign in on a terminal to register, or with `--invite-code` if you were invited',
        })
      : new CliError('auth', `The login was refused: ${said || 'no reason was given'}`, {
          code: 'auth.denied',
          hint: 'try again with `chainctl auth login`',
        });
    response.once('close', () => reject(failure));
    if (isUnknown) {
      answerPage(response, 404, 'You have no account yet', ['chainctl tells you in your terminal how to go on.']);
    } else {
      answerPage(response, 400, 'You are not logged in', [
        said === '' ? 'The login was refused.' : `The login was refused: ${said}.`,
      ]);
    }
  };

  return { result, answer, end: reject };
}

interface Listener {
  readonly port: number;
  readonly servers: readonly Server[];
}

/** Listens on both loopback addresses on one port: `localhost` may mean either (protocols 1.8). */
async function listen(): Promise<Listener> {
  for (let attempt = 1; ; attempt += 1) {
    const first = await listenOn('127.0.0.1', 0);
    // A listening TCP server has an address with a port.
    const { port } = first.address() as AddressInfo;
    try {
      return { port, servers: [first, await listenOn('::1', port)] };
    } catch (error) {
      // Machines without IPv6 are served on IPv4; a port taken on one side only is chosen anew.
      if (codeOf(error) !== 'EADDRINUSE') return { port, servers: [first] };
      first.close();
      if (attempt === 10) throw new CliError('local', 'No free port for the answer of the browser', { cause: error });
    }
  }
}

async function listenOn(address: string, port: number): Promise<Server> {
  const server = createServer({ keepAlive: false });
  await new Promise<void>((resolve, reject) => {
    server.once('error', reject);
    server.listen({ host: address, port, exclusive: true }, () => {
      server.off('error', reject);
      resolve();
    });
  });
  return server;
}

const guardHeaders = {
  'cache-control': 'no-store',
  'referrer-policy': 'no-referrer',
  'x-content-type-options': 'nosniff',
  connection: 'close',
} as const;

function text(response: ServerResponse, status: number, body: string): void {
  response.writeHead(status, { ...guardHeaders, 'content-type': 'text/plain; charset=utf-8' }).end(`${body}\n`);
}

function sendPage(response: ServerResponse, status: number, html: string, nonce: string, scripts: string): void {
  response
    .writeHead(status, {
      ...guardHeaders,
      'content-type': 'text/html; charset=utf-8',
      'content-security-policy': `default-src 'none'; ${scripts}style-src 'nonce-${nonce}'; frame-ancestors 'none'`,
    })
    .end(html);
}

const stay = 'You can close this tab and go back to your terminal.';

/** The page after a login (protocols Q1). Without a countdown it holds no script. */
export function finishedPage(autocloseSeconds: number | undefined, nonce: string): string {
  const script = html`<script nonce="${nonce}">
let left = ${String(autocloseSeconds)};
const line = document.getElementById('closing');
const tick = () => {
  if (left > 0) {
    line.textContent = 'This tab closes in ' + left + (left === 1 ? ' second.' : ' seconds.');
    left -= 1;
    setTimeout(tick, 1000);
    return;
  }
  window.close();
  line.textContent = '${stay}';
};
tick();
</script>
`;
  const body = html`<h1>You are logged in</h1>
<p>chainctl has your login.</p>
<p id="closing">${stay}</p>`;
  return page('Logged in', body, nonce, autocloseSeconds === undefined ? undefined : script);
}

/** Text beside it: that it did not work, and why. */
export function messagePage(heading: string, lines: readonly string[], nonce: string): string {
  const texts = [...lines, stay].map((line) => html`<p>${line}</p>`);
  return page(
    heading,
    html`<h1>${heading}</h1>
${texts}`,
    nonce,
    undefined,
  );
}

function page(title: string, body: Html, nonce: string, script: Html | undefined): string {
  return html`<!doctype html>
<html lang="en">
<head>
<meta charset="utf-8">
<meta name="viewport" content="width=device-width, initial-scale=1">
<title>${title} - chainctl</title>
<style nonce="${nonce}">${trustedHtml(card)}</style>
</head>
<body>
<main>
<p class="brand"><b>chainctl</b></p>
${body}
</main>
${script}</body>
</html>
`.text;
}

function nonceOf(host: Host): string {
  return Buffer.from(host.randomBytes(16)).toString('base64');
}

function isSame(given: string, wanted: string): boolean {
  const left = Buffer.from(given);
  const right = Buffer.from(wanted);
  return left.length === right.length && timingSafeEqual(left, right);
}

function oneLine(value: string): string {
  return value
    .slice(0, 500)
    .replaceAll(/[\0-\x1f\x7f-\x9f]+/g, ' ')
    .trim()
    .replace(/\.$/, '');
}

function timedOut(timeoutMs: number): CliError {
  return new CliError('timeout', `The login was not finished within ${Math.round(timeoutMs / 1000)} s`, {
    code: 'auth.login-timeout',
    hint: 'try again with `chainctl auth login`',
  });
}
