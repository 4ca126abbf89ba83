import { createServer } from 'node:http';
import type { AddressInfo } from 'node:net';
import { createRemoteJWKSet, jwtVerify } from 'jose';
import { onTestFinished } from 'vitest';
import { authorization as signature } from '../../src/aws-signature.ts';

/** What the customer has set up in the cloud. */
export interface Trust {
  /** URL of the platform's issuer. */
  readonly issuer: string;
  readonly audience: string;
  readonly subject: string;
}

export interface CloudRequest {
  readonly path: string;
  readonly headers: Readonly<Record<string, string | string[] | undefined>>;
  readonly body: string;
}

export interface LoopbackClouds {
  readonly url: string;
  readonly requests: CloudRequest[];
  trust: Trust | undefined;
  /** What the clouds take for the time, milliseconds. */
  now: () => number;
  /** Answers everything so instead, when set. */
  answer: { readonly status: number; readonly headers?: Record<string, string>; readonly body: string } | undefined;
}

/**
 * The token exchanges of three clouds on one loopback port. Tokens are verified as the clouds verify them: issuer and
 * keys by OpenID Connect discovery, then audience and subject as configured.
 */
export async function startLoopbackClouds(): Promise<LoopbackClouds> {
  const requests: CloudRequest[] = [];
  const server = createServer(async (incoming, response) => {
    let body = '';
    for await (const chunk of incoming.setEncoding('utf8')) body += chunk;
    const path = incoming.url ?? '';
    requests.push({ path, headers: incoming.headers, body });
    const fixed = clouds.answer;
    const reply = fixed ?? (await answerTo(path, incoming.headers, body));
    response.writeHead(reply.status, { 'content-type': 'application/json', ...reply.headers });
    response.end(reply.body);
  });
  await new Promise<void>((resolve) => server.listen(0, '127.0.0.1', resolve));
  onTestFinished(() => {
    server.closeAllConnections();
    server.close();
  });
  // A listening TCP server has an address with a port.
  const { port } = server.address() as AddressInfo;

  const refusal = async (token: string | undefined): Promise<string | undefined> => {
    const { trust, now } = clouds;
    if (token === undefined || trust === undefined) return 'No OpenIDConnect provider found in your account';
    try {
      const discovery = await fetch(`${trust.issuer}/.well-known/openid-configuration`, { redirect: 'error' });
      const { issuer, jwks_uri: keys } = (await discovery.json()) as { issuer: string; jwks_uri: string };
      if (issuer !== trust.issuer) return 'The issuer publishes another name';
      await jwtVerify(token, createRemoteJWKSet(new URL(keys)), {
        ...trust,
        algorithms: ['RS256'],
        currentDate: new Date(now()),
        requiredClaims: ['iat', 'exp'],
      });
      return undefined;
    } catch (error) {
      return error instanceof Error ? error.message : 'unknown';
    }
  };

  const answerTo = async (
    path: string,
    headers: CloudRequest['headers'],
    body: string,
  ): Promise<{ status: number; headers?: Record<string, string>; body: string }> => {
    const authorization = headers['authorization'] as string | undefined;
    const json = (status: number, value: object) => ({ status, body: JSON.stringify(value) });
    if (path === '/aws/') {
      const form = new URLSearchParams(body);
      const reason = await refusal(form.get('WebIdentityToken') ?? undefined);
      const xml = (status: number, text: string) => ({ status, headers: { 'content-type': 'text/xml' }, body: text });
      const [, role] =
        /^arn:aws:iam::123456789012:role\/chainguard-(canary|cosigned)$/.exec(form.get('RoleArn') ?? '') ?? [];
      if (role === undefined) {
        return xml(403, awsError('AccessDenied', 'Not authorized to perform sts:AssumeRoleWithWebIdentity'));
      }
      if (reason !== undefined) return xml(400, awsError('InvalidIdentityToken', reason));
      return xml(
        200,
        '<AssumeRoleWithWebIdentityResponse xmlns="https://sts.amazonaws.com/doc/2011-06-15/"><AssumeRoleWithWebIdentityResult><Credentials><AccessKeyId>ASIA0000000000000001</AccessKeyId><SecretAccessKey>the-key-of-the-role</SecretAccessKey><SessionToken>of-the-session</SessionToken></Credentials></AssumeRoleWithWebIdentityResult></AssumeRoleWithWebIdentityResponse>',
      );
    }
    if (path === '/ecr/') {
      const signed = { accessKeyId: 'ASIA0000000000000001', secretAccessKey: 'the-key-of-the-role' };
      const names = /SignedHeaders=([^,]+)/.exec(authorization ?? '')?.[1]?.split(';') ?? [];
      const [, region = ''] = /Credential=[^/]+\/\d{8}\/([^/]+)\/ecr\/aws4_request/.exec(authorization ?? '') ?? [];
      const covered = Object.fromEntries(names.map((name) => [name, String(headers[name] ?? '')]));
      const parts = { method: 'POST', path, query: '', headers: covered, region, service: 'ecr', body };
      const isSigned = names.includes('x-amz-target') && authorization === signature(signed, parts);
      if (!isSigned || headers['x-amz-security-token'] !== 'of-the-session') {
        return json(400, { __type: 'InvalidSignatureException', message: 'The request signature does not match' });
      }
      const authorizationToken = Buffer.from(`AWS:password-for-${region}`).toString('base64');
      return json(200, { authorizationData: [{ authorizationToken, expiresAt: 1_800_000_000 }] });
    }
    if (path === '/google/v1/token') {
      const request = JSON.parse(body) as Record<string, string>;
      const pool =
        '//iam.googleapis.com/projects/424242/locations/global/workloadIdentityPools/chainguard-pool/providers/chainguard-provider';
      if (request['audience'] !== pool) {
        return json(400, { error: 'invalid_target', error_description: 'The target service indicated is invalid' });
      }
      const reason = await refusal(request['subjectToken']);
      if (reason !== undefined) return json(400, { error: 'invalid_grant', error_description: reason });
      return json(200, { access_token: 'federated', token_type: 'Bearer', expires_in: 3600 });
    }
    if (path.startsWith('/iam/v1/projects/-/serviceAccounts/')) {
      if (authorization !== 'Bearer federated')
        return json(401, { error: { code: 401, message: 'who?', status: 'UNAUTHENTICATED' } });
      if (!/\/chainguard-(canary|cosigned)@acme-prod\.iam\.gserviceaccount\.com:generateAccessToken$/.test(path)) {
        return json(403, {
          error: {
            code: 403,
            message: "Permission 'iam.serviceAccounts.getAccessToken' denied",
            status: 'PERMISSION_DENIED',
          },
        });
      }
      return json(200, {
        accessToken: /cosigned@/.test(path) ? 'as-cosigned' : 'as-canary',
        expireTime: '2026-03-27T14:00:00Z',
      });
    }
    if (path === '/azure/11111111-2222-3333-4444-555555555555/oauth2/v2.0/token') {
      const form = new URLSearchParams(body);
      const reason = await refusal(form.get('client_assertion') ?? undefined);
      if (reason !== undefined)
        return json(401, { error: 'invalid_client', error_description: `AADSTS700213: ${reason}` });
      return json(200, { access_token: 'as-app', token_type: 'Bearer', expires_in: 3599 });
    }
    return json(400, { error: 'invalid_request', error_description: `AADSTS90002: Tenant '${path}' not found` });
  };

  const clouds: LoopbackClouds = {
    url: `http://127.0.0.1:${port}`,
    requests,
    trust: undefined,
    now: () => Date.now(),
    answer: undefined,
  };
  return clouds;
}

function awsError(code: string, message: string): string {
  const escaped = message.replaceAll('&', '&amp;').replaceAll('<', '&lt;').replaceAll('"', '&quot;');
  return `<ErrorResponse xmlns="https://sts.amazonaws.com/doc/2011-06-15/"><Error><Type>Sender</Type><Code>${code}</Code><Message>${escaped}</Message></Error><RequestId>1</RequestId></ErrorResponse>`;
}
