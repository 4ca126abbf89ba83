// A cluster whose agent is a test: registered in the store, and told of over the address that agents use.

import { insertCluster } from '../../src/local/enforce/clusters.ts';
import { bindRole } from '../../src/local/iam/bind-role.ts';
import { builtInRoleId } from './ids.ts';
import type { TestPlatform } from './platform.ts';

export const remoteId = 'ba5eba11-ba5e-4a11-8a6a-95fc2398fe16';
export const digestOf = (letter: string): string => `sha256:${letter.repeat(64)}`;

/** One image that breaks a policy, one that keeps it and is signed, and one that no policy is about. Returns the cluster's id. */
export async function reportCluster(
  platform: TestPlatform,
  group: string,
  { images = defaultImages, name = 'kind-one' }: { readonly images?: readonly string[]; readonly name?: string } = {},
): Promise<string> {
  const identity = platform.user(`agent-of-${name}@example.com`);
  const { id = '' } = platform.store.transact((tx) => {
    bindRole(tx, { group, identity, role: builtInRoleId('gulfstream') });
    const facts = { profiles: ['observer', 'enforcer'], version: 'v1.34.4', agentVersion: '0.1.0' };
    return insertCluster(tx, group, { name, description: 'For tests', remoteId, issuer: '', identity, facts });
  });
  const [bad = '', good = '', free = ''] = images;
  const now = new Date(platform.store.read((tx) => tx.now)).toISOString();
  const checked = { policyId: 'p', parentType: 'RECORD', lastChecked: now };
  const digest = (image: string) => image.slice(image.indexOf('@') + 1);
  const at = (image: string, ...more: readonly (readonly [string, string])[]) => [['record', digest(image)], ...more];
  const pod = (uid: string) => [
    ['namespace', 'n1'],
    ['workload', uid],
  ];
  const upserts = [
    { path: [['namespace', 'n1']], name: 'default', body: {} },
    ...[bad, good, free].flatMap((image, index) => [
      { path: pod(`w${index}`), name: `pod-${index}`, body: { kind: 'Pod', apiVersion: 'v1', remoteId: `w${index}` } },
      { path: at(image), name: image, body: {} },
      { path: at(image, ['context', `c${index}`]), name: `c${index}`, body: { workload: { remoteId: `w${index}` } } },
    ]),
    {
      path: at(bad, ['result', 'p']),
      name: 'signed-only',
      body: { ...checked, result: 'FAIL', diagnostic: 'no signatures found for <b>this</b>' },
    },
    { path: at(good, ['result', 'p']), name: 'signed-only', body: { ...checked, result: 'PASS', diagnostic: '' } },
    {
      path: at(good, ['signature', digestOf('e')]),
      name: digestOf('e'),
      body: { keyless: { issuer: 'https://accounts.google.com', subject: 'kim@example.com' } },
    },
  ];
  const answer = await platform.call(
    await platform.token(identity),
    'POST',
    `/local/enforce/v1/clusters/${id}/report`,
    {
      body: { run: 'run-00000001', number: 1, upserts },
    },
  );
  if (answer.status !== 200) throw new Error(`the report was refused: ${JSON.stringify(answer.body)}`);
  return id;
}

const defaultImages = ['a', 'b', 'c'].map((letter) => `index.docker.io/library/app-${letter}@${digestOf(letter)}`);
