// Step 7 of the walkthrough without the internet: cosign signs with an authority of the platform, in the name of the login, and
// our engine verifies what it wrote. Versions 2 and 3, as far as they are on PATH, as `cosign` and `cosign3`; a test says that
// it is skipped where its program is missing.
//
//   go install github.com/sigstore/cosign/v2/cmd/cosign@v2.5.0
//   go install github.com/sigstore/cosign/v3/cmd/cosign@v3.1.3   # and call it cosign3

import { execFile } from 'node:child_process';
import { randomBytes } from 'node:crypto';
import { existsSync, mkdirSync, writeFileSync } from 'node:fs';
import { delimiter, join } from 'node:path';
import { beforeEach, describe, expect, test } from 'vitest';
import { writeTokens } from '../../src/auth/token-cache.ts';
import { fakeHost } from '../support/fake-host.ts';
import { dev, organization } from '../support/ids.ts';
import { startTestPlatform, type TestPlatform, temporaryFolder } from '../support/platform.ts';
import { programPath, until } from '../support/program.ts';

let platform: TestPlatform;
let home: string;
let environment: Record<string, string>;
let image: string;

beforeEach(async () => {
  const clock = { now: () => Date.now(), randomBytes: (count: number) => randomBytes(count) };
  platform = await startTestPlatform({ seed: 'demo', clock });
  home = temporaryFolder();
  environment = {
    PATH: process.env['PATH'] ?? '',
    HOME: home,
    XDG_CACHE_HOME: join(home, 'cache'),
    CHAINGUARD_PLATFORM_API: platform.urls.api,
    CHAINGUARD_PLATFORM_ISSUER: platform.urls.issuer,
    CHAINGUARD_PLATFORM_AUDIENCE: platform.urls.api,
    CHAINGUARD_PLATFORM_REGISTRY: platform.urls.registry,
  };
  const registry = new URL(platform.urls.registry).host;
  for (const audience of [platform.urls.api, 'sigstore', registry]) {
    const token = await platform.token(dev, { audience });
    writeTokens(fakeHost({ env: environment }), audience, { token, refreshToken: null });
  }
  const pull = await platform.token(dev, { audience: registry });
  const login = Buffer.from(`_token:${pull}`).toString('base64');
  mkdirSync(join(home, '.docker'));
  writeFileSync(join(home, '.docker', 'config.json'), JSON.stringify({ auths: { [registry]: { auth: login } } }));
  const manifest = () =>
    fetch(`${platform.urls.registry}/v2/example.com/app/manifests/latest`, {
      method: 'HEAD',
      headers: {
        authorization: `Bearer ${pull}`,
        accept: 'application/vnd.oci.image.index.v1+json, application/vnd.oci.image.manifest.v1+json',
      },
    });
  let digest: string | null = null;
  // The demo's images come behind the first answer.
  await until(async () => {
    digest = (await manifest()).headers.get('docker-content-digest');
    return digest !== null;
  }, 'the image is there');
  image = `${registry}/example.com/app@${digest}`;
});

function run(program: string, args: readonly string[], more: Record<string, string> = {}) {
  return new Promise<{ code: number; out: string; err: string }>((resolve) => {
    execFile(program, args, { cwd: home, env: { ...environment, ...more } }, (error, out, err) =>
      resolve({ code: error === null ? 0 : Number(error.code ?? 1), out, err }),
    );
  });
}

const chainctl = (...args: readonly string[]) => run(programPath(), args);

const isThere = (program: string): boolean =>
  (process.env['PATH'] ?? '').split(delimiter).some((folder) => existsSync(join(folder, program)));

function policyFile(name: string, keyless: object, more: object = {}): string {
  const path = join(home, `${name}.json`);
  const document = {
    apiVersion: 'policy.sigstore.dev/v1beta1',
    kind: 'ClusterImagePolicy',
    metadata: { name },
    spec: { images: [{ glob: '**' }], authorities: [{ keyless, ...more }] },
  };
  writeFileSync(path, JSON.stringify(document));
  return path;
}

describe.each(['cosign', 'cosign3'])('%s', (cosign) => {
  test.skipIf(!isThere(cosign))(
    `${cosign} signs and verifies with what \`sigstore env\` prints`,
    async () => {
      const made = await chainctl('sigstore', 'ca', 'create', `--group=${organization}`);
      expect(made.code, made.err).toBe(0);
      const printed = await chainctl('sigstore', 'env', '-o', 'env');
      expect(printed.code, printed.err).toBe(0);
      const variables = Object.fromEntries(
        [...printed.out.matchAll(/^(?:export )?(\w+)=["']?([^"'\n]*)["']?$/gm)].map(([, name, value]) => [name, value]),
      );
      const { COSIGN_FULCIO_URL: url = '', COSIGN_OIDC_ISSUER: issuer = '' } = variables;
      const ours = { url, identities: [{ issuer, subject: 'dev@example.com' }] };
      const before = await chainctl('policies', 'test', image, '-f', policyFile('before', ours));
      expect([before.code, before.out], before.err).toEqual([1, expect.stringContaining('no signatures found')]);

      const signed = await run(cosign, ['sign', '-y', image], variables);
      expect(signed.code, signed.err).toBe(0);
      const verified = await run(cosign, ['verify', '--certificate-identity=dev@example.com', image], variables);
      expect(verified.code, verified.err).toBe(0);
      expect(verified.out).toContain('"Subject":"dev@example.com"');
      const other = await run(cosign, ['verify', '--certificate-identity=kim@example.com', image], variables);
      expect(other.code).not.toBe(0);

      const verdict = async (file: string) => {
        const { out } = await chainctl('policies', 'test', image, '-f', file, '-o', 'json');
        return JSON.parse(out).items[0].result;
      };
      expect(await verdict(policyFile('by-url', ours))).toBe('PASS');
      expect(await verdict(policyFile('stamped', ours, { rfc3161timestamp: {} }))).toBe('PASS');
      const root = await (await fetch(`${url}/api/v1/rootCert`)).text();
      expect(await verdict(policyFile('by-certificate', { ...ours, 'ca-cert': { data: root } }))).toBe('PASS');
      const kim = { url, identities: [{ issuer, subject: 'kim@example.com' }] };
      expect(await verdict(policyFile('kim', kim))).toBe('FAIL');
      await chainctl('sigstore', 'ca', 'create', `--group=${organization}`, '--name=other');
      const [another] = JSON.parse((await chainctl('sigstore', 'ca', 'ls', '-o', 'json')).out).items.filter(
        ({ name }: { name: string }) => name === 'other',
      );
      expect(await verdict(policyFile('elsewhere', { ...ours, url: `http://${another.hostname}` }))).toBe('FAIL');
    },
    90_000,
  );
});
