// What stands for the issuer of an API server: it signs tokens of the agent's service account.

import { createSign, generateKeyPairSync } from 'node:crypto';

export const clusterIssuer = 'https://127.0.0.1:6443';
export const agentSubject = 'system:serviceaccount:gulfstream:controller';

export function serviceAccountTokens(now: () => number) {
  const { privateKey, publicKey } = generateKeyPairSync('rsa', { modulusLength: 2048 });
  const jwk = { ...publicKey.export({ format: 'jwk' }), kid: 'k', use: 'sig', alg: 'RS256' };
  const encode = (value: object) => Buffer.from(JSON.stringify(value)).toString('base64url');
  return {
    keys: JSON.stringify({ keys: [jwk] }),
    token(claims: object = {}) {
      const seconds = Math.floor(now() / 1000);
      const times = { iat: seconds, exp: seconds + 600 };
      const body = { iss: clusterIssuer, sub: agentSubject, aud: ['gulfstream'], ...times, ...claims };
      const text = `${encode({ alg: 'RS256', kid: 'k' })}.${encode(body)}`;
      return `${text}.${createSign('sha256').update(text).sign(privateKey).toString('base64url')}`;
    },
  };
}
