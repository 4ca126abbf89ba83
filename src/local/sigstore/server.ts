// Serves what cosign and other clients of sigstore ask, below `/local/sigstore/<authority>` (Fulcio's API v1 and v2,
// RFC 3161 over HTTP). Guarantees: a certificate is only for whom the platform itself has recognized, and who may have
// one of this authority; what is here to be trusted is public, and no private key ever leaves.
//
//   POST api/v2/signingCert           JSON: a chain of certificates
//   POST api/v1/signingCert           201 and the same as PEM
//   GET  api/v2/trustBundle           JSON: what signs, and the root
//   GET  api/v1/rootCert              the same as PEM
//   GET  api/v2/configuration         JSON: whose tokens are taken
//   POST api/v1/timestamp             TimeStampReq, TimeStampResp
//   GET  api/v1/timestamp/certchain   PEM
//   GET  trusted_root.json            all of it as a trust root of sigstore
//   GET  signing_config.json          where to sign, for cosign 3

import type { IncomingMessage, ServerResponse } from 'node:http';
import { grpcCodes } from '../../api/status.ts';
import { requireCapabilities } from '../authorization/access.ts';
import { requireLiveIdentity } from '../authorization/live-identity.ts';
import { invalidArgument, notFound } from '../core/failures.ts';
import type { Parts } from '../core/module.ts';
import type { OnOccurrence } from '../core/occurrence.ts';
import { type Caller, type HttpHandler, StatusError } from '../core/types.ts';
import { authenticate, readCredentials } from '../http/credentials.ts';
import { bodyOf, readText } from '../http/request-body.ts';
import { decodeJwt } from '../keys/jwt.ts';
import { baseUrl } from './addresses.ts';
import { type Authority, openAuthority, type Signer } from './authority.ts';
import { provedKey, readRequest } from './proof.ts';
import { timestamp } from './timestamps.ts';
import { signingConfig, trustedRoot } from './trust.ts';

export interface SigstoreOptions extends Pick<Parts, 'store' | 'urls' | 'clock' | 'onCall' | 'tell'> {
  /** Throws StatusError UNAUTHENTICATED. */
  readonly verifyAccessToken: (token: string) => Promise<Caller>;
}

const audience = 'sigstore';
/** Bytes. */
const largestRequest = 64 * 1024;

interface Reply {
  readonly status?: number;
  readonly type: string;
  readonly body: string | Buffer;
}

export function createSigstore(options: SigstoreOptions): HttpHandler {
  const { store, urls, clock, verifyAccessToken, onCall, tell } = options;

  const certificateFor = async (request: IncomingMessage, id: string, authority: Authority): Promise<string[]> => {
    const body = parse(await readText(request, largestRequest));
    const given = (body as { credentials?: { oidcIdentityToken?: unknown } } | null)?.credentials?.oidcIdentityToken;
    const header = request.headers.authorization ?? (typeof given === 'string' ? `Bearer ${given}` : undefined);
    const caller = await authenticate(header, [audience], verifyAccessToken);
    onCall(request, { operation: 'sigstore.signingCert', identity: caller.identity });
    const certificates = async (): Promise<string[]> => {
      store.read((tx) => {
        requireLiveIdentity(tx, caller);
        requireCapabilities(tx, caller, [capability], id);
      });
      const { signer, challenge } = signerOf(caller, header);
      const key = await provedKey(readRequest(body), challenge);
      return [await authority.issue(signer, key), ...authority.chain];
    };
    return told(tell, caller, id, certificates);
  };

  const answer = async (request: IncomingMessage, url: URL): Promise<Reply | undefined> => {
    const [, handle, path = ''] = /^\/local\/sigstore\/([0-9a-f]{16})\/(.+)$/.exec(url.pathname) ?? [];
    const method = methods[path];
    if (handle === undefined || method === undefined) return undefined;
    if (request.method !== method && !(method === 'GET' && request.method === 'HEAD')) {
      throw new StatusError(grpcCodes.UNIMPLEMENTED, 'Method Not Allowed');
    }
    const row = store.read((tx) => tx.get('SELECT id FROM sigstore_authorities WHERE handle = ?', handle));
    const authority = row === undefined ? undefined : await openAuthority(store, clock, handle);
    if (row === undefined || authority === undefined) throw notFound(`there is no certificate authority ${handle}`);
    const base = baseUrl(urls, handle);
    switch (path) {
      case 'api/v2/signingCert': {
        const certificates = await certificateFor(request, String(row['id']), authority);
        return json({ signedCertificateDetachedSct: { chain: { certificates }, signedCertificateTimestamp: '' } });
      }
      case 'api/v1/signingCert': {
        const certificates = await certificateFor(request, String(row['id']), authority);
        return { status: 201, type: pemChain, body: certificates.join('') };
      }
      case 'api/v2/trustBundle':
        return json({ chains: [{ certificates: authority.chain }] });
      case 'api/v1/rootCert':
        return { type: pemChain, body: authority.chain.join('') };
      case 'api/v2/configuration':
        return json({ issuers: [{ issuerUrl: urls.issuer, audience, challengeClaim: 'email' }] });
      case 'api/v1/timestamp': {
        const body = await readBytes(request);
        return { status: 201, type: 'application/timestamp-reply', body: timestamp(body, authority, clock.now()) };
      }
      case 'api/v1/timestamp/certchain':
        return { type: pemChain, body: authority.timestampChain.join('') };
      case 'trusted_root.json':
        return json(trustedRoot(authority, base));
      default:
        return json(signingConfig(authority, base, urls.issuer));
    }
  };

  return {
    async handle(request: IncomingMessage, response: ServerResponse, url) {
      const reply = await answer(request, url);
      if (reply === undefined) return false;
      const bytes = Buffer.from(reply.body as string);
      response.writeHead(reply.status ?? 200, {
        'content-type': reply.type,
        'content-length': bytes.length,
        'cache-control': 'no-store',
        'x-content-type-options': 'nosniff',
      });
      response.end(request.method === 'HEAD' ? undefined : bytes);
      return true;
    },
  };
}

const capability = 'sigstore.certificate.create';
const pemChain = 'application/pem-certificate-chain';
const methods: Readonly<Record<string, 'GET' | 'POST'>> = {
  'api/v2/signingCert': 'POST',
  'api/v1/signingCert': 'POST',
  'api/v2/trustBundle': 'GET',
  'api/v1/rootCert': 'GET',
  'api/v2/configuration': 'GET',
  'api/v1/timestamp': 'POST',
  'api/v1/timestamp/certchain': 'GET',
  'trusted_root.json': 'GET',
  'signing_config.json': 'GET',
};

const json = (value: object): Reply => ({ type: 'application/json', body: JSON.stringify(value) });

/**
 * Returns whom the certificate names: the verified address of a person, or an identity as a URL below its issuer.
 * `challenge` is what clients sign as proof of possession.
 */
function signerOf(caller: Caller, header: string | undefined): { signer: Signer; challenge: string } {
  const credentials = readCredentials(header);
  const token = credentials.kind === 'bearer' || credentials.kind === 'bare' ? credentials.token : '';
  const isVerified = decodeJwt(token).claims['email_verified'] === true;
  const { issuer, identity, email } = caller;
  if (email !== undefined && isVerified) {
    return { signer: { issuer, name: { type: 'email', value: email } }, challenge: email };
  }
  const value = `${issuer}/${identity}`;
  return { signer: { issuer, name: { type: 'url', value } }, challenge: identity };
}

/** Returns who got a certificate, and who was refused one, is worth a line in the audit log. */
async function told<T>(tell: OnOccurrence, caller: Caller, place: string, work: () => Promise<T>): Promise<T> {
  const occurrence = {
    kind: 'call',
    operation: 'sigstore.signingCert',
    identity: caller.identity,
    place,
    capabilities: [capability],
    isRead: false,
  } as const;
  try {
    const done = await work();
    tell({ ...occurrence, outcome: 'done' });
    return done;
  } catch (error) {
    const isRefusal = error instanceof StatusError && error.code === grpcCodes.PERMISSION_DENIED;
    const reason = error instanceof StatusError ? { reason: error.message } : {};
    tell({ ...occurrence, outcome: isRefusal ? 'refused' : 'failed', ...reason });
    throw error;
  }
}

function parse(body: string | undefined): unknown {
  try {
    return JSON.parse(body ?? '');
  } catch {
    throw invalidArgument('the body is no JSON');
  }
}

async function readBytes(request: IncomingMessage): Promise<Buffer> {
  const chunks: Buffer[] = [];
  let size = 0;
  for await (const chunk of bodyOf(request)) {
    size += chunk.length;
    if (size > largestRequest) throw invalidArgument(`the request body is larger than ${largestRequest} bytes`);
    chunks.push(chunk);
  }
  return Buffer.concat(chunks);
}
