// Whether what is attested of an image is signed by whom it should be (DSSE 1.0, in-toto). Promises: a signature that claims
// the registry's key and does not fit is never passed over in silence; what cannot be checked is named with the reason.

import { createHash, createPublicKey, type KeyObject, verify } from 'node:crypto';
import { send } from '../../api/transport.ts';
import type { Context } from '../../cli/context.ts';
import { CliError } from '../../errors.ts';

export type Trust =
  | { readonly kind: 'verified' }
  /** `reason` is a clause. */
  | { readonly kind: 'unknown' | 'forged'; readonly reason: string };

/**
 * The key a registry signs its attestations with, if it publishes one. Images of the public catalog are signed with
 * short-lived certificates instead, which need the trust root of sigstore and its log to be checked.
 */
export function publishedKey(context: Context, origin: string): Promise<KeyObject | undefined> {
  return context.cached(`attestation-key:${origin}`, async () => {
    const url = `${origin}/local/v1/attestation-key.pem`;
    try {
      const { status, text } = await send(context.host, {
        method: 'GET',
        url,
        timeoutMs: 10_000,
        maxBytes: 16_384,
        signal: context.signal,
      });
      return status === 200 ? createPublicKey(text) : undefined;
    } catch (error) {
      if (context.signal.aborted) throw error;
      // Somebody else's answer to this path is no key.
      context.debug(() => `no attestation key at ${url}: ${error instanceof Error ? error.message : String(error)}`);
      return undefined;
    }
  });
}

interface Envelope extends Readonly<Record<string, unknown>> {
  readonly payloadType?: unknown;
  readonly payload?: unknown;
  readonly signatures?: unknown;
}

/** What the signatures of a DSSE envelope are worth. */
export function trustOf(envelope: Envelope, key: KeyObject | undefined): Trust {
  const { payload, payloadType, signatures } = envelope;
  if (typeof payload !== 'string' || !Array.isArray(signatures) || signatures.length === 0) {
    return { kind: 'unknown', reason: 'it is not signed' };
  }
  if (key === undefined) return { kind: 'unknown', reason: 'its registry publishes no key to check it with' };
  const type = String(payloadType);
  const bytes = Buffer.from(payload, 'base64');
  // What is signed: pre-authentication encoding (DSSE, protocol).
  const signed = Buffer.concat([Buffer.from(`DSSEv1 ${Buffer.byteLength(type)} ${type} ${bytes.length} `), bytes]);
  const keyId = createHash('sha256')
    .update(key.export({ type: 'spki', format: 'der' }))
    .digest('hex');
  let claimed = false;
  for (const each of signatures as readonly { readonly keyid?: unknown; readonly sig?: unknown }[]) {
    if (isGood(key, signed, String(each?.sig ?? ''))) return { kind: 'verified' };
    claimed ||= each?.keyid === keyId;
  }
  return claimed
    ? { kind: 'forged', reason: "it claims the registry's key, and its signature does not fit" }
    : { kind: 'unknown', reason: 'it is signed by another key than the one its registry publishes' };
}

function isGood(key: KeyObject, signed: Buffer, signature: string): boolean {
  try {
    return verify('sha256', signed, key, Buffer.from(signature, 'base64'));
  } catch {
    return false;
  }
}

/** Tells what could not be verified, in one line for each reason; throws for what is forged. */
export function tellTrust(context: Context, sboms: readonly { readonly name: string; readonly trust: Trust }[]): void {
  const reasons = new Map<string, string[]>();
  for (const { name, trust } of sboms) {
    if (trust.kind === 'verified') continue;
    if (trust.kind === 'forged') {
      throw new CliError('api', `The SBOM attestation of ${name} cannot be trusted: ${trust.reason}`, {
        code: 'sbom.forged',
        hint: 'pull the image anew from its source, and tell whoever runs the registry',
      });
    }
    reasons.set(trust.reason, [...(reasons.get(trust.reason) ?? []), name]);
  }
  if (context.isJsonAlone) return;
  for (const [reason, names] of reasons) {
    const what =
      names.length === 1 ? `The SBOM attestation of ${names[0]} is` : `${names.length} SBOM attestations are`;
    const why = names.length === 1 ? reason : reason.replace('it is', 'they are').replaceAll(/\bits\b/g, 'their');
    context.io.note(`${what} not verified: ${why}. See \`cosign verify-attestation\`.`);
  }
}
