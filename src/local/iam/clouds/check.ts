// Checks whether a cloud account lets the platform in (protocols 10). Guarantees: asks only the addresses it was given,
// with a token good for one cloud and ten minutes; says what the cloud said; is `Offline` without an address.

import type { IamAccountAssociations, IamAccountAssociationsStatus } from '../../../api/schema/types/iam.gen.ts';
import { invalidArgument } from '../../core/failures.ts';
import type { CloudAddresses } from './addresses.ts';
import { parseCloudAddress } from './addresses.ts';
import { checkAws } from './aws.ts';
import { checkAzure } from './azure.ts';
import { checkGoogle } from './google.ts';
import { CloudUnreachableError } from './post.ts';
import { notReady } from './verdict.ts';

export type CloudCheck = (
  group: string,
  association: IamAccountAssociations | undefined,
  accountType: string,
) => Promise<IamAccountAssociationsStatus>;

/** A token of the platform for a cloud: `subject` such as `canary:<group UIDP>`. */
export type SignForCloud = (subject: string, audience: string) => Promise<string>;

/** Audience that Entra ID wants in every federated token. */
const azureAudience = 'api://AzureADTokenExchange';

/** Throws a RangeError for an address that is no http or https URL. */
export function createCloudCheck(addresses: CloudAddresses, sign: SignForCloud): CloudCheck {
  const awsSts = parse('AWS STS', addresses.awsSts);
  const googleSts = parse('Google STS', addresses.googleSts);
  const googleIam = parse('Google IAM', addresses.googleIam);
  const azureLogin = parse('Azure login', addresses.azureLogin);

  const check: CloudCheck = async (group, association, accountType) => {
    const subject = `canary:${group}`;
    switch (accountType) {
      case 'AMAZON': {
        const account = association?.amazon?.account;
        if (account === undefined) return notConfigured('AWS', group);
        if (awsSts === undefined) return offline('AWS');
        return checkAws(awsSts, account, await sign(subject, 'amazon'));
      }
      case 'GOOGLE': {
        const { projectId, projectNumber } = association?.google ?? {};
        if (projectId === undefined || projectNumber === undefined) return notConfigured('Google Cloud', group);
        if (googleSts === undefined || googleIam === undefined) return offline('Google Cloud');
        return checkGoogle(googleSts, googleIam, { projectId, projectNumber }, await sign(subject, 'google'));
      }
      case 'AZURE': {
        const { tenantId, clientIds = {} } = association?.azure ?? {};
        if (tenantId === undefined) return notConfigured('Azure', group);
        // Without an application for the canary any other shows as well whether the tenant trusts us.
        const [first] = Object.entries(clientIds).sort(([a], [b]) => (a < b ? -1 : 1));
        const canary = clientIds['canary'];
        const [component, clientId] = canary === undefined ? (first ?? []) : ['canary', canary];
        if (component === undefined || clientId === undefined) {
          return notReady('NotConfigured', 'The Azure association names no client id');
        }
        if (azureLogin === undefined) return offline('Azure');
        const token = await sign(`${component}:${group}`, azureAudience);
        return checkAzure(azureLogin, { tenantId, clientId }, token);
      }
      default:
        throw invalidArgument('account_type must be GOOGLE, AMAZON or AZURE');
    }
  };

  return async (group, association, accountType) => {
    try {
      return await check(group, association, accountType);
    } catch (error) {
      if (!(error instanceof CloudUnreachableError)) throw error;
      return notReady('Unreachable', `The cloud cannot be asked: ${error.message}`);
    }
  };
}

function notConfigured(cloud: string, group: string): IamAccountAssociationsStatus {
  return notReady('NotConfigured', `No ${cloud} account is associated with ${group}`);
}

function offline(cloud: string): IamAccountAssociationsStatus {
  return notReady('Offline', `This platform is not set up to ask ${cloud}`);
}

function parse(what: string, text: string | undefined): URL | undefined {
  if (text === undefined || text === '') return undefined;
  const url = parseCloudAddress(text);
  if (url === undefined) throw new RangeError(`the address of ${what}, "${text}", is not an http or https URL`);
  return url;
}
