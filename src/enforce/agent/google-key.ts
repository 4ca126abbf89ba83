// The login of a Google service account whose key the cluster was given (`clusters install --gcp-serviceaccount-file`; enforce.md
// 1.1). Guarantees: it goes to Google's registries only.

import type { KubernetesClient } from '../../kubernetes/client.ts';
import { cloudOf } from '../policy/cloud-registries.ts';
import type { Login } from './pull-secrets.ts';

const secretPath = '/api/v1/namespaces/gulfstream/secrets/mcp-creds';

/** Undefined for other registries, and without a key. */
export async function googleKeyLogin(client: KubernetesClient, registry: string): Promise<Login | undefined> {
  if (cloudOf(registry)?.kind !== 'google') return undefined;
  const secret = await client.get(secretPath).catch(() => undefined);
  const key = (secret?.['data'] as Readonly<Record<string, string>> | undefined)?.['gcp.json'];
  // Artifact Registry, "JSON key": the file itself is the password.
  return key === undefined ? undefined : { user: '_json_key', password: Buffer.from(key, 'base64').toString('utf8') };
}
