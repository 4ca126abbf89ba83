// What else has to hold on a real API server once 004 has been walked through: other kinds and containers, modes, what is down,
// logins, several clusters, and what an uninstall leaves.

import assert from 'node:assert/strict';
import { existsSync, mkdirSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { policyOf } from './walkthrough.mjs';
import { good, step, until } from './world.mjs';

const denies = (result, what, reason = /denied the request/) => {
  assert.notEqual(result.status, 0, `${what} was let in`);
  assert.match(result.stderr, reason);
};

export async function otherKinds(world, digest) {
  const { registry, kubectl } = world;
  const unsigned = `${registry}/tutorial/ubuntu`;
  denies(
    kubectl('create', 'deployment', 'bad', `--image=${unsigned}`),
    'a deployment',
    /spec\.template\.spec\.containers\[0\]\.image/,
  );
  good(kubectl('create', 'deployment', 'fine', `--image=${registry}/tutorial/busybox`), 'a signed deployment');
  await until('its pod, which a controller makes', () =>
    kubectl('get', 'pods', '-l', 'app=fine', '-oname').stdout.includes('pod/'),
  );
  denies(
    kubectl('create', 'cronjob', 'bad', `--image=${unsigned}`, '--schedule=0 0 * * *'),
    'a cron job',
    /spec\.jobTemplate\.spec\.template\.spec\.containers\[0\]\.image/,
  );
  denies(
    kubectl('debug', 'signed', `--image=${unsigned}@${world.push('tutorial/ubuntu')}`),
    'an ephemeral container',
    /spec\.ephemeralContainers\[0\]\.image/,
  );
  good(kubectl('debug', 'signed', `--image=${registry}/tutorial/busybox@${digest}`), 'a signed ephemeral container');
  good(kubectl('label', 'pod', 'example', 'changed=true'), 'a label of a pod that ran before');
  step('deployments, cron jobs and ephemeral containers are denied or let in by the same policy');
}

export async function pullSecrets(world) {
  const { kubectl } = world;
  const place = await world.privateRegistry('robot', 'secret-of-the-robot');
  const digest = world.push('private/app');
  world.sign('private/app', digest);
  world.write('private.yaml', policyOf(world, '', `${place}/**`).replace('name: sample-policy', 'name: private'));
  good(world.chainctl('policies', 'apply', '--group=engineering', '-f', 'private.yaml'), 'apply private');
  await until('the second policy', () => kubectl('get', 'clusterimagepolicies').stdout.includes('private'));
  denies(
    kubectl('run', 'no-login', `--image=${place}/private/app@${digest}`),
    'an image that nobody may read',
    /denied/,
  );
  const words = ['create', 'secret', 'docker-registry', 'robot', `--docker-server=${place}`];
  good(kubectl(...words, '--docker-username=robot', '--docker-password=secret-of-the-robot'), 'the secret');
  good(kubectl('patch', 'serviceaccount', 'default', '-p', '{"imagePullSecrets":[{"name":"robot"}]}'), 'the account');
  let told = '';
  await until(
    () => `the login of its service account: ${told}`,
    () => {
      const { status, stderr } = kubectl('run', 'login', `--image=${place}/private/app`);
      told = stderr;
      assert.doesNotMatch(stderr, /secret-of-the-robot/);
      return status === 0;
    },
  );
  step('pull secrets of a service account reach a private registry, for digests and for signatures');
}

export async function warnMode(world) {
  const { registry, kubectl, chainctl } = world;
  world.write('sample-policy.yaml', policyOf(world, '  mode: warn\n'));
  good(chainctl('policies', 'apply', '--group=engineering', '-f', 'sample-policy.yaml', '--yes'), 'apply warn');
  let warned;
  await until('warn mode', () => {
    warned = kubectl('run', 'warned', `--image=${registry}/tutorial/ubuntu`);
    return warned.status === 0;
  });
  assert.match(warned.stderr, /^Warning: failed policy: sample-policy: spec\.containers\[0\]\.image /);
  const { stdout } = chainctl('policies', 'versions', 'list', 'sample-policy', '-ojson');
  const { items } = JSON.parse(stdout);
  const first = items.at(-1);
  good(chainctl('policies', 'versions', 'activate', first.id), 'activate the first version');
  await until(
    'the first version counts again',
    () => kubectl('run', 'x', '--dry-run=server', `--image=${registry}/tutorial/ubuntu`).status !== 0,
  );
  step('warn mode lets in with a warning of one line, and the version before counts again');
}

export async function whatIsDown(world, id) {
  const { registry, kubectl, chainctl, cluster } = world;
  const bad = `--image=${registry}/tutorial/ubuntu`;
  await cluster.restartServer();
  denies(kubectl('run', 'again', bad), 'an unsigned image');
  step('the API server was restarted, and the webhook denies as before');

  const { pid } = JSON.parse(world.read(join('data', 'chainctl', 'agents', id, 'agent.json')));
  process.kill(pid, 'SIGKILL');
  denies(
    kubectl('run', 'no-agent', `--image=${registry}/tutorial/busybox`),
    'an image while the agent is down',
    /failed calling webhook "enforcer\.chainguard\.dev"/,
  );
  good(kubectl('run', 'elsewhere', '--namespace=kube-system', bad), 'namespaces that are not chosen');
  good(chainctl('cluster', 'install', '--skip-invite', '--opt=webhook_fail_open=true'), 'install again, failing open');
  // The API server needs a moment to hear of the address, and lets in until then.
  await until('denials while the agent runs', () => kubectl('run', 'x', '--dry-run=server', bad).status !== 0);
  process.kill(JSON.parse(world.read(join('data', 'chainctl', 'agents', id, 'agent.json'))).pid, 'SIGKILL');
  good(kubectl('run', 'open', bad), 'failing open');
  step('without its agent nothing is let in, unless the webhook fails open');

  const optOut = chainctl('cluster', 'install', '--skip-invite', '--opt=namespace_enforcement_mode=opt-out');
  good(optOut, 'install again, opt-out');
  assert.match(
    optOut.stderr,
    /kube-system, gulfstream and cosign-system takes no new workload while the agent does not run/,
  );
  good(kubectl('create', 'namespace', 'unlabelled'), 'a namespace');
  await until('its service account', () => kubectl('get', 'sa', 'default', '-nunlabelled').status === 0);
  denies(kubectl('run', 'bad', '--namespace=unlabelled', bad), 'a namespace without label in opt-out mode');
  good(kubectl('run', 'system', '--namespace=kube-system', bad), 'kube-system in opt-out mode');
  good(kubectl('label', 'ns', 'unlabelled', 'policy.sigstore.dev/exclude=true'), 'label');
  good(kubectl('run', 'bad', '--namespace=unlabelled', bad), 'an excluded namespace');
  step('opt-out mode covers every namespace but those that it must not, and those that are excluded');
}

export async function rights(world) {
  const as = '--as=system:serviceaccount:gulfstream:controller';
  const may = (...words) => world.kubectl('auth', 'can-i', ...words, as).stdout.trim() === 'yes';
  assert.ok(may('list', 'pods', '-A'));
  assert.ok(may('create', 'serviceaccounts/controller', '--subresource=token', '-ngulfstream'));
  for (const words of [
    ['create', 'pods'],
    ['delete', 'pods'],
    ['create', 'namespaces'],
    ['list', 'secrets', '-A'],
    ['create', 'clusterrolebindings'],
    ['create', 'serviceaccounts/default', '--subresource=token'],
    ['delete', 'validatingwebhookconfigurations'],
    ['patch', 'validatingwebhookconfigurations/other'],
    ['create', 'secrets', '-ncosign-system'],
  ]) {
    assert.equal(may(...words), false, `the agent may ${words.join(' ')}`);
  }
  step('the agent may do what its role lists and no more');
}

/** An address that the API server cannot reach: everything is watched, and nothing is denied for want of an answer. */
export async function unreachable(world) {
  const { chainctl, kubectl, registry } = world;
  // TEST-NET-1 of RFC 5737: nobody has it.
  const installed = chainctl('clusters', 'install', '--skip-invite', '--webhook-address=192.0.2.1');
  good(installed, 'install where the webhook cannot be reached');
  assert.match(installed.stderr, /at none of 192\.0\.2\.1, so nothing can be denied; installed as an observer/);
  assert.match(installed.stderr, /--webhook-address/);
  const hooks = 'validatingwebhookconfigurations,mutatingwebhookconfigurations';
  assert.equal(good(kubectl('get', hooks, '-oname'), 'webhooks'), '');
  good(kubectl('run', 'observed', `--image=${registry}/tutorial/ubuntu`), 'an unsigned image under an observer');
  const profiles = () => world.json(chainctl('clusters', 'list', '-ojson'), 'clusters').items[0].profiles;
  assert.deepEqual(profiles(), ['observer']);
  good(chainctl('clusters', 'install', '--skip-invite'), 'install again where it can be reached');
  denies(kubectl('run', 'denied', `--image=${registry}/tutorial/ubuntu`), 'an unsigned image under an enforcer');
  step('a webhook that cannot be reached makes the cluster an observed one, and says so');
}

/** The agent moves into a pod; there is no kubelet here, so what a kubelet would do is done by hand. */
export async function inPod(world, id) {
  const { kubectl, chainctl } = world;
  const folder = join(world.home, 'pod');
  mkdirSync(folder);
  const config = world.json(kubectl('config', 'view', '--raw', '--flatten', '--minify', '-ojson'), 'kubeconfig');
  const { server, 'certificate-authority-data': ca } = config.clusters[0].cluster;
  const token = (...more) =>
    good(kubectl('create', 'token', 'controller', '--namespace=gulfstream', ...more), 'create token');
  writeFileSync(join(folder, 'ca.crt'), Buffer.from(ca, 'base64'));
  writeFileSync(join(folder, 'token'), token());
  writeFileSync(join(folder, 'oidc-token'), token('--audience=gulfstream'));
  const { hostname, port } = new URL(server);
  const installing = world.chainctlLater('clusters', 'install', '--skip-invite', '--agent-image=example.com/chainctl');
  let identity;
  await until('who the agent is', () => {
    identity = kubectl('get', 'secret', 'mcp-creds', '-ngulfstream', '-ojsonpath={.data.identity-uid}').stdout;
    return identity !== '';
  });
  const pod = world.chainctlLater(
    'local',
    'agent',
    '--in-cluster',
    `--service-account=${folder}`,
    `--identity-token=${join(folder, 'oidc-token')}`,
    '--webhook-port=0',
    {
      KUBERNETES_SERVICE_HOST: hostname,
      KUBERNETES_SERVICE_PORT: port,
      POD_IP: '127.0.0.1',
      IDENTITY_UID: Buffer.from(identity, 'base64').toString(),
    },
  );
  assert.equal(await installing.ended, 0, 'install with the agent in a pod');
  // What install applies may be written over what the agent wrote; it looks again every ten seconds.
  await until('the webhook behind its Service', () => {
    const read = kubectl('get', 'validatingwebhookconfiguration', 'enforcer.chainguard.dev', '-ojson');
    const { url, service } = world.json(read, 'the webhook').webhooks[0].clientConfig;
    return url === undefined && service?.name === 'webhook' && service.namespace === 'gulfstream';
  });
  good(kubectl('get', 'statefulset', 'meta-controlplane', '-ngulfstream'), 'the pod of the agent');
  assert.ok(!existsSync(join(world.home, 'data', 'chainctl', 'agents', id)), 'no agent is left beside the platform');
  pod.stop();
  assert.ok([0, 130].includes(await pod.ended), 'the agent in a pod ends well');
  good(chainctl('cluster', 'install', '--skip-invite', '--private'), 'install beside the platform again');
  assert.notEqual(kubectl('get', 'statefulset', 'meta-controlplane', '-ngulfstream').status, 0);
  step('the agent moves into a pod, as its service account and behind its Service, and back');
}

export async function twoClusters(world) {
  const { chainctl, chainctlIn, registry } = world;
  const second = await world.secondCluster();
  const groups = world.json(chainctl('iam', 'folders', 'list', '-ojson'), 'folders').items;
  const engineering = groups.find(({ name }) => name === 'engineering');
  const above = engineering.id.split('/').slice(0, -1).join('/');
  good(chainctl('iam', 'folders', 'create', 'other', `--parent=${above}`, '--yes'), 'a second folder');
  world.write(
    'inherited.yaml',
    policyOf(world, '', '"nowhere.example/**"').replace('name: sample-policy', 'name: inherited'),
  );
  good(chainctl('policies', 'apply', `--group=${above}`, '-f', 'inherited.yaml', '--yes'), 'a policy above both');
  good(chainctlIn(second.kubeconfig, 'cluster', 'install', '--group=other', '--name=second'), 'install the second');
  await until('the inherited policy in both', () =>
    [world.cluster, second].every((one) => one.kubectl(['get', 'cip', '-oname']).stdout.includes('/inherited')),
  );
  assert.ok(!second.kubectl(['get', 'cip', '-oname']).stdout.includes('/sample-policy'));
  await until('the service account', () => second.kubectl(['get', 'sa', 'default']).status === 0);
  second.kubectl(['run', 'free', `--image=${registry}/tutorial/ubuntu`]);
  const { items } = world.json(chainctl('cluster', 'list', '-ojson'), 'clusters');
  assert.equal(items.length, 2);
  good(chainctlIn(second.kubeconfig, 'cluster', 'uninstall', '--yes'), 'uninstall the second');
  good(chainctl('policies', 'delete', 'inherited', '--yes'), 'delete');
  await until('a deleted policy is gone', () => !world.kubectl('get', 'cip', '-oname').stdout.includes('/inherited'));
  step('two clusters in two folders: the policy above both counts in both, that of one does not');
}

const kinds =
  'validatingwebhookconfigurations,mutatingwebhookconfigurations,clusterroles,clusterrolebindings,customresourcedefinitions,namespaces';

export const whatIsThere = (world) => world.kubectl('get', kinds, '-oname').stdout.split('\n').sort();

export async function uninstall(world, before) {
  good(world.chainctl('cluster', 'uninstall', '--yes'), 'uninstall');
  await until('namespaces are gone', () => world.kubectl('get', 'ns', 'gulfstream', 'cosign-system').stdout === '');
  const left = whatIsThere(world).filter((name) => !before.includes(name) && name !== 'namespace/unlabelled');
  assert.deepEqual(left, []);
  assert.deepEqual(world.json(world.chainctl('clusters', 'list', '-ojson'), 'list').items, []);
  good(world.kubectl('run', 'free', `--image=${world.registry}/tutorial/ubuntu`), 'nothing denies any more');
  step('uninstall leaves nothing');
}
