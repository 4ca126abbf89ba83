// The key of a Google service account that an agent pulls with (enforce.md 1.1). Guarantees: it reaches the cluster by standard
// input, and stands in no annotation there.

import { CliError } from '../../errors.ts';
import { readTextIfExists } from '../../files.ts';
import type { Kubectl } from '../../kubernetes/kubectl.ts';

/** Returns the text of the file. Throws for what is no such key. */
export function readGoogleKey(path: string): string {
  const text = readTextIfExists(path);
  if (text !== undefined && isKey(text)) return text;
  throw new CliError(
    'usage',
    text === undefined
      ? `\`--gcp-serviceaccount-file\` "${path}" does not exist`
      : `\`--gcp-serviceaccount-file\` "${path}" is not the JSON key of a service account`,
    {
      code: 'usage.bad-value',
      hint: 'make one with `gcloud iam service-accounts keys create FILE --iam-account=ACCOUNT`',
    },
  );
}

function isKey(text: string): boolean {
  try {
    const value = JSON.parse(text) as Record<string, unknown> | null;
    return value?.['type'] === 'service_account' && typeof value['private_key'] === 'string';
  } catch {
    return false;
  }
}

export async function giveGoogleKey(kubectl: Kubectl, key: string): Promise<void> {
  const secret = {
    apiVersion: 'v1',
    kind: 'Secret',
    metadata: { name: 'mcp-creds', namespace: 'gulfstream' },
    data: { 'gcp.json': Buffer.from(key).toString('base64') },
  };
  const words = ['apply', '--server-side', '--field-manager=chainctl-google-key', '--force-conflicts', '--filename=-'];
  await kubectl.run(words, JSON.stringify(secret));
}
