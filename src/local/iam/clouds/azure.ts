import type { IamAccountAssociationsStatus } from '../../../api/schema/types/iam.gen.ts';
import { parseObject } from '../../../json.ts';
import { formType, post } from './post.ts';
import { notReady, ready, unexpected } from './verdict.ts';

export interface AzureApplication {
  readonly tenantId: string;
  readonly clientId: string;
}

/** Signs in as the application with the token in place of a secret (workload identity federation). */
export async function checkAzure(
  login: URL,
  { tenantId, clientId }: AzureApplication,
  token: string,
): Promise<IamAccountAssociationsStatus> {
  const form = new URLSearchParams({
    client_id: clientId,
    client_assertion_type: 'urn:ietf:params:oauth:client-assertion-type:jwt-bearer',
    client_assertion: token,
    grant_type: 'client_credentials',
    scope: 'https://management.azure.com/.default',
  });
  const base = login.href.endsWith('/') ? login.href : `${login.href}/`;
  const reply = await post(new URL(`${tenantId}/oauth2/v2.0/token`, base), formType, form.toString());
  const json = parseObject(reply.text);
  if (reply.status === 200 && typeof json?.['access_token'] === 'string') return ready;
  const error = json?.['error'];
  if (typeof error !== 'string') return unexpected('Azure', reply);
  return notReady(error, String(json?.['error_description'] ?? ''));
}
