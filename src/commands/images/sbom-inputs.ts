import type { Platform } from '../../attestations/platforms.ts';
import type { Inputs } from '../../cli/define.ts';
import type { Kind } from '../../cli/inputs/kind.ts';
import { boolean, named } from '../../cli/inputs/values.ts';

export const platformKind: Kind<Platform> = {
  metavar: 'OS/ARCH',
  parse: (text): Platform => {
    const match = /^([a-z0-9]+)\/([a-z0-9_-]+)(?:\/([a-z0-9]+))?$/.exec(text);
    if (match === null) throw new Error('must be a platform such as "linux/amd64"');
    const [, os = '', architecture = '', variant] = match;
    return { os, architecture, variant };
  },
};

/** Whose signatures of SBOM attestations are believed. */
export const signatureInputs = {
  key: {
    kind: named('FILE'),
    help: 'Public key in PEM, as cosign makes them, that must have signed the SBOM attestations.',
  },
  certificateIdentity: {
    kind: named('IDENTITY'),
    help: 'Who must have signed without a key: the subject of the certificate, exactly.',
  },
  certificateOidcIssuer: { kind: named('URL'), help: 'The issuer that must have vouched for --certificate-identity.' },
  trustedRoot: {
    kind: named('FILE'),
    help: 'Trust root of sigstore, as `cosign trusted-root create` writes it. Defaults to the one that cosign has stored.',
  },
  requireSignature: { kind: boolean, help: 'Fail when the signature of an SBOM attestation is not verified.' },
} as const satisfies Inputs;

/** Values of `signatureInputs`. */
export interface SignatureFlags {
  readonly key: string | undefined;
  readonly certificateIdentity: string | undefined;
  readonly certificateOidcIssuer: string | undefined;
  readonly trustedRoot: string | undefined;
  readonly requireSignature: boolean;
}

/** Returns what is wrong with flags that belong together. */
export function signatureProblems({
  key,
  certificateIdentity,
  certificateOidcIssuer,
}: Partial<SignatureFlags>): string[] {
  if ((certificateIdentity === undefined) !== (certificateOidcIssuer === undefined)) {
    const [given, missing] =
      certificateIdentity === undefined
        ? ['--certificate-oidc-issuer', '--certificate-identity']
        : ['--certificate-identity', '--certificate-oidc-issuer'];
    return [`\`${given}\` needs \`${missing}\``];
  }
  if (key !== undefined && certificateIdentity !== undefined) {
    return ['`--key` and `--certificate-identity` exclude each other'];
  }
  return [];
}
