// What stops an installation before anything is applied, with the real kubectl where there is one.

import { spawnSync } from 'node:child_process';
import { existsSync } from 'node:fs';
import { afterEach, describe, expect, test } from 'vitest';
import { kubeconfigOf, startAccessReviews } from '../support/access-reviews.ts';
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
});
