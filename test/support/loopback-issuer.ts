import type { KeyObject } from 'node:crypto';
import { createServer, type ServerResponse } from 'node:http';
import type { AddressInfo } from 'node:net';
import { type JWK, SignJWT } from 'jose';
import { onTestFinished } from 'vitest';
import { newKeyPair } from '../../src/key-pairs.ts';

/** A real OpenID Connect issuer on loopback, as far as a verifier sees it. Answers can be replaced to misbehave. */
export interface LoopbackIssuer {
  readonly url: string;
  /** Paths asked for, in order. */
  readonly requests: string[];
  /** Answers by path, whatever the query; a missing one is a 404. */
  readonly answers: Map<string, (response: ServerResponse) => void>;
  /** Makes a key, and publishes it unless told otherwise. */
  addKey(alg: string, options?: { readonly publish?: boolean; readonly kid?: string | null }): Promise<IssuerKey>;
  /** Signed claims: issuer, subject `robot` and one hour of life unless replaced. */
  sign(key: IssuerKey, claims?: Readonly<Record<string, unknown>>): Promise<string>;
}

export interface IssuerKey {
  readonly alg: string;
  readonly kid: string | null;
  readonly privateKey: KeyObject;
  readonly publicJwk: JWK;
}

const kindOf: Readonly<Record<string, Parameters<typeof newKeyPair>[0]>> = {
  ES256: 'P-256',
  ES384: 'P-384',
  ES512: 'P-521',
  EdDSA: 'ed25519',
};

/** `now` in milliseconds: what the issuer takes for the time. Stopped when the running test ends. */
export async function startLoopbackIssuer(now: () => number): Promise<LoopbackIssuer> {
  const requests: string[] = [];
  const answers = new Map<string, (response: ServerResponse) => void>();
  const published: JWK[] = [];
  const server = createServer((request, response) => {
    const path = request.url ?? '';
    requests.push(path);
    const answer = answers.get(path.replace(/\?.*$/, ''));
    if (answer !== undefined) return answer(response);
    response.writeHead(404).end();
  });
  await new Promise<void>((resolve) => server.listen(0, '127.0.0.1', resolve));
  onTestFinished(() => {
    server.closeAllConnections();
    server.close();
  });
  const url = `http://127.0.0.1:${(server.address() as AddressInfo).port}`;
  answers.set('/.well-known/openid-configuration', (response) => {
    response.end(JSON.stringify({ issuer: url, jwks_uri: `${url}/keys` }));
  });
  answers.set('/keys', (response) => response.end(JSON.stringify({ keys: published })));

  let keys = 0;
  return {
    url,
    requests,
    answers,
    async addKey(alg, { publish = true, kid = `key-${keys}` } = {}) {
      keys += 1;
      const { privateKey, publicKey } = newKeyPair(kindOf[alg] ?? 'rsa');
      const publicJwk = { ...publicKey.export({ format: 'jwk' }), ...(kid === null ? {} : { kid }) };
      if (publish) published.push(publicJwk);
      return { alg, kid, privateKey, publicJwk };
    },
    sign(key, claims = {}) {
      const iat = Math.floor(now() / 1000);
      const payload = { iss: url, sub: 'robot', iat, exp: iat + 3600, ...claims };
      return new SignJWT(payload)
        .setProtectedHeader({ alg: key.alg, ...(key.kid === null ? {} : { kid: key.kid }) })
        .sign(key.privateKey);
    },
  };
}
