// The console (src/console) on the platform itself, at `/console`, with the platform's own sign-in; and `/`, which
// leads there. Guarantees: a page may do what the token of its login may do at the API, and nothing else.

import type { IncomingMessage } from 'node:http';
import type { OperationId } from '../../api/schema/operations.gen.ts';
import type { OperationTypes } from '../../api/schema/types.gen.ts';
import { grpcCodes } from '../../api/status.ts';
import { isUidp } from '../../api/uidp.ts';
import { createConsole } from '../../console/application.tsx';
import { type Caller, CallFailure, type FailureKind } from '../../console/caller.ts';
import type { CloudSetup, GoogleSetup } from '../../console/clouds.ts';
import { serveConsole } from '../../console/http.ts';
import type { Session } from '../../console/session.ts';
import type { Parts } from '../core/module.ts';
import { ask } from '../core/outgoing.ts';
import type { HttpHandler } from '../core/types.ts';
import { toStatusError } from '../http/answers.ts';
import type { BrowserSession } from '../issuer/browser-sessions.ts';
import type { IssuerFace } from '../issuer/module.ts';

export interface ConsoleNeeds {
  /** Cloud actions of pages for the person who signs in there; none unless said. */
  readonly consoleClouds?: ConsoleClouds | undefined;
  readonly issuer: Pick<IssuerFace, 'browserSession'>;
}

/** Settings of the operator; this module decides how they are asked for. */
export type ConsoleClouds = Pick<CloudSetup, 'awsTemplate'> & { readonly google?: Omit<GoogleSetup, 'ask' | 'gcloud'> };

const prefix = '/console';
/** Organization that a browser looked at last. */
const lastCookie = 'chainctl-console-organization';

export function createConsoleRoutes(parts: Parts & ConsoleNeeds): HttpHandler {
  const { urls, clock, issuer } = parts;
  const console = createConsole({
    prefix,
    platform: urls,
    clouds: cloudsOf(parts.consoleClouds),
    now: () => clock.now(),
    randomBytes: (count) => clock.randomBytes(count),
    signIn: (next, invite) => {
      const code = invite === undefined ? {} : { invite };
      return `/oauth?${new URLSearchParams({ client_id: 'chainctl-console', next, ...code })}`;
    },
    canSignOut: true,
  });
  const sessions = new WeakMap<BrowserSession, Session>();

  return {
    async handle(request, response, url) {
      if (url.pathname === '/') {
        response.writeHead(302, { location: prefix, 'content-length': '0' }).end();
        return true;
      }
      if (url.pathname !== prefix && !url.pathname.startsWith(`${prefix}/`)) return false;
      const login = await issuer.browserSession(request);
      let session = login && sessions.get(login);
      if (login !== undefined && session === undefined) {
        session = console.newSession(callerOf(parts, login));
        sessions.set(login, session);
      }
      await serveConsole(console, request, response, url, {
        session,
        // A browser may call this platform by another of its names.
        origin: `${new URL(urls.console).protocol}//${request.headers.host ?? new URL(urls.console).host}`,
        lastOrganization: cookieOf(request, lastCookie),
        beforeAnswer({ organization, signedOut }) {
          if (organization !== undefined && isUidp(organization)) {
            const kept = `${lastCookie}=${organization}; Path=${prefix}; Max-Age=31536000; HttpOnly; SameSite=Lax`;
            response.appendHeader('set-cookie', kept);
          }
          if (signedOut && login !== undefined) response.appendHeader('set-cookie', login.end());
        },
      });
      return true;
    },
  };
}

function cloudsOf({ google, ...rest }: ConsoleClouds = {}): CloudSetup {
  if (google === undefined) return rest;
  return {
    ...rest,
    google: {
      ...google,
      async ask({ method, url, headers, body }) {
        try {
          const sent = { method, headers, ...(body === undefined ? {} : { body }) };
          return await ask(new URL(url), { ...sent, timeoutMs: 10_000, maxBytes: 4 * 1024 * 1024 });
        } catch (error) {
          const reason = error instanceof Error ? error.message : String(error);
          throw new CallFailure('unreachable', `Google cannot be asked: ${reason}.`, error);
        }
      },
    },
  };
}

function callerOf({ call, urls, onDefect }: Parts, login: BrowserSession): Caller {
  const failed = (error: unknown): CallFailure => {
    const { status, unexpected } = toStatusError(error);
    if (unexpected) onDefect(error);
    return new CallFailure(kinds[status.code] ?? 'failed', sentence(status.message), error);
  };
  return {
    async call(id, request) {
      try {
        const authorization = `Bearer ${await login.accessToken()}`;
        const answer = await call(id as OperationId, request as object, authorization);
        // The dispatcher answers the message that belongs to the operation.
        return answer as OperationTypes[typeof id]['response'];
      } catch (error) {
        throw failed(error);
      }
    },
    async beside(method, path) {
      const headers = {
        authorization: `Bearer ${await login.accessToken().catch((error) => Promise.reject(failed(error)))}`,
      };
      const response = await fetch(`${urls.api}${path}`, { method, headers, redirect: 'error' });
      const body = (await response.json()) as { readonly code?: number; readonly message?: string };
      if (response.ok) return body;
      throw new CallFailure(kinds[body.code ?? 0] ?? 'failed', sentence(body.message ?? `status ${response.status}`));
    },
    async renew() {
      login.renew();
    },
  };
}

const kinds: Readonly<Record<number, FailureKind>> = {
  [grpcCodes.INVALID_ARGUMENT]: 'invalid',
  [grpcCodes.PERMISSION_DENIED]: 'refused',
  [grpcCodes.NOT_FOUND]: 'missing',
  [grpcCodes.ALREADY_EXISTS]: 'taken',
  [grpcCodes.FAILED_PRECONDITION]: 'taken',
  [grpcCodes.ABORTED]: 'taken',
  [grpcCodes.UNAUTHENTICATED]: 'signed-out',
  [grpcCodes.UNAVAILABLE]: 'unreachable',
  [grpcCodes.UNIMPLEMENTED]: 'missing',
};

/** Returns what the platform says, as a sentence of a page. */
function sentence(message: string): string {
  const text = message.trim();
  const first = text.slice(0, 1).toUpperCase() + text.slice(1);
  return /[.!?]$/.test(first) ? first : `${first}.`;
}

function cookieOf(request: IncomingMessage, name: string): string | undefined {
  for (const pair of (request.headers.cookie ?? '').split(';')) {
    const [key, value = ''] = pair.trim().split('=');
    if (key === name) return value;
  }
  return undefined;
}
