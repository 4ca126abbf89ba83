// What a kubelet and the image credential provider say to each other, with the token of a service account of a simulated
// cluster. No kubelet could be run here: the requests are written from the types of its API, k8s.io/kubelet 0.34,
// pkg/apis/credentialprovider/v1.

import { readFileSync } from 'node:fs';
import { join } from 'node:path';
import { expect, test } from 'vitest';
import { parse, parseAllDocuments } from 'yaml';
import { runProvider } from '../../src/kubelet/credential-provider.ts';
import { fakeHost } from '../support/fake-host.ts';
import { withImages } from '../support/signed-in-registry.ts';

/** What the clock of a test platform shows first. */
const clockStart = Date.parse('2026-03-27T13:55:00.785Z');
const signal = new AbortController().signal;

async function cluster() {
  const { run, platform } = await withImages();
  const token = async (subject: string) => {
    const ran = await run([
      ...['local', 'token', '--issuer=https://kubernetes.example.com', `--subject=${subject}`],
      ...['--data-dir', platform.dataDir],
    ]);
    if (ran.code !== 0) throw new Error(ran.err);
    return ran.out.trim();
  };
  const subject = 'system:serviceaccount:shop:puller';
  const jwt = await token(subject);
  const { iss } = JSON.parse(Buffer.from(jwt.split('.')[1] ?? '', 'base64url').toString());
  const made = await run([
    ...['iam', 'identities', 'create', 'puller', '--parent=example.com', '--role=registry.pull', '--yes', '-o', 'id'],
    ...[`--identity-issuer=${iss}`, `--subject=${subject}`],
  ]);
  if (made.code !== 0) throw new Error(made.err);
  const registry = new URL(platform.urls.registry).host;
  const words = [`--identity=${made.out.trim()}`, `--issuer=${platform.urls.issuer}`, `--registry=${registry}`];
  return { run, platform, registry, jwt, token, words, identity: made.out.trim() };
}

async function ask(words: readonly string[], request: unknown) {
  const host = fakeHost({ now: clockStart, stdin: typeof request === 'string' ? request : JSON.stringify(request) });
  const code = await runProvider(host, words, signal);
  return { code, out: host.stdout.text, err: host.stderr.text };
}

const request = (image: string, serviceAccountToken: string) => ({
  kind: 'CredentialProviderRequest',
  apiVersion: 'credentialprovider.kubelet.k8s.io/v1',
  image,
  serviceAccountToken,
  serviceAccountAnnotations: {},
});

test('a service account that may assume the identity pulls with what it gets', async () => {
  const { registry, jwt, words, identity } = await cluster();
  const { code, out, err } = await ask(words, request(`${registry}/example.com/app:latest`, jwt));
  expect({ code, err }).toEqual({ code: 0, err: '' });
  const answer = JSON.parse(out);
  expect(answer).toMatchObject({
    kind: 'CredentialProviderResponse',
    apiVersion: 'credentialprovider.kubelet.k8s.io/v1',
    cacheKeyType: 'Registry',
    // An hour less a minute, and less what the test took.
    cacheDuration: expect.stringMatching(/^35[34]\ds$/),
  });
  expect(Object.keys(answer.auth)).toEqual([registry]);
  const { username, password } = answer.auth[registry];
  const basic = Buffer.from(`${username}:${password}`).toString('base64');
  const scope = 'repository:example.com/app:pull';
  const granted = await fetch(`http://${registry}/token?service=${registry}&scope=${scope}`, {
    headers: { authorization: `Basic ${basic}` },
  });
  expect(granted.status, await granted.clone().text()).toBe(200);
  const { token } = (await granted.json()) as { token: string };
  const manifest = await fetch(`http://${registry}/v2/example.com/app/manifests/latest`, {
    headers: { authorization: `Bearer ${token}`, accept: 'application/vnd.oci.image.index.v1+json' },
  });
  expect(manifest.status).toBe(200);
  const claims = JSON.parse(Buffer.from(password.split('.')[1], 'base64url').toString());
  expect(claims).toMatchObject({ sub: identity, aud: registry });
});

test('another service account gets nothing, and the reason', async () => {
  const { registry, token, words } = await cluster();
  const other = await token('system:serviceaccount:shop:somebody');
  const ran = await ask(words, request(`${registry}/example.com/app:latest`, other));
  expect(ran).toMatchObject({ code: 1, out: '' });
  expect(ran.err).toMatch(/^kubelet-credential-provider-cgr: .*subject.*\n$/);
});

test('an image of another registry, a strange request and strange arguments are refused in one line', async () => {
  const words = ['--identity', 'a'.repeat(40), '--issuer=https://issuer.example', '--registry=cgr.dev'];
  const good = request('cgr.dev/a/b', 'x.y.z');
  const expectRefused = async (asked: readonly string[], what: unknown, code: number, sentence: RegExp) => {
    const ran = await ask(asked, what);
    expect(ran).toMatchObject({ code, out: '' });
    expect(ran.err).toMatch(sentence);
    expect(ran.err.split('\n')).toHaveLength(2);
  };
  for (const image of ['evilcgr.dev/a', 'cgr.dev.example.com/a', 'nginx', 'docker.io/cgr.dev/a', '']) {
    await expectRefused(words, { ...good, image }, 1, /not in cgr\.dev|names no image/);
  }
  await expectRefused(words, 'not json', 1, /not the JSON/);
  await expectRefused(words, 'null', 1, /must be a CredentialProviderRequest/);
  await expectRefused(words, { ...good, apiVersion: 'credentialprovider.kubelet.k8s.io/v1alpha1' }, 1, /of .*\/v1$/m);
  await expectRefused(words, { ...good, serviceAccountToken: '' }, 1, /no token of a service account/);
  await expectRefused(words.slice(2), good, 2, /--identity must be the id/);
  await expectRefused([...words, '--issuer=http://issuer.example'], good, 2, /--issuer must be an https address/);
  await expectRefused([...words, '--frob'], good, 2, /the arguments must be/);
});

test('the two files: written, printed, and true to each other', async () => {
  const { run, platform, registry, identity } = await cluster();
  const printed = await run(['auth', 'configure-kubelet', '--identity', identity, '--print', '-o', 'json']);
  expect(printed).toMatchObject({ code: 0, err: '' });
  const files = JSON.parse(printed.out) as Record<string, string>;
  const [config = '', manifest = ''] = Object.values(files);
  const [provider] = parse(config).providers;
  expect(provider).toMatchObject({
    name: 'kubelet-credential-provider-cgr',
    apiVersion: 'credentialprovider.kubelet.k8s.io/v1',
    matchImages: [registry],
    args: [`--identity=${identity}`, `--issuer=${platform.urls.issuer}`, `--registry=${registry}`],
    tokenAttributes: { serviceAccountTokenAudience: platform.urls.issuer, cacheType: 'ServiceAccount' },
  });
  const [role, binding] = parseAllDocuments(manifest).map((document) => document.toJS());
  expect(role.rules[0].resources).toEqual([provider.tokenAttributes.serviceAccountTokenAudience]);
  expect(binding.roleRef.name).toBe(role.metadata.name);

  const folder = fakeHost().root;
  const written = await run(['auth', 'configure-kubelet', '--identity', identity, '--dir', folder]);
  expect(written).toMatchObject({ code: 0, out: '' });
  for (const [name, content] of Object.entries(files)) {
    expect(readFileSync(join(folder, name), 'utf8')).toBe(content);
    expect(written.err).toContain(`Wrote "${join(folder, name)}"`);
  }
  const wrong = await run(['auth', 'configure-kubelet', '--identity', 'puller']);
  expect(wrong.code).toBe(2);
  expect(wrong.err).toContain('`--identity` must be the id of an identity');
});
