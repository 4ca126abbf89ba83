// Answers of the sign-in's pages, and what they accept from browsers. Guarantees: forms come from our own pages; a page runs
// no script, is in no frame, and leads only where it says.

import type { IncomingMessage, ServerResponse } from 'node:http';
import { httpStatusOf } from '../../../api/status.ts';
import type { StatusError } from '../../core/types.ts';
import { readText } from '../../http/request-body.ts';
import type { Page } from './page.ts';

const maxFormBytes = 16 * 1024;

/** A failure that only the person at the browser can be told. */
export class PageError extends Error {
  override readonly name = 'PageError';
  readonly status: number;
  readonly lines: readonly string[];

  constructor(status: number, message: string, lines: readonly string[]) {
    super(message);
    this.status = status;
    this.lines = lines;
  }
}

export function toPageError(error: StatusError): PageError {
  return new PageError(httpStatusOf(error.code), 'This sign-in cannot be done', [error.message]);
}

/** A page of another site may lead here, as a link does, and not ask behind a person's back, as an image does. */
export function refuseEmbedded(request: IncomingMessage): void {
  const { 'sec-fetch-site': site, 'sec-fetch-dest': kind } = request.headers;
  if (site === undefined || site === 'none' || site === 'same-origin' || kind === 'document') return;
  throw new PageError(403, 'This sign-in was asked for by another site', ['Nothing has been done.']);
}

/** The fields of a form that one of our own pages sent. */
export async function readForm(request: IncomingMessage): Promise<URLSearchParams> {
  const site = request.headers['sec-fetch-site'];
  if (site !== undefined && site !== 'same-origin') {
    throw new PageError(403, 'This sign-in was sent from another site', [
      'Nothing has been done. Start again from the program that wanted you to sign in.',
    ]);
  }
  return readFormOfAnySite(request);
}

/** The fields of a form, whoever sent it: for forms whose content is the proof. */
export async function readFormOfAnySite(request: IncomingMessage): Promise<URLSearchParams> {
  return new URLSearchParams(await readText(request, maxFormBytes));
}

export function sendFailure(response: ServerResponse, redirect: URL, error: StatusError): void {
  const status = httpStatusOf(error.code);
  // `error=true` in the address says that the program understands failures; older ones would take them for nothing.
  if (!redirect.searchParams.has('error')) throw toPageError(error);
  sendRedirect(response, redirect, { error: error.message, status_code: String(status) });
}

/** Overwrites what the address said of results, and keeps every other key of it (protocols 1.4). */
export function sendRedirect(response: ServerResponse, redirect: URL, results: Readonly<Record<string, string>>): void {
  const target = new URL(redirect);
  for (const key of ['token', 'refresh_token', 'error', 'status_code']) target.searchParams.delete(key);
  for (const [key, value] of Object.entries(results)) {
    if (value !== '') target.searchParams.set(key, value);
  }
  response.writeHead(303, { location: target.href, ...privacyHeaders, 'content-length': '0' });
  response.end();
}

export const privacyHeaders = {
  'cache-control': 'no-store',
  'referrer-policy': 'no-referrer',
  'x-content-type-options': 'nosniff',
} as const;

/** `targets`: where the page's forms lead besides this server; undefined for a page without forms. */
export function sendPage(
  response: ServerResponse,
  status: number,
  page: Page,
  targets: readonly string[] | undefined,
): void {
  const policy = [
    "default-src 'none'",
    `style-src 'sha256-${page.styleDigest}'`,
    // Browsers hold the redirects that follow a form to this list too.
    `form-action ${targets === undefined ? "'none'" : ["'self'", ...targets].join(' ')}`,
    "frame-ancestors 'none'",
    "base-uri 'none'",
  ];
  response.writeHead(status, {
    'content-type': 'text/html; charset=utf-8',
    'content-length': Buffer.byteLength(page.html),
    'content-security-policy': policy.join('; '),
    'cross-origin-opener-policy': 'same-origin',
    'x-frame-options': 'DENY',
    ...privacyHeaders,
  });
  response.end(page.html);
}

/**
 * Returns where the form may lead: the program's address, and `localhost`, to which such programs redirect once more.
 */
export function formTargets(redirect: URL): Set<string> {
  const port = redirect.port || '80';
  // The grammar of the policy has no IPv6 addresses.
  const host = redirect.hostname.startsWith('[') ? '*' : redirect.hostname;
  return new Set([`http://${host}:${port}`, `http://localhost:${port}`]);
}
