// Google Cloud on one loopback port, as its REST references describe it: sign-in by OAuth with PKCE, projects, services, workload
// identity pools, service accounts, roles and policies. It keeps what it is told, checks who asks, and takes a while.

import { createHash, randomUUID } from 'node:crypto';
import { createServer } from 'node:http';
import type { AddressInfo } from 'node:net';
import { onTestFinished } from 'vitest';
import { type GoogleAddresses, googleAddressesIn, googleVariables } from '../../src/console/clouds.ts';

type Json = Record<string, unknown>;

export interface LoopbackGoogle {
  readonly url: string;
  readonly addresses: GoogleAddresses;
  /** For programs that are to use it. */
  readonly env: Readonly<Record<string, string>>;
  readonly client: { readonly id: string; readonly secret: string };
  /** What the project `acme-prod` has, by its address behind `/v1/`. */
  readonly resources: Map<string, Json>;
  /** Method and path of each call with a token. */
  readonly calls: string[];
  /** The token that counts; another one is what an hour does. */
  token: string;
  /** Permission that the person lacks, answered for paths that match. */
  forbidden: RegExp | undefined;
}

const number = '424242424242';
const project = { projectId: 'acme-prod', projectNumber: number, name: 'Acme production', lifecycleState: 'ACTIVE' };
const other = { projectId: 'acme-gone', projectNumber: '1', name: 'Gone', lifecycleState: 'DELETE_REQUESTED' };

export async function startLoopbackGoogle(): Promise<LoopbackGoogle> {
  const codes = new Map<string, URLSearchParams>();
  const operations = new Map<string, number>();
  const policies = new Map<string, { etag: string; bindings: unknown[] }>();
  const client = { id: 'client-1.apps.googleusercontent.com', secret: 'not-much-of-one' };

  const server = createServer(async (request, response) => {
    let text = '';
    for await (const chunk of request.setEncoding('utf8')) text += chunk;
    const url = new URL(request.url ?? '/', 'http://google.example');
    const send = (status: number, value: object) => {
      response.writeHead(status, { 'content-type': 'application/json' }).end(JSON.stringify(value));
    };
    if (url.pathname === '/favicon.ico') return void response.writeHead(204).end();
    if (url.pathname === '/oauth/auth') return authorize(url, response);
    if (url.pathname === '/oauth/token') {
      const [status, answer] = trade(new URLSearchParams(text));
      return send(status, answer);
    }
    const fail = (code: number, status: string, message: string) => send(code, { error: { code, status, message } });
    if (request.headers.authorization !== `Bearer ${google.token}`)
      return fail(401, 'UNAUTHENTICATED', 'Request had invalid authentication credentials.');
    const path = url.pathname.replace(/^\/(projects|services|iam)\/v1\//, '');
    google.calls.push(`${request.method} ${path}${url.search}`);
    if (google.forbidden?.test(path)) return fail(403, 'PERMISSION_DENIED', `Permission denied on resource ${path}.`);
    const answer = serve(request.method ?? '', path, url.searchParams, text === '' ? {} : (JSON.parse(text) as Json));
    if (answer === undefined) return fail(404, 'NOT_FOUND', `Resource ${path} was not found.`);
    if (typeof answer === 'string') return fail(409, 'ALREADY_EXISTS', answer);
    send(200, answer);
  });

  /** The page where a person chooses an account. */
  const authorize = (url: URL, response: import('node:http').ServerResponse): void => {
    const { searchParams: query } = url;
    const code = randomUUID();
    codes.set(code, query);
    const back = new URL(query.get('redirect_uri') ?? '');
    back.search = String(new URLSearchParams({ state: query.get('state') ?? '', code }));
    const isGood =
      query.get('client_id') === client.id &&
      query.get('response_type') === 'code' &&
      query.get('code_challenge_method') === 'S256' &&
      (query.get('scope') ?? '').includes('https://www.googleapis.com/auth/cloud-platform');
    response.writeHead(isGood ? 200 : 400, { 'content-type': 'text/html' });
    response.end(
      isGood
        ? `<!doctype html><html lang="en"><title>Google</title><h1>Choose an account</h1><a href="${back.href.replaceAll('&', '&amp;')}">kim@acme.example</a></html>`
        : '<!doctype html><title>Google</title><h1>Error 400: invalid_request</h1>',
    );
  };

  const trade = (form: URLSearchParams): [number, Json] => {
    const asked = codes.get(form.get('code') ?? '');
    codes.delete(form.get('code') ?? '');
    const challenge = createHash('sha256')
      .update(form.get('code_verifier') ?? '')
      .digest('base64url');
    const isGood =
      asked !== undefined &&
      form.get('client_id') === client.id &&
      form.get('client_secret') === client.secret &&
      form.get('redirect_uri') === asked.get('redirect_uri') &&
      challenge === asked.get('code_challenge');
    if (!isGood) return [400, { error: 'invalid_grant', error_description: 'Bad Request' }];
    return [200, { access_token: google.token, expires_in: 3599, token_type: 'Bearer' }];
  };

  const later = (): Json => {
    const name = `operations/acf.${randomUUID()}`;
    operations.set(name, 1);
    return { name };
  };

  /** Undefined: not there. A text: it exists already. */
  const serve = (method: string, path: string, query: URLSearchParams, body: Json): Json | string | undefined => {
    const { resources } = google;
    if (operations.has(path)) {
      const left = operations.get(path) ?? 0;
      operations.set(path, left - 1);
      return left > 0 ? { name: path } : { name: path, done: true, response: {} };
    }
    if (method === 'GET' && path === 'projects') {
      return query.has('pageToken') ? { projects: [project] } : { projects: [other], nextPageToken: 'more' };
    }
    if (method === 'GET' && path === 'projects/acme-prod') return project;
    if (method === 'POST' && path === `projects/${number}/services:batchEnable`) {
      for (const service of body['serviceIds'] as string[])
        resources.set(`projects/${number}/services/${service}`, { state: 'ENABLED' });
      return later();
    }
    const [, policied, verb] = /^(.+):(getIamPolicy|setIamPolicy)$/.exec(path) ?? [];
    if (policied !== undefined) {
      if (policied !== 'projects/acme-prod' && !resources.has(policied)) return undefined;
      const now = policies.get(policied) ?? {
        etag: 'BwX0',
        bindings: [{ role: 'roles/owner', members: ['user:kim@acme.example'] }],
      };
      if (verb === 'getIamPolicy') return { version: 1, ...now };
      const { etag, bindings } = body['policy'] as { etag: string; bindings: unknown[] };
      if (etag !== now.etag) return 'There were concurrent policy changes.';
      policies.set(policied, { etag: `BwX${policies.size + 1}${etag.length}`, bindings });
      return { etag, bindings };
    }
    const made = /^(.+)\/(workloadIdentityPools|providers|serviceAccounts|roles)$/.exec(path);
    if (method === 'POST' && made !== null) {
      const [, , kind] = made;
      const id =
        query.get('workloadIdentityPoolId') ??
        query.get('workloadIdentityPoolProviderId') ??
        (kind === 'roles' ? String(body['roleId']) : `${String(body['accountId'])}@acme-prod.iam.gserviceaccount.com`);
      const name = `${path}/${id}`;
      if (resources.has(name)) return `Requested entity ${name} already exists`;
      const isPool = kind === 'workloadIdentityPools' || kind === 'providers';
      if (isPool && !resources.has(`projects/${number}/services/iamcredentials.googleapis.com`)) return undefined;
      resources.set(name, { name, ...body, ...(isPool ? { state: 'ACTIVE' } : {}) });
      return isPool
        ? { ...later(), name: `${name}/${String(later()['name'])}`, done: true }
        : (resources.get(name) ?? {});
    }
    if (method === 'PATCH' && resources.has(path)) {
      resources.set(path, { ...resources.get(path), ...body });
      return { name: `${path}/operations/1`, done: true };
    }
    return method === 'GET' ? resources.get(path) : undefined;
  };

  await new Promise<void>((resolve) => server.listen(0, '127.0.0.1', resolve));
  onTestFinished(() => {
    server.closeAllConnections();
    server.close();
  });
  // A listening TCP server has an address with a port.
  const { port } = server.address() as AddressInfo;
  const url = `http://127.0.0.1:${port}`;
  const env = {
    [googleVariables.oauth]: `${url}/oauth`,
    [googleVariables.projects]: `${url}/projects`,
    [googleVariables.services]: `${url}/services`,
    [googleVariables.workloadIdentity]: `${url}/iam`,
  };
  const google: LoopbackGoogle = {
    url,
    addresses: googleAddressesIn(env),
    env,
    client,
    resources: new Map(),
    calls: [],
    token: `ya29.${randomUUID()}`,
    forbidden: undefined,
  };
  return google;
}
