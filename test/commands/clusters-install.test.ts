// What stops an installation before anything is applied, with the real kubectl where there is one.

import { spawnSync } from 'node:child_process';
import { existsSync, mkdtempSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { afterEach, describe, expect, test } from 'vitest';
import { kubeconfigOf, startAccessReviews } from '../support/access-reviews.ts';
import { demoFolders } from '../support/ids.ts';
import { reportCluster } from '../support/reporting-cluster.ts';
import { signedIn } from '../support/signed-in.ts';

const stops: (() => void)[] = [];
afterEach(() => {
  for (const stop of stops.splice(0)) stop();
});

async function refusing() {
  const server = await startAccessReviews(false);
  stops.push(server.stop);
  return server;
}

test('without kubectl it says where to have it from', async () => {
  const { run } = await signedIn();
  const { code, err } = await run(['clusters', 'install', '--group=sandbox'], { env: { PATH: '' } });
  expect(code).not.toBe(0);
  expect(err).toContain('There is no kubectl on the PATH');
  expect(err).toContain('https://kubernetes.io/docs/tasks/tools/');
});

test('what is no key of a service account is refused before anything is asked of a cluster', async () => {
  const { run } = await signedIn();
  const file = join(mkdtempSync(join(tmpdir(), 'key-')), 'key.json');
  const words = ['clusters', 'install', '--group=sandbox', `--gcp-serviceaccount-file=${file}`];
  expect((await run(words)).err).toContain(`\`--gcp-serviceaccount-file\` "${file}" does not exist`);
  for (const text of [
    'not JSON',
    'null',
    '{"type":"authorized_user","private_key":"x"}',
    '{"type":"service_account"}',
  ]) {
    writeFileSync(file, text);
    const { code, err } = await run(words, { env: { PATH: '' } });
    expect(code).not.toBe(0);
    expect(err).toContain('is not the JSON key of a service account');
  }
  writeFileSync(file, '{"type":"service_account","private_key":"x"}');
  expect((await run(words, { env: { PATH: '' } })).err).toContain('There is no kubectl on the PATH');
});

test('what is not there is refused in one sentence, and never an empty answer', async () => {
  const { run } = await signedIn();
  const found = await run(['clusters', 'discover', '--group=sandbox']);
  expect(found.code).not.toBe(0);
  expect(found.err).toContain('looks for clusters in no cloud; set up each with `chainctl clusters install`');
  const managed = await run(['clusters', 'install', '--group=sandbox', '--managed=gke', '--cluster=c']);
  expect(managed.err).toContain('`--managed` needs an agent that the vendor runs');
});

const hasKubectl = spawnSync('kubectl', ['version', '--client']).status === 0;

describe.skipIf(!hasKubectl)('with the real kubectl', () => {
  const path = process.env['PATH'];

  test('a context that is not there is told with those that are', async () => {
    const { run } = await signedIn();
    const env = { PATH: path, KUBECONFIG: kubeconfigOf('http://127.0.0.1:1') };
    const { err } = await run(['clusters', 'install', '--group=sandbox', '--kube-context=other'], { env });
    expect(err).toContain('kubectl has no context "other"');
    expect(err).toContain('there is here');
  });

  test('a cluster that does not answer is told in kubectl’s words', async () => {
    const { run } = await signedIn();
    const env = { PATH: path, KUBECONFIG: kubeconfigOf('http://127.0.0.1:1') };
    const { code, err } = await run(['clusters', 'install', '--group=sandbox'], { env });
    expect(code).not.toBe(0);
    expect(err).toMatch(/kubectl auth failed: .*127\.0\.0\.1:1/);
    expect(err).toContain('kubectl cluster-info');
  });

  test('without the rights nothing is applied, and what is missing is named', async () => {
    const { run } = await signedIn();
    const { config, written } = await refusing();
    const { code, err } = await run(['clusters', 'install', '--group=sandbox'], {
      env: { PATH: path, KUBECONFIG: config },
    });
    expect(code).not.toBe(0);
    expect(err).toContain(
      'may not create namespaces, customresourcedefinitions, clusterroles, validatingwebhookconfigurations',
    );
    expect(err).toContain('cluster-admin');
    expect(written).toEqual([]);
    // What kubectl remembers of a cluster is no part of the folder that somebody works in, without $HOME either.
    expect(existsSync('.kube')).toBe(false);
  });

  test('an address that leads nowhere is refused before anything is asked', async () => {
    const { run } = await signedIn();
    const { config, written } = await refusing();
    const words = ['clusters', 'install', '--group=sandbox', '--webhook-address=nowhere.invalid'];
    const { err } = await run(words, { env: { PATH: path, KUBECONFIG: config } });
    expect(err).toContain('`--webhook-address` "nowhere.invalid" leads nowhere');
    expect(written).toEqual([]);
  });

  describe('`--context`, as guides of before contexts write it,', () => {
    const contexts = ['here', 'kind-demo', 'production'];

    test.for([
      ['clusters', 'install', '--group=sandbox', '--context', 'kind-demo'],
      ['clusters', 'install', '--group=sandbox', '--context=kind-demo'],
    ])('names one of kubectl where chainctl has none of that name: %s', async (words) => {
      const { run } = await signedIn();
      const { server } = await refusing();
      const { err } = await run(words, { env: { PATH: path, KUBECONFIG: kubeconfigOf(server, contexts) } });
      expect(err).toContain('`--context` is deprecated: use `--kube-context`');
      expect(err).toContain('Your account of context "kind-demo" may not create');
    });

    test('and keeps its meaning where chainctl has one', async () => {
      const { run } = await signedIn();
      const { server } = await refusing();
      const env = { PATH: path, KUBECONFIG: kubeconfigOf(server, contexts) };
      const words = ['clusters', 'install', '--group=sandbox', '--context=production', '--kube-context=kind-demo'];
      const { err } = await run(words, { env });
      expect(err).not.toContain('deprecated');
      // That of production has no login here.
      expect(err).toContain('Not authenticated');
    });

    test('a name that could be either is refused before anything is asked', async () => {
      const { run } = await signedIn();
      const { server, written, reviews } = await refusing();
      const env = { PATH: path, KUBECONFIG: kubeconfigOf(server, contexts) };
      const { code, err } = await run(['clusters', 'uninstall', '--yes', '--context=production'], { env });
      expect(code).not.toBe(0);
      expect(err).toContain('`--context=production` names a context of chainctl and one of kubectl');
      expect(err).toContain('`--kube-context=here`, which is kubectl');
      expect([written, reviews()]).toEqual([[], 0]);
    });

    test('elsewhere it means what it always did', async () => {
      const { run } = await signedIn();
      const { err } = await run(['clusters', 'list', '--context=kind-demo']);
      expect(err).toContain('There is no context "kind-demo"');
    });
  });
});

test('a cluster that was not seen for a while is not taken for one that was', async () => {
  const { run, platform, clock } = await signedIn();
  await reportCluster(platform, demoFolders.engineering);
  clock.advance(3 * 3_600_000);
  const words = ['clusters', 'uninstall', '--cluster=kind-one', '--yes', '--output=id'];
  const refused = await run([...words, '--active-within=2h']);
  expect(refused.code).not.toBe(0);
  expect(refused.err).toMatch(/The cluster "kind-one" was last seen at .*Z, which `--active-within` leaves out/);
  expect((await run([...words, '--active-within=4h'])).out).toMatch(/\/[0-9a-f]{16}\n$/);
  const both = await run(['clusters', 'uninstall', '--inactive=1h', '--active-within=1h', '--yes']);
  expect(both.err).toContain('`--active-within`');
  expect(both.code).not.toBe(0);
});
