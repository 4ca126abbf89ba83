// Whose a signed AWS request is (protocols 3.5). Guarantees: the request is looked at before anybody is asked, in the
// order that the SDK does; it goes to the configured address only, once, with the headers that were signed and no
// others.

import { grpcCodes } from '../../api/status.ts';
import { memberOf, parseJson } from '../../json.ts';
import { quote } from '../../quote.ts';
import type { AwsCaller } from '../../trust/claim-match.ts';
import { permissionDenied } from '../core/failures.ts';
import { type PlatformClock, StatusError } from '../core/types.ts';
import type { VerifyAws } from './sts.ts';

export interface AwsVerifierOptions {
  /** Endpoint of AWS, e.g. `https://sts.amazonaws.com`. */
  readonly endpoint: string;
  /** Audiences of requests: the URLs of this issuer. */
  readonly audiences: readonly string[];
  readonly clock: PlatformClock;
}

interface SignedRequest {
  /** Path and query. */
  readonly target: string;
  /** By lower-case name, in the order they came. */
  readonly headers: readonly (readonly [name: string, value: string])[];
}

const signedHost = 'sts.amazonaws.com';
const scheme = 'AWS4-HMAC-SHA256 ';
const longest = 16 * 1024;
const bindingHeaders = ['host', 'x-amz-date', 'chainguard-audience', 'chainguard-identity'];
const onceOnly = ['authorization', 'host', 'x-amz-date', 'chainguard-audience', 'chainguard-identity'];
const oldestMs = 15 * 60_000;
const earliestMs = 5 * 60_000;
const timeoutMs = 10_000;
const maxBytes = 64 * 1024;

export function createAwsVerifier({ endpoint, audiences, clock }: AwsVerifierOptions): VerifyAws {
  return async (token, identity) => {
    const request = parse(token);
    for (const name of onceOnly) {
      if (valuesOf(request, name).length > 1) throw refused(`the header ${quote(name)} is there more than once`);
    }
    if (valuesOf(request, 'host')[0] !== signedHost) throw refused('it is not a request to AWS');
    checkSigned(valuesOf(request, 'authorization')[0] ?? '');
    const [audience = ''] = valuesOf(request, 'chainguard-audience');
    if (!audiences.includes(audience)) throw refused(`its audience ${quote(audience)} is another issuer`);
    const [bound = ''] = valuesOf(request, 'chainguard-identity');
    if (bound !== identity) throw refused(`it is for the identity ${quote(bound)}`);
    checkDate(valuesOf(request, 'x-amz-date')[0] ?? '', clock.now());
    return askAws(endpoint, request);
  };
}

/** Either alphabet of base64, padded or not. */
function parse(token: string): SignedRequest {
  if (token.length > longest || !/^[\w+/-]+={0,2}$/.test(token)) throw refused('it is not well encoded');
  const text = Buffer.from(token, 'base64').toString('latin1');
  const end = text.indexOf('\r\n\r\n');
  const [first = '', ...lines] = text.replace(/(\r\n)+$/, '').split('\r\n');
  if (end !== -1 && end + 4 < text.length) throw refused('it has a body');
  const [, method, target = ''] = /^([A-Z]+) (\S+) HTTP\/1\.1$/.exec(first) ?? [];
  if (method === undefined) throw refused('it is not a well-formed request');
  if (method !== 'POST') throw refused('it is not a POST request');
  const headers = lines.map((line): [string, string] => {
    const [, name = '', value] = /^([\w-]+):[ \t]*([\x20-\x7e]*)$/.exec(line) ?? [];
    if (value === undefined) throw refused('it is not a well-formed request');
    return [name.toLowerCase(), value.trim()];
  });
  // A request line with a whole address names the host itself (protocols 3.5).
  if (!/^https?:/.test(target)) return checked({ target, headers });
  const url = URL.canParse(target) ? new URL(target) : undefined;
  if (url === undefined) throw refused('it is not a well-formed request');
  const others = headers.filter(([name, value]) => name !== 'host' || value !== url.host);
  return checked({ target: `${url.pathname}${url.search}`, headers: [['host', url.host], ...others] });
}

/** Nothing else than asking who one is may be done with somebody's signature. */
function checked(request: SignedRequest): SignedRequest {
  const url = new URL(request.target, 'http://aws.invalid');
  const isQuestion = url.pathname === '/' && url.searchParams.get('Action') === 'GetCallerIdentity';
  if (!request.target.startsWith('/') || request.target.startsWith('//') || !isQuestion) {
    throw refused('it does not ask for the caller’s identity');
  }
  return request;
}

function valuesOf({ headers }: SignedRequest, name: string): string[] {
  return headers.filter(([key]) => key === name).map(([, value]) => value);
}

function checkSigned(authorization: string): void {
  const components = authorization.slice(scheme.length).split(',');
  const lists = components.map((one) => one.trim()).filter((one) => one.startsWith('SignedHeaders='));
  if (!authorization.startsWith(scheme) || lists.length !== 1) throw refused('it is not signed');
  const signed = new Set((lists[0] ?? '').slice('SignedHeaders='.length).toLowerCase().split(';'));
  const missing = bindingHeaders.find((name) => !signed.has(name));
  if (missing !== undefined) throw refused(`its signature does not cover the header ${quote(missing)}`);
}

function checkDate(text: string, now: number): void {
  const [, year, month, day, hour, minute, second] = /^(\d{4})(\d\d)(\d\d)T(\d\d)(\d\d)(\d\d)Z$/.exec(text) ?? [];
  const signedAt = Date.parse(`${year}-${month}-${day}T${hour}:${minute}:${second}Z`);
  if (Number.isNaN(signedAt)) throw refused('it has no date');
  if (signedAt > now + earliestMs) throw refused('it is dated in the future');
  if (signedAt < now - oldestMs) throw refused('it has expired');
}

async function askAws(endpoint: string, request: SignedRequest): Promise<AwsCaller> {
  const { status, text } = await send(endpoint, request);
  if (status >= 500 || status === 429) throw unavailable(`it answers with HTTP status ${status}`);
  const answer =
    status === 200
      ? memberOf(memberOf(parseJson(text), 'GetCallerIdentityResponse'), 'GetCallerIdentityResult')
      : undefined;
  const [account, arn, userId] = ['Account', 'Arn', 'UserId'].map((name) => memberOf(answer, name));
  if (typeof account !== 'string' || typeof arn !== 'string' || typeof userId !== 'string') {
    throw refused('AWS does not accept it');
  }
  return { account, arn, userId };
}

async function send(endpoint: string, { target, headers }: SignedRequest): Promise<{ status: number; text: string }> {
  const url = new URL(target, endpoint);
  const { request } = url.protocol === 'https:' ? await import('node:https') : await import('node:http');
  return new Promise((resolve, reject) => {
    const signal = AbortSignal.timeout(timeoutMs);
    const fail = () => reject(unavailable(signal.aborted ? 'it does not answer' : 'it cannot be reached'));
    const call = request(
      url,
      // No length but ours: there is no body.
      { method: 'POST', signal, agent: false, headers: { ...Object.fromEntries(headers), 'content-length': '0' } },
      (response) => {
        const chunks: Buffer[] = [];
        let size = 0;
        response.on('data', (chunk: Buffer) => {
          size += chunk.length;
          if (size > maxBytes) response.destroy(new Error('too long'));
          else chunks.push(chunk);
        });
        response.on('error', fail);
        response.on('end', () =>
          resolve({ status: response.statusCode ?? 0, text: Buffer.concat(chunks).toString('utf8') }),
        );
      },
    );
    call.on('error', fail);
    call.end();
  });
}

function refused(reason: string): StatusError {
  return permissionDenied(`the signed AWS request is not good: ${reason}`);
}

function unavailable(reason: string): StatusError {
  return new StatusError(grpcCodes.UNAVAILABLE, `AWS cannot be asked: ${reason}`);
}
