// Builds the settings cosign reads: `COSIGN_<FLAG>` for every flag of version 2 and later, and files for what is
// trusted. Guarantees: the files are what the authority itself says, written whole; the token is for signing and
// nothing else.

import { join } from 'node:path';
import type { IamSigstore } from '../../api/schema/types/iam.gen.ts';
import { exchange } from '../../api/sts.ts';
import { send } from '../../api/transport.ts';
import { cacheRootIn } from '../../auth/cache-files.ts';
import type { Context } from '../../cli/context.ts';
import { CliError } from '../../errors.ts';
import { replaceFile } from '../../files.ts';
import { cacheDir } from '../../host.ts';
import { urlOf } from './authority.ts';

export const signingAudience = 'sigstore';

export const variableNames = [
  'COSIGN_FULCIO_URL',
  'COSIGN_OIDC_ISSUER',
  'COSIGN_OIDC_CLIENT_ID',
  'COSIGN_CERTIFICATE_OIDC_ISSUER',
  'COSIGN_TIMESTAMP_SERVER_URL',
  'COSIGN_TIMESTAMP_CERTIFICATE_CHAIN',
  'COSIGN_USE_SIGNED_TIMESTAMPS',
  'COSIGN_TLOG_UPLOAD',
  'COSIGN_INSECURE_IGNORE_TLOG',
  'COSIGN_INSECURE_IGNORE_SCT',
  'COSIGN_INSECURE_SKIP_VERIFY',
  'COSIGN_USE_SIGNING_CONFIG',
  'COSIGN_NEW_BUNDLE_FORMAT',
  'COSIGN_TRUSTED_ROOT',
  'SIGSTORE_ROOT_FILE',
] as const;
export const tokenVariable = 'SIGSTORE_ID_TOKEN';

export async function variablesFor(
  context: Context,
  authority: IamSigstore,
): Promise<Record<(typeof variableNames)[number], string>> {
  const base = urlOf(context, authority);
  const files = await keepFiles(context, authority, base);
  const issuer = context.config.get('platform.issuer');
  return {
    COSIGN_FULCIO_URL: base,
    COSIGN_OIDC_ISSUER: issuer,
    COSIGN_OIDC_CLIENT_ID: signingAudience,
    COSIGN_CERTIFICATE_OIDC_ISSUER: issuer,
    COSIGN_TIMESTAMP_SERVER_URL: `${base}/api/v1/timestamp`,
    COSIGN_TIMESTAMP_CERTIFICATE_CHAIN: files.timestamps,
    COSIGN_USE_SIGNED_TIMESTAMPS: 'true',
    // There is no log, neither of signatures nor of certificates.
    COSIGN_TLOG_UPLOAD: 'false',
    COSIGN_INSECURE_IGNORE_TLOG: 'true',
    COSIGN_INSECURE_IGNORE_SCT: 'true',
    COSIGN_INSECURE_SKIP_VERIFY: 'true',
    // Version 3 then signs as version 2 does, with these addresses, and asks no server of sigstore for roots.
    COSIGN_USE_SIGNING_CONFIG: 'false',
    COSIGN_NEW_BUNDLE_FORMAT: 'false',
    COSIGN_TRUSTED_ROOT: files.trusted,
    SIGSTORE_ROOT_FILE: files.root,
  };
}

/** A token that says who signs, for this purpose alone. Throws kind `auth` without a login. */
export async function tokenFor(context: Context, identity: string | undefined): Promise<string> {
  const own = await context.token(signingAudience);
  if (identity === undefined) return own;
  const issued = await exchange(context.host, {
    issuer: context.config.get('platform.issuer'),
    token: own,
    audience: [signingAudience],
    identity,
    signal: context.signal,
  });
  return issued.token;
}

/** Returns the paths. cosign takes paths only. */
async function keepFiles(
  context: Context,
  { id = '' }: IamSigstore,
  base: string,
): Promise<{ readonly root: string; readonly timestamps: string; readonly trusted: string }> {
  const [root, timestamps, trusted] = await Promise.all(
    ['api/v1/rootCert', 'api/v1/timestamp/certchain', 'trusted_root.json'].map((path) =>
      fetchText(context, `${base}/${path}`),
    ),
  );
  // Beside the folders of tokens, one of which is called as the audience is.
  const folder = join(cacheRootIn(cacheDir(context.host)), 'sigstore-roots', id.slice(id.lastIndexOf('/') + 1));
  const paths = {
    root: join(folder, 'root.pem'),
    timestamps: join(folder, 'timestamps.pem'),
    trusted: join(folder, 'trusted_root.json'),
  };
  replaceFile(paths.root, root ?? '');
  replaceFile(paths.timestamps, timestamps ?? '');
  replaceFile(paths.trusted, trusted ?? '');
  return paths;
}

async function fetchText(context: Context, url: string): Promise<string> {
  const { status, text } = await send(context.host, {
    method: 'GET',
    url,
    headers: { accept: '*/*' },
    timeoutMs: 30_000,
    signal: context.signal,
  });
  if (status === 200) return text;
  throw new CliError('api', `The certificate authority answered ${status} for its certificates`, {
    code: 'sigstore.no-certificates',
  });
}
