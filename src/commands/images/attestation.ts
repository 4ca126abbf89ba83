// Checks whether what is attested of an image is signed by whom it should be (DSSE 1.0, in-toto). Guarantees: a
// signature that claims the expected key and does not fit is never passed over in silence; what cannot be checked is
// named with the reason.

import { createHash, createPublicKey, type KeyObject } from 'node:crypto';
import { resolve } from 'node:path';
import { send } from '../../api/transport.ts';
import type { Envelope } from '../../attestations/statement.ts';
import type { Context } from '../../cli/context.ts';
import { remembered } from '../../cli/remembered.ts';
import { CliError } from '../../errors.ts';
import { readTextIfExists } from '../../files.ts';
import { isSignedWith, preAuthEncoding } from '../../trust/signature.ts';
import type { SignatureFlags } from './sbom-inputs.ts';
import type { Trust } from './trust.ts';

/** A key, and how a clause calls it. */
export interface NamedKey {
  readonly key: KeyObject;
  readonly name: string;
}

/** Whom to believe about the attestations of one registry. */
export interface Trusted {
  readonly key: NamedKey | undefined;
  /** Returns what a signature made with a short-lived certificate is worth; undefined for one that was made without. */
  keyless(envelope: Envelope, annotations: Annotations): Promise<Trust | undefined>;
}

type Annotations = Readonly<Record<string, string>>;

/** Reads the files that flags name. Throws kind `usage` for one that is missing or is something else. */
export async function trustedBy(context: Context, origin: string, flags: SignatureFlags): Promise<Trusted> {
  if (flags.key !== undefined) {
    return { key: keyInFile(context, flags.key), keyless: async () => undefined };
  }
  const isCertificateWanted = flags.certificateIdentity !== undefined;
  const { openVerifier } = await import('./keyless.ts');
  return {
    key: isCertificateWanted ? undefined : await publishedKey(context, origin),
    keyless: async (envelope, annotations) =>
      (await openVerifier(context, flags)(envelope, annotations)) ??
      (isCertificateWanted ? { kind: 'unknown', reason: 'it is not signed with a certificate' } : undefined),
  };
}

function keyInFile(context: Context, path: string): NamedKey {
  const wrong = (what: string) => new CliError('usage', `\`--key\` "${path}" ${what}`, { code: 'usage.key' });
  const text = readTextIfExists(resolve(context.host.cwd, path));
  if (text === undefined) throw wrong('does not exist');
  if (/PRIVATE KEY/.test(text)) throw wrong('holds a private key; name the public one, such as cosign.pub');
  try {
    return { key: createPublicKey(text), name: 'the one in --key' };
  } catch {
    throw wrong('is no public key in PEM');
  }
}

/**
 * The key a registry signs its attestations with, if it publishes one. Images of the public catalog are signed with
 * short-lived certificates instead, which need the trust root of sigstore and its log to be checked.
 */
const publishedKey = remembered(
  async (context: Context, origin: string): Promise<NamedKey | undefined> => {
    const url = `${origin}/local/v1/attestation-key.pem`;
    try {
      const { status, text } = await send(context.host, {
        method: 'GET',
        url,
        timeoutMs: 10_000,
        maxBytes: 16_384,
        signal: context.signal,
      });
      return status === 200 ? { key: createPublicKey(text), name: 'the one its registry publishes' } : undefined;
    } catch (error) {
      if (context.signal.aborted) throw error;
      // Somebody else's answer to this path is no key.
      context.debug(() => `no attestation key at ${url}: ${error instanceof Error ? error.message : String(error)}`);
      return undefined;
    }
  },
  (origin) => origin,
);

/** Returns what the signatures of an envelope are worth to somebody who believes one key. */
export function trustOf(envelope: Envelope | undefined, trusted: NamedKey | undefined): Trust {
  if (envelope === undefined || envelope.signatures.length === 0) {
    return { kind: 'unknown', reason: 'it is not signed' };
  }
  if (trusted === undefined) return { kind: 'unknown', reason: 'its registry publishes no key to check it with' };
  const { payload, payloadType, signatures } = envelope;
  const { key, name } = trusted;
  const signed = preAuthEncoding(payloadType, payload);
  const keyId = createHash('sha256')
    .update(key.export({ type: 'spki', format: 'der' }))
    .digest('hex');
  let claimed = false;
  for (const { keyid, sig } of signatures) {
    if (isSignedWith(key, signed, Buffer.from(String(sig ?? ''), 'base64'))) return { kind: 'verified' };
    claimed ||= keyid === keyId;
  }
  return claimed
    ? { kind: 'forged', reason: `it claims a key, ${name}, and its signature does not fit` }
    : { kind: 'unknown', reason: `it is signed by another key than ${name}` };
}

/** By the key, or else by certificate. */
export async function judge(
  envelope: Envelope | undefined,
  annotations: Annotations,
  trusted: Trusted,
): Promise<Trust> {
  const byKey = trustOf(envelope, trusted.key);
  if (envelope === undefined || envelope.signatures.length === 0 || byKey.kind !== 'unknown') return byKey;
  return (await trusted.keyless(envelope, annotations)) ?? byKey;
}

export interface Unverified {
  readonly image: string;
  readonly digest: string;
  readonly reason: string;
}

interface Judged {
  readonly name: string;
  readonly digest: string;
  readonly trust: Trust;
}

/**
 * Returns what could not be verified. Throws for what is forged, and for anything else where a signature is required.
 */
export function unverifiedOf(sboms: readonly Judged[], { requireSignature }: Pick<SignatureFlags, 'requireSignature'>) {
  return sboms.flatMap(({ name, digest, trust }): Unverified[] => {
    if (trust.kind === 'verified') return [];
    if (trust.kind === 'forged') {
      throw new CliError('api', `The SBOM attestation of ${name} cannot be trusted: ${trust.reason}`, {
        code: 'sbom.forged',
        hint: 'pull the image again from its source, and tell the operator of the registry',
      });
    }
    if (requireSignature) {
      throw new CliError('api', `The SBOM attestation of ${name} is not verified: ${trust.reason}`, {
        code: 'sbom.unverified',
        hint: 'name the trusted signer with `--key`, or with `--certificate-identity` and `--certificate-oidc-issuer`',
      });
    }
    return [{ image: name, digest, reason: trust.reason }];
  });
}

/** Tells what could not be verified, in one line for each reason; the document says it where that is all there is. */
export function tellUnverified(context: Context, unverified: readonly Unverified[]): void {
  if (context.isJsonAlone) return;
  const byReason = new Map<string, string[]>();
  for (const { image, reason } of unverified) byReason.set(reason, [...(byReason.get(reason) ?? []), image]);
  for (const [reason, names] of byReason) {
    const what =
      names.length === 1 ? `The SBOM attestation of ${names[0]} is` : `${names.length} SBOM attestations are`;
    const why = names.length === 1 ? reason : reason.replace('it is', 'they are').replaceAll(/\bits\b/g, 'their');
    context.io.note(`${what} not verified: ${why}.`);
  }
}
