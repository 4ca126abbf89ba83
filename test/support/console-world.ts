// An organization with something on every page of the console: made by its own forms, and by the registry and an agent.

import { createClient, digestOf, imageManifest, ociManifest } from '../platform/registry-client.ts';
import { type ConsoleBrowser, signInToConsole } from './console.ts';
import { realClock } from './console-browser.ts';
import { demoFolders, demoOrganizations, dev } from './ids.ts';
import { startTestPlatform, type TestPlatform } from './platform.ts';
import { reportCluster } from './reporting-cluster.ts';

export interface FullConsole {
  readonly platform: TestPlatform;
  /** Signed in as the owner. */
  readonly browser: ConsoleBrowser;
}

const organization = demoOrganizations.private;
/** Would be seen: as an element, or as a complaint of the browser. */
export const evil = '"><script>alert(1)</script><img src=x onerror=alert(1)>';
const long = 'a-very-long-name-that-nobody-broke-into-words-because-a-program-made-it-up-0123456789';

/** Fields of a form by the page it is on; each has to lead to a page. */
const forms: readonly (readonly [page: string, fields: Readonly<Record<string, string>>])[] = [
  ['settings/pull-tokens/create', { name: 'artifactory', description: evil, expiration: '30' }],
  [
    'settings/pull-tokens/create',
    { name: long, description: `${long} ${long}`, expiration: '90', repository: 'python' },
  ],
  ['settings/users/create', { role: 'viewer', days: '7', email: 'kim@acme.example' }],
  ['settings/users/create', { role: 'owner', days: '1' }],
  ['settings/identities/create?from=github', { name: 'deploy', repo: 'acme@1/app@2', ref: 'refs/heads/main' }],
  ['settings/identities/create?from=gitlab', { name: long, project: 'acme/*' }],
  ['settings/identities/create?from=aws-role', { name: 'lambda', account: '123456789012', 'role-name': 'puller' }],
  ['settings/identities/create?from=service', { name: 'sync', service: 'CATALOG_SYNCER' }],
  [
    'settings/identity-providers/create',
    { name: 'okta', description: evil, issuer: 'https://okta.example', client: evil, secret: 's3cret', groups: evil },
  ],
  ['events/create', { sink: `http://127.0.0.1:1/hook?${evil}` }],
  [`settings/cloud-accounts/edit?group=${demoFolders.engineering}&cloud=aws`, { account: '123456789012' }],
  ['policies/create', { document: documentOf('a/**'), description: evil }],
];

function documentOf(glob: string): string {
  return `apiVersion: policy.sigstore.dev/v1beta1
kind: ClusterImagePolicy
metadata:
  name: signed-only
spec:
  images:
    - glob: "${glob}"
  authorities:
    - static: { action: fail, message: not here }
`;
}

export async function startFullConsole(): Promise<FullConsole> {
  const platform = await startTestPlatform({ seed: 'demo', clock: realClock });
  const browser = await signInToConsole(platform.urls.api, 'dev@example.com');
  const at = (page: string) => `/console/${organization}/${page}`;
  const itemsOf = async (path: string) =>
    ((await platform.call(await platform.token(dev), 'GET', path)).body.items ?? []) as { id: string; name: string }[];
  for (const [page, fields] of forms) {
    const answer = await browser.submit(at(page), fields);
    if (answer.status !== 200)
      throw new Error(`${page} answered ${answer.status}: ${/role="alert">([^<]*)/.exec(answer.text)?.[1]}`);
  }
  const role = (await itemsOf('/iam/v1/roles')).find(({ name }) => name === 'viewer')?.id ?? '';
  const [provider] = await itemsOf(`/iam/v1/identityProviders?uidp.descendants_of=${organization}`);
  await browser.submit(at('settings/identity-providers/map'), { provider: provider?.id ?? '', group: evil, role });
  const id = encodeURIComponent(provider?.id ?? '');
  await browser.submit(at(`settings/identity-providers/token?id=${id}`), {});
  const [policy] = await itemsOf(`/iam/v1/policies?uidp.descendants_of=${organization}`);
  const edit = at(`policies/edit?id=${encodeURIComponent(policy?.id ?? '')}`);
  await browser.submit(edit, { description: evil, document: documentOf('b/**').replace('not here', `'${evil}'`) });
  await reportCluster(platform, demoFolders.engineering, { name: evil });
  const body = { name: 'legacy', description: evil };
  await platform.call(await platform.token(dev), 'POST', `/iam/v1/groups/${organization}`, { body });
  await pushTags(platform);
  return { platform, browser };
}

/** Two tags whose packages differ, and about one of which an advisory is open. */
async function pushTags(platform: TestPlatform): Promise<void> {
  const name = 'example.com/compared';
  const client = createClient(platform, dev);
  await client.pushBlob(name, '{}');
  for (const [tag, version] of [
    ['1.0', '3.0.0-r0'],
    ['1.1', '3.5.2-r0'],
  ] as const) {
    const digest = await client.pushImage(name, tag, `layer of ${tag}`);
    const purl = `pkg:apk/wolfi/openssl@${version}`;
    const statement = JSON.stringify({
      _type: 'https://in-toto.io/Statement/v1',
      predicateType: 'https://spdx.dev/Document',
      subject: [{ name, digest: { sha256: digest.replace('sha256:', '') } }],
      predicate: {
        spdxVersion: 'SPDX-2.3',
        packages: [
          {
            name: 'openssl',
            versionInfo: version,
            externalRefs: [{ referenceType: 'purl', referenceLocator: purl }],
          },
        ],
      },
    });
    await client.pushBlob(name, statement);
    const mediaType = 'application/vnd.in-toto+json';
    const manifest = imageManifest('{}', 'x', {
      layers: [{ mediaType, digest: digestOf(statement), size: Buffer.byteLength(statement) }],
      subject: { mediaType: ociManifest, digest, size: 1 },
    });
    await client.pushManifest(name, digestOf(manifest), manifest);
  }
}
