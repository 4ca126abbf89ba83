// Steps 3 to 9 of seed 004, as typed, with the registry and a key of this machine.

import assert from 'node:assert/strict';
import { cosign, good, step, until } from './world.mjs';

export const policyOf = (
  world,
  more = '',
  glob = `${world.registry}/**`,
  version = 'v1beta1',
) => `apiVersion: policy.sigstore.dev/${version}
kind: ClusterImagePolicy
metadata:
  name: sample-policy
spec:
${more}  images:
  - glob: ${glob}
  authorities:
  - key:
      data: |
${world.read('cosign.pub').replace(/^/gm, '        ').trimEnd()}
`;

/** Result of the policy for an image in the records of a cluster. */
export const resultIn = (world, id, name, policy = 'sample-policy') => {
  const { stdout } = world.chainctl('cluster', 'records', 'list', id, '-ojson');
  const { items = [] } = JSON.parse(stdout || '{}');
  const record = items.find(({ image }) => image.includes(`/${name}@`));
  return (
    record?.policies?.find((one) => one.name === policy || one.policy === policy)?.result ??
    record?.policies?.[0]?.result
  );
};

export async function walkThrough(world) {
  const { registry, kubectl, chainctl } = world;
  const digest = world.push('tutorial/busybox');
  world.push('tutorial/ubuntu');
  await until('the default service account', () => kubectl('get', 'serviceaccount', 'default').status === 0);
  good(kubectl('run', 'example', `--image=${registry}/tutorial/busybox`), 'kubectl run example');
  good(world.run(cosign, ['generate-key-pair']), 'keys');

  world.write('sample-policy.yaml', policyOf(world, '', `“${registry}/*”`, 'v1alpha1'));
  const created = chainctl('policies', 'create', 'sample-policy', '--group', 'engineering', '-f', 'sample-policy.yaml');
  assert.match(good(created, 'policies create'), /^Created policy [0-9a-f/]+\n$/);
  assert.match(created.stderr, /typographic quotes/);
  step('step 4: the policy with its typographic quotes and its star');

  const installed = chainctl('cluster', 'install', '--group=engineering');
  assert.match(
    good(installed, 'cluster install'),
    /^Cluster has been successfully configured with ID: '[0-9a-f-]{36}'\n$/,
  );
  assert.match(installed.stderr, /The API server reaches the webhook at 127\.0\.0\.1/);
  assert.match(installed.stderr, /Cleaning up temporary invite code /);
  assert.match(good(chainctl('cluster', 'ls'), 'cluster ls'), /enforcer/);
  step('step 5: the cluster is installed, its invite is gone, and the address of the webhook was found');

  await until('the policy in the cluster', () =>
    kubectl('get', 'clusterimagepolicies').stdout.includes('sample-policy'),
  );
  const id = world.json(kubectl('get', 'ns', 'gulfstream', '-ojson'), 'namespace').metadata.uid;
  await until('busybox is flagged', () => resultIn(world, id, 'busybox') === 'FAIL');
  step('step 6: the unsigned image is flagged');

  world.sign('tutorial/busybox', digest);
  await until('busybox is no longer flagged', () => resultIn(world, id, 'busybox') === 'PASS');
  step('steps 7 and 8: it is signed, and no longer flagged');

  good(kubectl('label', 'ns', 'default', 'policy.sigstore.dev/include=true', '--overwrite'), 'label');
  const denied = kubectl('run', 'not-signed', `--image=${registry}/tutorial/ubuntu`);
  assert.notEqual(denied.status, 0);
  assert.match(
    denied.stderr,
    /^Error from server \(BadRequest\): admission webhook "enforcer.chainguard.dev" denied the request: validation failed: failed policy: sample-policy: spec\.containers\[0\]\.image\n/,
  );
  good(kubectl('run', 'signed', `--image=${registry}/tutorial/busybox`), 'a signed image');
  step('step 9: the unsigned image is denied, the signed one is let in');
  return { id, digest };
}
