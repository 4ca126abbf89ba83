// Steps 4 to 9 of seed 004 against a real API server, with registry and signatures on this machine. Says that it did not run, and
// ends well, where Go, etcd, kubectl, openssl or cosign is missing. Not part of .ci/run: building Kubernetes takes longer than is left there.
//
//   npm run e2e:kubernetes          KUBERNETES_PROGRAMS=folder keeps what was built; COSIGN and CRANE name other programs

import assert from 'node:assert/strict';
import { spawn, spawnSync } from 'node:child_process';
import { mkdirSync, mkdtempSync, readFileSync, rmSync, writeFileSync } from 'node:fs';
import { homedir, tmpdir } from 'node:os';
import { join } from 'node:path';
import { setTimeout as sleep } from 'node:timers/promises';
import { fileURLToPath } from 'node:url';
import { startCluster } from './kubernetes/cluster.mjs';

const root = fileURLToPath(new URL('..', import.meta.url));
const cosign = process.env.COSIGN ?? 'cosign';
const crane = process.env.CRANE ?? 'crane';
const missing = [
  ['go', 'version'],
  ['etcd', '--version'],
  ['kubectl', 'version', '--client'],
  ['openssl', 'version'],
  [cosign, 'version'],
  [crane, 'version'],
]
  .filter(([program, ...args]) => spawnSync(program, args).error !== undefined)
  .map(([program]) => program);
if (missing.length > 0) {
  console.log(`e2e:kubernetes did not run: there is no ${missing.join(', no ')} here`);
  process.exit(0);
}

const programs = process.env.KUBERNETES_PROGRAMS ?? join(homedir(), '.cache', 'chainctl-kubernetes');
const began = Date.now();
const built = spawnSync('bash', [join(root, 'scripts/kubernetes/build.sh'), programs], { stdio: 'inherit' });
assert.equal(built.status, 0, 'Kubernetes was built');
console.log(`Kubernetes is there after ${Math.round((Date.now() - began) / 1000)} s`);

const folder = mkdtempSync(join(tmpdir(), 'chainctl-e2e-kubernetes-'));
const home = join(folder, 'home');
mkdirSync(home);
const cluster = await startCluster(programs, join(folder, 'cluster'));
const registryServer = spawn(crane, ['registry', 'serve', '--address', '127.0.0.1:0'], {
  stdio: ['ignore', 'pipe', 'pipe'],
});
const registry = await new Promise((resolve) => {
  registryServer.stderr.on('data', (chunk) => {
    const [, port] = /serving on port (\d+)/.exec(String(chunk)) ?? [];
    if (port) resolve(`127.0.0.1:${port}`);
  });
});
let env = {
  ...process.env,
  HOME: home,
  XDG_CACHE_HOME: join(home, 'cache'),
  XDG_DATA_HOME: join(home, 'data'),
  XDG_CONFIG_HOME: join(home, 'config'),
  KUBECONFIG: cluster.kubeconfig,
  COSIGN_PASSWORD: '',
};
const run = (program, args, input = '') =>
  spawnSync(program, args, { env, encoding: 'utf8', input, cwd: home, timeout: 180_000 });
const chainctl = (...args) => run(process.execPath, [join(root, 'bin/chainctl.js'), ...args]);
const kubectl = (...args) => run('kubectl', args);
const good = (result, what) => {
  assert.equal(result.status, 0, `${what}: ${result.stdout}${result.stderr}`);
  return result.stdout;
};
const until = async (what, check) => {
  for (let waited = 0; waited < 60_000; waited += 500) {
    if (check()) return;
    await sleep(500);
  }
  throw new Error(`waited a minute, and still not: ${what}`);
};
const step = (text) => console.log(`ok  ${text}`);

try {
  good(chainctl('local', 'start', '--detach'), 'local start');
  const variables = JSON.parse(good(chainctl('local', 'status', '-ojson'), 'local status'));
  env = {
    ...env,
    CHAINGUARD_PLATFORM_API: variables.api,
    CHAINGUARD_PLATFORM_ISSUER: variables.issuer,
    CHAINGUARD_PLATFORM_AUDIENCE: variables.api,
    CHAINGUARD_PLATFORM_REGISTRY: variables.registry,
  };
  good(
    run(
      process.execPath,
      [join(root, 'bin/chainctl.js'), 'auth', 'login', '--identity-token', '-'],
      good(chainctl('local', 'token'), 'local token'),
    ),
    'login',
  );

  // Step 3: images, one of which will be signed.
  for (const name of ['busybox', 'ubuntu']) {
    writeFileSync(join(home, 'file'), name);
    good(run('tar', ['cf', `${name}.tar`, 'file']), 'tar');
    good(run(crane, ['append', '-f', `${name}.tar`, '-t', `${registry}/tutorial/${name}:latest`]), 'push');
  }
  await until('the default service account', () => kubectl('get', 'serviceaccount', 'default').status === 0);
  good(kubectl('run', 'example', `--image=${registry}/tutorial/busybox`), 'kubectl run example');

  // Step 4.
  good(run(cosign, ['generate-key-pair']), 'keys');
  const key = readFileSync(join(home, 'cosign.pub'), 'utf8').replace(/^/gm, '        ').trimEnd();
  const document = `apiVersion: policy.sigstore.dev/v1alpha1
kind: ClusterImagePolicy
metadata:
  name: sample-policy
spec:
  images:
  - glob: “${registry}/*”
  authorities:
  - key:
      data: |
${key}
`;
  writeFileSync(join(home, 'sample-policy.yaml'), document);
  const created = chainctl('policies', 'create', 'sample-policy', '--group', 'engineering', '-f', 'sample-policy.yaml');
  assert.match(good(created, 'policies create'), /^Created policy [0-9a-f/]+\n$/);
  assert.match(created.stderr, /typographic quotes/);
  step('step 4: the policy with its typographic quotes and its star');

  // Step 5.
  const installed = chainctl('cluster', 'install', '--group=engineering');
  assert.match(
    good(installed, 'cluster install'),
    /^Cluster has been successfully configured with ID: '[0-9a-f-]{36}'\n$/,
  );
  assert.match(installed.stderr, /Cleaning up temporary invite code /);
  assert.match(good(chainctl('cluster', 'ls'), 'cluster ls'), /enforcer/);
  step('step 5: the cluster is installed, and its invite is gone');

  // Step 6.
  await until('the policy in the cluster', () =>
    kubectl('get', 'clusterimagepolicies').stdout.includes('sample-policy'),
  );
  const id = JSON.parse(good(kubectl('get', 'ns', 'gulfstream', '-ojson'), 'namespace')).metadata.uid;
  const records = () => JSON.parse(chainctl('cluster', 'records', 'list', id, '-ojson').stdout || '{"items":[]}').items;
  const resultOf = (name) => records().find(({ image }) => image.includes(`/${name}@`))?.policies?.[0]?.result;
  await until('busybox is flagged', () => resultOf('busybox') === 'FAIL');
  step('step 6: the unsigned image is flagged');

  // Steps 7 and 8.
  const digest = good(run(crane, ['digest', `${registry}/tutorial/busybox`]), 'digest').trim();
  good(
    run(cosign, [
      'sign',
      '--key',
      'cosign.key',
      '--tlog-upload=false',
      '--yes',
      `${registry}/tutorial/busybox@${digest}`,
    ]),
    'cosign sign',
  );
  await until('busybox is no longer flagged', () => resultOf('busybox') === 'PASS');
  step('steps 7 and 8: it is signed, and no longer flagged');

  // Step 9.
  good(kubectl('label', 'ns', 'default', 'policy.sigstore.dev/include=true', '--overwrite'), 'label');
  const denied = kubectl('run', 'not-signed', `--image=${registry}/tutorial/ubuntu`);
  assert.notEqual(denied.status, 0);
  assert.match(
    denied.stderr,
    /^Error from server \(BadRequest\): admission webhook "enforcer.chainguard.dev" denied the request: validation failed: failed policy: sample-policy: spec\.containers\[0\]\.image\n/,
  );
  good(kubectl('run', 'signed', `--image=${registry}/tutorial/busybox`), 'a signed image');
  step('step 9: the unsigned image is denied, the signed one is let in');

  await cluster.restartServer();
  assert.match(kubectl('run', 'again', `--image=${registry}/tutorial/ubuntu`).stderr, /denied the request/);
  step('the API server was restarted, and the webhook denies as before');

  good(chainctl('cluster', 'uninstall', '--yes'), 'uninstall');
  const left = kubectl(
    'get',
    'validatingwebhookconfigurations,mutatingwebhookconfigurations,clusterroles',
    '-oname',
  ).stdout;
  assert.doesNotMatch(left, /enforcer\.chainguard|gulfstream/);
  assert.deepEqual(JSON.parse(good(chainctl('clusters', 'list', '-ojson'), 'list')).items, []);
  good(kubectl('run', 'free', `--image=${registry}/tutorial/ubuntu`), 'nothing denies any more');
  step('uninstall leaves nothing');
} finally {
  chainctl('local', 'stop');
  registryServer.kill();
  await cluster.stop();
  rmSync(folder, { recursive: true, force: true });
}
