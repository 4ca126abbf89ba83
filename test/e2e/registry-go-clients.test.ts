// cosign, crane and helm, which Debian does not have: `go install` puts them on PATH (see the versions below, which these
// tests were made with). Each test says that it is skipped where its client is missing.
//
//   go install github.com/google/go-containerregistry/cmd/crane@v0.20.6
//   go install github.com/sigstore/cosign/v2/cmd/cosign@v2.5.0
//   go install helm.sh/helm/v3/cmd/helm@v3.18.6

import { execFile } from 'node:child_process';
import { randomBytes } from 'node:crypto';
import { existsSync, mkdirSync, mkdtempSync, readFileSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { delimiter, join } from 'node:path';
import { afterEach, beforeEach, expect, test } from 'vitest';
import { personId } from '../../src/local/seed/demo.ts';
import { createClient } from '../platform/registry-client.ts';
import { startTestPlatform, type TestPlatform } from '../support/platform.ts';

const clock = { now: () => Date.now(), randomBytes: (count: number) => randomBytes(count) };
const dev = personId('dev@example.com');

let home: string;
let platform: TestPlatform;
let host: string;

beforeEach(async () => {
  home = mkdtempSync(join(tmpdir(), 'chainctl-go-clients-'));
  mkdirSync(join(home, '.docker'));
  platform = await startTestPlatform({ seed: 'demo', clock });
  host = new URL(platform.urls.registry).host;
  const credentials = `_token:${await platform.token(dev, { audience: host })}`;
  const auths = { [host]: { auth: Buffer.from(credentials).toString('base64') } };
  writeFileSync(join(home, '.docker', 'config.json'), JSON.stringify({ auths }), { mode: 0o600 });
});

afterEach(() => rmSync(home, { recursive: true, force: true }));

function isThere(program: string): boolean {
  return (process.env['PATH'] ?? '').split(delimiter).some((folder) => existsSync(join(folder, program)));
}

/** Standard output; the test fails with standard error when the program does. */
function run(program: string, ...args: string[]): Promise<string> {
  const env = { PATH: process.env['PATH'] ?? '', HOME: home, COSIGN_PASSWORD: 'password of this test' };
  return new Promise((resolve, reject) => {
    execFile(program, args, { cwd: home, env, maxBuffer: 64 * 1024 * 1024 }, (error, stdout, stderr) => {
      if (error === null) resolve(stdout);
      else reject(new Error(`${program} ${args[0]}: ${stderr}`));
    });
  });
}

const lines = (text: string): string[] => text.split('\n').filter((line) => line !== '');

test.skipIf(!isThere('crane'))('crane: copy, list, validate, tag and delete', async () => {
  const name = `${host}/example.com/crane/nginx`;
  await run('crane', 'copy', `${host}/chainguard/nginx:latest`, `${name}:v1`);
  await run('crane', 'validate', '--remote', `${name}:v1`);
  const digest = (await run('crane', 'digest', `${name}:v1`)).trim();
  expect(digest).toBe((await run('crane', 'digest', `${host}/chainguard/nginx:latest`)).trim());
  await run('crane', 'tag', `${name}:v1`, 'v2');
  expect(lines(await run('crane', 'ls', name))).toEqual(['v1', 'v2']);
  expect(lines(await run('crane', 'catalog', host))).toContain('example.com/crane/nginx');
  await run('crane', 'delete', `${name}@${digest}`);
  expect(lines(await run('crane', 'ls', name))).toEqual([]);
  await expect(run('crane', 'digest', `${host}/example.com/none:latest`)).rejects.toThrow();
});

test.skipIf(!isThere('cosign'))(
  'cosign: our attestations verify; it signs and attests, by tag and by reference',
  async () => {
    const insecure = ['--allow-http-registry', '--allow-insecure-registry'];
    const offline = ['--insecure-ignore-tlog', ...insecure];
    const client = createClient(platform, dev);
    const key = join(home, 'platform.pem');
    writeFileSync(key, await (await fetch(`${platform.urls.registry}/local/v1/attestation-key.pem`)).text());
    const index = (await client.request('GET', '/v2/example.com/app/manifests/latest')).json;
    for (const { digest } of index.manifests) {
      const image = `${host}/example.com/app@${digest}`;
      const verified = await run('cosign', 'verify-attestation', '--key', key, '--type', 'spdxjson', ...offline, image);
      const { payload } = JSON.parse(verified);
      const { predicate } = JSON.parse(Buffer.from(payload, 'base64').toString());
      expect(predicate.packages.map((entry: { name: string }) => entry.name)).toContain('storefront');
    }

    const digest = (await client.request('HEAD', '/v2/example.com/app/manifests/latest')).headers.get(
      'docker-content-digest',
    );
    const image = `${host}/example.com/app@${digest}`;
    await run('cosign', 'generate-key-pair', '--output-key-prefix', join(home, 'own'));
    const sign = ['--yes', '--key', join(home, 'own.key'), '--tlog-upload=false', ...insecure];
    await run('cosign', 'sign', ...sign, image);
    await run('cosign', 'verify', '--key', join(home, 'own.pub'), ...offline, image);
    writeFileSync(join(home, 'predicate.json'), '{"tested":true}');
    await run('cosign', 'attest', ...sign, '--predicate', join(home, 'predicate.json'), '--type', 'custom', image);
    await run('cosign', 'verify-attestation', '--key', join(home, 'own.pub'), '--type', 'custom', ...offline, image);
    await expect(run('cosign', 'verify', '--key', key, ...offline, image)).rejects.toThrow();
  },
);

test.skipIf(!isThere('helm'))(
  'helm: the demo chart is pulled and shown, another is pushed and pulled again',
  async () => {
    const plain = '--plain-http';
    const chart = `oci://${host}/chainguard/charts/nginx`;
    const shown = await run('helm', 'show', 'chart', chart, '--version', '1.2.0', plain);
    expect(shown).toContain('version: 1.2.0');
    await run('helm', 'pull', chart, '--version', '1.2.0', plain, '--untar');
    expect(readFileSync(join(home, 'nginx', 'values.yaml'), 'utf8')).toContain('registry: cgr.dev');
    const rendered = await run('helm', 'template', 'release', join(home, 'nginx'));
    expect(rendered).toMatch(/image: "cgr\.dev\/chainguard\/nginx:1\.29\.3-r0@sha256:[0-9a-f]{64}"/);

    await run('helm', 'package', join(home, 'nginx'), '--version', '9.0.0');
    await run('helm', 'push', join(home, 'nginx-9.0.0.tgz'), `oci://${host}/example.com/charts`, plain);
    const token = await platform.token(dev);
    const { body } = await platform.call(token, 'GET', '/registry/v1/repos?name=charts/nginx');
    const repo = body.items[0].id;
    const tags = await platform.call(token, 'GET', `/registry/v1/tags?uidp.children_of=${repo}`);
    const { digest } = tags.body.items[0];
    const got = await platform.call(token, 'GET', `/registry/v1/repos/${repo}/digests/${digest}/chart`);
    expect(got.body).toMatchObject({ name: 'nginx', version: '9.0.0' });
    expect(got.body.images[0].requirement).toBe('REQUIREMENT_REQUIRED');
    await run('helm', 'pull', `oci://${host}/example.com/charts/nginx`, '--version', '9.0.0', plain);
  },
);
