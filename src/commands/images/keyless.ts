// Signatures made without a key: a short-lived certificate of sigstore's authority, and an entry in its log that says
// when. Guarantees: nothing is fetched, so what is trusted is what lies on this machine; an identity that nobody named
// is told and not trusted.

import { join, resolve } from 'node:path';
import { logEntries, timestamps } from '../../attestations/cosign-annotations.ts';
import type { Envelope } from '../../attestations/statement.ts';
import type { Context } from '../../cli/context.ts';
import { remembered } from '../../cli/remembered.ts';
import { CliError } from '../../errors.ts';
import { readTextIfExists } from '../../files.ts';
import { preAuthEncoding } from '../../trust/signature.ts';
import { withHashOfKey } from '../../trust/signed-entity.ts';
import type { SignatureFlags } from './sbom-inputs.ts';
import type { Trust } from './trust.ts';

type Annotations = Readonly<Record<string, string>>;

/** Annotations in which cosign keeps the certificate and the log's answer of an attestation that is no bundle. */
const certificateKey = 'dev.sigstore.cosign/certificate';
const logKey = 'dev.sigstore.cosign/bundle';
const timestampKey = 'dev.sigstore.cosign/rfc3161timestamp';

const trustRoot = remembered(async (context: Context, flags: SignatureFlags) => readTrustRoot(context, flags));

/** Checks one envelope after the other; undefined for those that were signed without a certificate. */
export function openVerifier(context: Context, flags: SignatureFlags) {
  return async (envelope: Envelope, annotations: Annotations): Promise<Trust | undefined> => {
    const bundle = bundleOf(envelope, annotations);
    if (bundle === undefined) return undefined;
    const root = await trustRoot(context, flags);
    if (root === undefined) {
      return {
        kind: 'unknown',
        reason:
          'it is signed with a certificate, and there is no trust root to check it with; run `cosign initialize`, or name one with `--trusted-root`',
      };
    }
    return verifyBundle(bundle, preAuthEncoding(envelope.payloadType, envelope.payload), root, flags);
  };
}

async function verifyBundle(bundle: object, signed: Buffer, root: object, flags: SignatureFlags): Promise<Trust> {
  // Certificates and logs are read by the libraries of those who made the format; only this case loads them.
  const [{ bundleFromJSON }, { toSignedEntity, toTrustMaterial, Verifier, VerificationError }, { TrustedRoot }] =
    await Promise.all([import('@sigstore/bundle'), import('@sigstore/verify'), import('@sigstore/protobuf-specs')]);
  const trusted = TrustedRoot.fromJSON(root);
  try {
    const entity = withHashOfKey(toSignedEntity(bundleFromJSON(bundle)), signed);
    const verifier = new Verifier(toTrustMaterial(trusted), {
      // An authority of one's own may run without the logs.
      ctlogThreshold: Math.min(trusted.ctlogs.length, 1),
      tlogThreshold: Math.min(trusted.tlogs.length, 1),
    });
    const { identity } = verifier.verify(entity);
    return judgeIdentity(identity?.subjectAlternativeName ?? '', identity?.extensions?.issuer ?? '', flags);
  } catch (error) {
    if (!(error instanceof Error)) throw error;
    const isForged =
      error instanceof VerificationError &&
      (error.code === 'SIGNATURE_ERROR' || (error.code === 'TLOG_BODY_ERROR' && error.message.includes('mismatch')));
    const reason = `its certificate, log entry or signature does not hold: ${error.message}`;
    // Until the certificate was found good, anybody may have made the rest.
    return { kind: isForged ? 'forged' : 'unknown', reason };
  }
}

/** The library takes the identity for a pattern that may match anywhere; here it is compared. */
function judgeIdentity(subject: string, issuer: string, flags: SignatureFlags): Trust {
  const signer = `${JSON.stringify(subject)} (issuer ${issuer})`;
  if (flags.certificateIdentity === undefined) {
    const reason = `it is signed by ${signer}, which is not a trusted signer; to trust it, use \`--certificate-identity\` and \`--certificate-oidc-issuer\``;
    return { kind: 'unknown', reason };
  }
  return subject === flags.certificateIdentity && issuer === flags.certificateOidcIssuer
    ? { kind: 'verified' }
    : { kind: 'unknown', reason: `it is signed by ${signer}, not by the one that \`--certificate-identity\` names` };
}

/**
 * Returns what cosign keeps on this machine, or the named file. Throws kind `usage` for a file that is no trust root.
 */
export function readTrustRoot(
  context: Context,
  { trustedRoot }: Pick<SignatureFlags, 'trustedRoot'>,
): object | undefined {
  const isNamed = trustedRoot !== undefined;
  for (const path of isNamed ? [resolve(context.host.cwd, trustedRoot)] : storedRoots(context)) {
    const text = readTextIfExists(path);
    if (text === undefined) continue;
    const root = parseRoot(text);
    if (root !== undefined) return root;
    if (isNamed) throw wrongRoot(trustedRoot, 'is no trust root of sigstore (trusted_root.json)');
    context.debug(() => `no trust root in ${path}`);
  }
  if (isNamed) throw wrongRoot(trustedRoot, 'does not exist');
  return undefined;
}

const wrongRoot = (path: string, what: string): CliError =>
  new CliError('usage', `\`--trusted-root\` "${path}" ${what}`, { code: 'usage.trusted-root' });

function parseRoot(text: string): object | undefined {
  try {
    const value: unknown = JSON.parse(text);
    const isRoot = typeof value === 'object' && value !== null && 'certificateAuthorities' in value;
    return isRoot ? value : undefined;
  } catch {
    return undefined;
  }
}

/** Copies that cosign and sigstore's Go library keep of what the TUF repository serves. */
function storedRoots({ host }: Context): string[] {
  const stored = host.env['TUF_ROOT'];
  const folder = stored !== undefined && stored !== '' ? stored : join(host.home(), '.sigstore', 'root');
  return [join('tuf-repo-cdn.sigstore.dev', 'targets'), 'targets', 'tuf-repo-cdn.sigstore.dev', ''].map((below) =>
    join(folder, below, 'trusted_root.json'),
  );
}

/** The envelope as a bundle (sigstore protobuf specification); undefined when it was signed without a certificate. */
function bundleOf({ payload, payloadType, signatures, material, mediaType }: Envelope, annotations: Annotations) {
  const dsseEnvelope = { payload: payload.toString('base64'), payloadType, signatures };
  if (
    typeof material === 'object' &&
    material !== null &&
    ('certificate' in material || 'x509CertificateChain' in material)
  ) {
    return { mediaType, verificationMaterial: material, dsseEnvelope };
  }
  const certificate = annotations[certificateKey];
  if (certificate === undefined) return undefined;
  const verificationMaterial = {
    x509CertificateChain: { certificates: [{ rawBytes: certificate.replace(/-----[^-]*-----|\s/g, '') }] },
    tlogEntries: logEntries(annotations[logKey]),
    ...timestamps(annotations[timestampKey]),
  };
  return { mediaType: 'application/vnd.dev.sigstore.bundle+json;version=0.1', verificationMaterial, dsseEnvelope };
}
