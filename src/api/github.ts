// Asking GitHub's public API which ids a repository has ("Get a repository" of its REST reference). Guarantees: one question,
// three seconds in all; the token of GH_TOKEN goes to that address and to nowhere a redirect points.

import { CliError } from '../errors.ts';
import type { Host } from '../host.ts';
import { isPrivateUrl } from '../loopback.ts';
import type { GithubRepository } from './github-rules.ts';
import { type HttpResponse, send } from './transport.ts';

/** Names the address that is asked in place of GitHub's; a platform of one's own simulates it. */
export const githubApiVariable = 'CHAINCTL_GITHUB_API';

const publicApi = 'https://api.github.com';
const waitMs = 3_000;
const maxBytes = 1024 * 1024;
const maxRedirects = 3;

/** A repository, or why there is no answer, as a clause. */
export type GithubAnswer = { readonly repository: GithubRepository } | { readonly reason: string };

export interface GithubQuestion {
  /** `owner/name`. */
  readonly repo: string;
  /** Origin of a platform that simulates GitHub: it needs no token of GitHub's, so it gets none. */
  readonly simulator: string;
  readonly signal: AbortSignal;
}

/** Throws a usage CliError when CHAINCTL_GITHUB_API holds no address, and the signal's reason when that ends it. */
export async function askGithub(host: Host, { repo, simulator, signal }: GithubQuestion): Promise<GithubAnswer> {
  const api = apiOf(host);
  const token = api.origin === simulator ? undefined : host.env['GH_TOKEN'];
  const [owner = '', name = ''] = repo.split('/');
  const path = `${api.pathname.replace(/\/+$/, '')}/repos/${encodeURIComponent(owner)}/${encodeURIComponent(name)}`;
  let response: HttpResponse;
  try {
    response = await get(host, new URL(path, api), token, signal);
  } catch (error) {
    if (signal.aborted || !(error instanceof CliError)) throw error;
    return { reason: lowerFirst(error.message) };
  }
  if (response.status !== 200) return { reason: refusalOf(response, api, token !== undefined && token !== '') };
  const repository = repositoryOf(response.text);
  return repository === undefined ? { reason: `${api.host} did not answer like GitHub` } : { repository };
}

function apiOf({ env }: Host): URL {
  const text = env[githubApiVariable] || publicApi;
  const url = URL.canParse(text) ? new URL(text) : undefined;
  if (url !== undefined && isPrivateUrl(url) && url.search === '' && url.hash === '' && url.username === '') return url;
  throw new CliError('usage', `${githubApiVariable} must be an https URL without query, not "${text}"`, {
    code: 'usage.bad-github-api',
    hint: `unset it to ask ${publicApi}`,
  });
}

/** Repositories that were renamed are answered by their id, with a redirect. */
async function get(host: Host, url: URL, token: string | undefined, signal: AbortSignal): Promise<HttpResponse> {
  const end = performance.now() + waitMs;
  let target = url;
  for (let hop = 0; ; hop += 1) {
    const response = await send(host, {
      method: 'GET',
      url: target.href,
      headers: {
        accept: 'application/vnd.github+json',
        'x-github-api-version': '2022-11-28',
        ...(token ? { authorization: `Bearer ${token}` } : {}),
      },
      timeoutMs: Math.max(1, Math.round(end - performance.now())),
      maxBytes: maxBytes,
      signal,
    });
    const location = response.headers['location'];
    if (![301, 302, 307, 308].includes(response.status) || typeof location !== 'string') return response;
    const next = URL.canParse(location, target.href) ? new URL(location, target.href) : undefined;
    if (next?.origin !== url.origin || hop === maxRedirects) return response;
    target = next;
  }
}

function refusalOf({ status, headers }: HttpResponse, api: URL, hasToken: boolean): string {
  if (status === 401) return `${api.host} does not take the token of GH_TOKEN`;
  if (status === 429 || (status === 403 && headers['x-ratelimit-remaining'] === '0')) {
    return `${api.host} answers no more for now${hasToken ? '' : '; it answers more often with a token in GH_TOKEN'}`;
  }
  if (status === 404) {
    return hasToken
      ? `${api.host} shows no such repository to the token of GH_TOKEN`
      : `${api.host} shows no such repository; a private one needs a token in GH_TOKEN`;
  }
  return `${api.host} answered ${status}`;
}

function repositoryOf(text: string): GithubRepository | undefined {
  let value: { id?: unknown; name?: unknown; owner?: { id?: unknown; login?: unknown } | null } | null;
  try {
    value = JSON.parse(text);
  } catch {
    return undefined;
  }
  const { id, name, owner } = value ?? {};
  const { id: ownerId, login } = owner ?? {};
  if (!isId(id) || !isId(ownerId) || !isName(name) || !isName(login)) return undefined;
  return { owner: login, ownerId: String(ownerId), name, id: String(id) };
}

const isId = (value: unknown): value is number => Number.isSafeInteger(value) && Number(value) > 0;

/** It becomes a part of a rule. */
const isName = (value: unknown): value is string => typeof value === 'string' && /^[\w.-]+$/.test(value);

const lowerFirst = (text: string) => text.replace(/^[A-Z](?=[a-z])/, (letter) => letter.toLowerCase());
