// Logins for the registries of a customer's cloud, through the account association (enforce.md 1.6, component cosigned).
// Guarantees: asks only the addresses it was given; a login is handed out for the registries of that cloud alone.

import type { IamAccountAssociations } from '../../../api/schema/types/iam.gen.ts';
import { amzDate, authorization } from '../../../aws-signature.ts';
import type { RegistryCloud } from '../../../enforce/policy/cloud-registries.ts';
import { isObject, parseObject } from '../../../json.ts';
import type { CloudAddresses } from './addresses.ts';
import { assumed, assumeRole, credentialsIn } from './aws.ts';
import type { SignForCloud } from './check.ts';
import { becomeServiceAccount } from './google.ts';
import { CloudUnreachableError, post } from './post.ts';

export interface RegistryLogin {
  readonly user: string;
  readonly password: string;
  /** Seconds that it is good for at least. */
  readonly ttl: number;
}

/** A sentence about what is missing or wrong, for the log of an agent. */
export interface NoLogin {
  readonly reason: string;
}

const component = 'cosigned';

/** `group` is the one that has the association. Throws RangeError for an address that is none. */
export async function registryLogin(
  addresses: CloudAddresses,
  sign: SignForCloud,
  now: number,
  group: string,
  association: IamAccountAssociations,
  cloud: RegistryCloud,
): Promise<RegistryLogin | NoLogin> {
  const subject = `${component}:${group}`;
  try {
    if (cloud.kind === 'ecr') {
      const account = association.amazon?.account;
      const { awsSts, awsEcr } = addresses;
      if (account === undefined) return { reason: `no AWS account is associated with ${group}` };
      if (!awsSts || !awsEcr) return { reason: 'this platform is not set up to ask AWS' };
      const reply = await assumeRole(new URL(awsSts), account, component, await sign(subject, 'amazon'));
      const credentials = credentialsIn(reply);
      if (credentials === undefined) return { reason: `AWS: ${assumed(reply).message ?? 'no credentials'}` };
      return await ecrLogin(new URL(awsEcr), credentials, cloud.region, now);
    }
    const { projectId, projectNumber } = association.google ?? {};
    const { googleSts, googleIam } = addresses;
    if (projectId === undefined || projectNumber === undefined)
      return { reason: `no Google Cloud project is associated with ${group}` };
    if (!googleSts || !googleIam) return { reason: 'this platform is not set up to ask Google Cloud' };
    const token = await sign(subject, 'google');
    const project = { projectId, projectNumber };
    const found = await becomeServiceAccount(new URL(googleSts), new URL(googleIam), project, component, token);
    if (typeof found !== 'string') return { reason: `Google Cloud: ${found.message ?? 'no access token'}` };
    return { user: 'oauth2accesstoken', password: found, ttl: 240 };
  } catch (error) {
    if (error instanceof CloudUnreachableError) return { reason: `the cloud cannot be asked: ${error.message}` };
    throw error;
  }
}

async function ecrLogin(
  ecr: URL,
  credentials: Parameters<typeof authorization>[0],
  region: string,
  now: number,
): Promise<RegistryLogin | NoLogin> {
  const body = '{}';
  const headers = {
    'content-type': 'application/x-amz-json-1.1',
    host: ecr.host,
    'x-amz-date': amzDate(now),
    'x-amz-target': 'AmazonEC2ContainerRegistry_V20150921.GetAuthorizationToken',
    ...(credentials.sessionToken === undefined ? {} : { 'x-amz-security-token': credentials.sessionToken }),
  };
  const parts = { method: 'POST', path: ecr.pathname, query: '', headers, region, service: 'ecr', body };
  const reply = await post(ecr, { ...headers, authorization: authorization(credentials, parts) }, body);
  const json = parseObject(reply.text);
  const [first] = Array.isArray(json?.['authorizationData']) ? (json['authorizationData'] as unknown[]) : [];
  const token = isObject(first) ? first['authorizationToken'] : undefined;
  const text = typeof token === 'string' ? Buffer.from(token, 'base64').toString('utf8') : '';
  const at = text.indexOf(':');
  if (reply.status === 200 && at > 0) return { user: text.slice(0, at), password: text.slice(at + 1), ttl: 3600 };
  const message = json?.['message'] ?? json?.['Message'];
  return { reason: `ECR answered ${reply.status}${typeof message === 'string' ? `: ${message.slice(0, 300)}` : ''}` };
}
