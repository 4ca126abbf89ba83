import type { IamAccountAssociationsStatus } from '../../../api/schema/types/iam.gen.ts';
import { isObject, parseObject } from '../../../json.ts';
import type { OutgoingAnswer } from '../../core/outgoing.ts';
import { jsonType, post } from './post.ts';
import { notReady, ready, unexpected } from './verdict.ts';

export interface GoogleProject {
  readonly projectId: string;
  readonly projectNumber: string;
}

const scope = 'https://www.googleapis.com/auth/cloud-platform';

/** Becomes the service account without rights that the customer made for this (protocols 10). */
export async function checkGoogle(
  sts: URL,
  iam: URL,
  project: GoogleProject,
  token: string,
): Promise<IamAccountAssociationsStatus> {
  const found = await becomeServiceAccount(sts, iam, project, 'canary', token);
  return typeof found === 'string' ? ready : found;
}

/**
 * Trades the token at the pool that the customer made, then becomes the service account that a component of the platform
 * is bound to (protocols 10). Returns its access token, else what is wrong.
 */
export async function becomeServiceAccount(
  sts: URL,
  iam: URL,
  project: GoogleProject,
  component: string,
  token: string,
): Promise<string | IamAccountAssociationsStatus> {
  // Any text can have been kept as a project; only names that Google has become parts of its addresses.
  const { projectId, projectNumber } = project;
  if (!/^(?:[a-z0-9.-]+:)?[a-z][a-z0-9-]{4,28}[a-z0-9]$/.test(projectId)) {
    return notReady('InvalidProject', `${JSON.stringify(projectId)} is not the id of a Google Cloud project`);
  }
  if (!/^[0-9]{1,20}$/.test(projectNumber)) {
    return notReady('InvalidProject', `${JSON.stringify(projectNumber)} is not the number of a Google Cloud project`);
  }
  const provider = `projects/${projectNumber}/locations/global/workloadIdentityPools/chainguard-pool/providers/chainguard-provider`;
  const exchanged = await post(
    new URL('v1/token', withSlash(sts)),
    jsonType,
    JSON.stringify({
      grantType: 'urn:ietf:params:oauth:grant-type:token-exchange',
      audience: `//iam.googleapis.com/${provider}`,
      scope,
      requestedTokenType: 'urn:ietf:params:oauth:token-type:access_token',
      subjectTokenType: 'urn:ietf:params:oauth:token-type:jwt',
      subjectToken: token,
    }),
  );
  const federated = parseObject(exchanged.text)?.['access_token'];
  if (exchanged.status !== 200 || typeof federated !== 'string') return refusal(exchanged);

  const account = serviceAccount(component, projectId);
  const impersonated = await post(
    new URL(`v1/projects/-/serviceAccounts/${account}:generateAccessToken`, withSlash(iam)),
    { ...jsonType, authorization: `Bearer ${federated}` },
    JSON.stringify({ scope: [scope], lifetime: '300s' }),
  );
  const granted = parseObject(impersonated.text)?.['accessToken'];
  return impersonated.status === 200 && typeof granted === 'string' ? granted : refusal(impersonated);
}

/** A project of a domain, `example.com:name`, has its accounts under `name.example.com`. */
function serviceAccount(component: string, projectId: string): string {
  const [name = '', domain] = projectId.split(':').reverse();
  return `chainguard-${component}@${name}.${domain === undefined ? '' : `${domain}.`}iam.gserviceaccount.com`;
}

/** OAuth's error and description from the STS, google.rpc.Status from the rest. */
function refusal(reply: OutgoingAnswer): IamAccountAssociationsStatus {
  const json = parseObject(reply.text);
  const error = json?.['error'];
  if (typeof error === 'string') return notReady(error, String(json?.['error_description'] ?? ''));
  if (isObject(error)) {
    const { status, message } = error;
    return notReady(typeof status === 'string' ? status : `HTTP${reply.status}`, String(message ?? ''));
  }
  return unexpected('Google Cloud', reply);
}

function withSlash(url: URL): URL {
  return new URL(url.href.endsWith('/') ? url.href : `${url.href}/`);
}
