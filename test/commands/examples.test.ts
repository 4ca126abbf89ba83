// Examples that the reference gives for contexts besides iam (iam-examples.test.ts), on a fresh platform: the seed has what is
// public in them, the member of `my-org` what is theirs.

import { readFileSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { expect, test } from 'vitest';
import { newKeyPair } from '../../src/key-pairs.ts';
import { bindRole } from '../../src/local/iam/bind-role.ts';
import { insertGroup } from '../../src/local/iam/groups.ts';
import { builtInRoleId } from '../support/ids.ts';
import { temporaryFolder } from '../support/platform.ts';
import { shellWords } from '../support/shell-words.ts';
import { withImages } from '../support/signed-in-registry.ts';

// The file is written by scripts/vendor-cli.mjs.
const { examples } = JSON.parse(readFileSync(join(import.meta.dirname, '../../spec/cli-examples.json'), 'utf8')) as {
  examples: { path: string; line: string }[];
};
const context = /^(auth|config|events|images|packages)( |$)/;
/** Where else these are run: they need a browser, or charts that a vendor publishes. */
const elsewhere: Readonly<Record<string, string>> = {
  'auth login': 'auth-login.test.ts',
  'auth configure-npm': 'auth-configure-npm.test.ts',
  'images helm add-chart': 'images-helm.test.ts',
  'images helm refs': 'images-helm.test.ts',
  'images helm values': 'images-helm.test.ts',
};
const here = examples.filter(({ path }) => context.test(path) && elsewhere[path] === undefined);

const certificate = '-----BEGIN CERTIFICATE-----\nAAAA\n-----END CERTIFICATE-----\n';
const files = {
  'config.yaml': 'contents:\n  packages:\n    - curl\n',
  'ca1.pem': certificate,
  'ca2.pem': certificate,
  'internal-ca.pem': certificate,
  'key-ee8fa0a3.rsa.pub': newKeyPair('rsa').publicKey.export({ type: 'spki', format: 'pem' }) as string,
};

async function world() {
  const made = await withImages();
  const { platform } = made;
  const organization = platform.store.transact((tx) =>
    String(insertGroup(tx, { parent: '', name: 'my-org', description: '', status: 'ORG_STATUS_READY' }).id),
  );
  const member = platform.user('me@my-org.example');
  platform.store.transact((tx) =>
    bindRole(tx, { group: organization, identity: member, role: builtInRoleId('owner') }),
  );
  const token = await platform.token(member);
  for (const [name, source] of [
    ['nginx', 'nginx'],
    ['nginx-fips', 'nginx'],
    ['my-custom-python', 'python'],
  ]) {
    const body = { name, sync_config: { source } };
    const { status, body: repo } = await platform.call(token, 'POST', `/registry/v1/repos/${organization}`, { body });
    expect(status).toBe(200);
    if (name !== 'nginx') continue;
    const tags = await platform.call(token, 'GET', `/registry/v1/tags?uidp.children_of=${repo.id}&name=latest`);
    const tag = { name: '1.21.0', digest: tags.body.items[0].digest };
    expect((await platform.call(token, 'POST', `/registry/v1/tags/${repo.id}`, { body: tag })).status).toBe(200);
  }
  return { run: made.as(member), host: made.host };
}

/** What a person would pick where the example leaves something open. */
function completed(words: readonly string[]): readonly string[] {
  const line = words.join(' ');
  if (line === 'images history nginx') return ['images', 'history', 'nginx:latest'];
  return /^images repos build (apply|edit)/.test(line) && !line.includes('--repo')
    ? [...words, '--repo=my-custom-python']
    : words;
}

test('every example does what it says', async () => {
  const { run, host } = await world();
  const ran: string[] = [];
  for (const { line } of here) {
    const cwd = temporaryFolder();
    for (const [name, text] of Object.entries(files)) writeFileSync(join(cwd, name), text);
    const env = { HOME: cwd, EDITOR: 'ed' };
    // What the example before it has made is not there yet.
    await run(['images', 'repos', 'delete', 'my-new-python', '--parent=my-org', '--allow-missing']);
    const words = completed(shellWords(line.replaceAll('cgr.dev/', `${host}/`)).slice(1));
    // Somebody who adds a package to what the editor shows.
    const foreground = (_: string, args: readonly string[]) => {
      writeFileSync(args.at(-1) ?? '', files['config.yaml']);
      return 0;
    };
    const { code, err } = await run(words, { cwd, env, stdin: 'y\n', foreground });
    if (code !== 0) ran.push(`${line}: ${code}: ${err}`);
  }
  expect(ran).toEqual([]);
}, 300_000);

test('the versions that its examples ask for are there', async () => {
  const { run } = await world();
  for (const [name, version] of [
    ['python-3.13', '3.13'],
    ['bazel', '8'],
  ] as const) {
    const { out, code } = await run(['packages', 'versions', 'list', name, '-o', 'json']);
    expect([code, out]).toEqual([0, expect.stringContaining(`"version":"${version}"`)]);
  }
});

test('what is run elsewhere is still an example', () => {
  const paths = new Set(examples.map(({ path }) => path));
  expect(Object.keys(elsewhere).filter((path) => !paths.has(path))).toEqual([]);
});
