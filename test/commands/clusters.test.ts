import { expect, test } from 'vitest';
import { demoFolders, demoOrganizations, personId } from '../support/ids.ts';
import { until } from '../support/program.ts';
import { remoteId, reportCluster } from '../support/reporting-cluster.ts';
import { signedIn } from '../support/signed-in.ts';

test('a cluster opens in the console of its organization', async () => {
  const { run, platform } = await signedIn();
  const id = await reportCluster(platform, demoFolders.engineering);
  const opened = await run(['cluster', 'open', remoteId, '--no-browser', '-o', 'json'], {
    env: { CHAINGUARD_PLATFORM_CONSOLE: platform.urls.console },
  });
  expect(opened.code, opened.err).toBe(0);
  const url = new URL(JSON.parse(opened.out).url);
  expect(url.pathname).toBe(`/console/${demoOrganizations.private}/clusters/cluster`);
  expect(url.searchParams.get('id')).toBe(id);
});

test('vulnerabilities of images in the registry are counted, and those of others are not known', async () => {
  const { run, platform } = await signedIn({ seed: 'demo' });
  const token = await platform.token(personId('dev@example.com'));
  const items = async (path: string) => (await platform.call(token, 'GET', path)).body.items ?? [];
  let digest = '';
  // The demo's images come behind the first answer.
  await until(async () => {
    const repo = (await items('/registry/v1/repos')).find(({ name }: { name: string }) => name === 'nginx');
    for (const tag of repo === undefined ? [] : await items(`/registry/v1/tags?uidp.children_of=${repo.id}`)) {
      const reports = await items(`/registry/v1/vuln_reports?digest=${tag.digest}`);
      if (!reports.some(({ vulnerabilities = [] }: { vulnerabilities?: object[] }) => vulnerabilities.length > 0))
        continue;
      digest = tag.digest;
      return true;
    }
    return false;
  }, 'an image has a known vulnerability');
  const image = `${new URL(platform.urls.registry).host}/chainguard/nginx@${digest}`;
  const others = ['b', 'c'].map((letter) => `index.docker.io/library/x@sha256:${letter.repeat(64)}`);
  await reportCluster(platform, demoFolders.engineering, { images: [image, ...others] });
  const vulns = (...words: string[]) => run(['clusters', 'records', 'vulns', ...words, '-o', 'json']);
  const list = await run(['clusters', 'records', 'vulns', 'list', remoteId, '-o', 'json', '--image=nginx']);
  const [found] = JSON.parse(list.out).items;
  expect(found.known).toBe(true);
  const ids = found.vulnerabilities.map(({ id }: { id: string }) => id);
  expect(ids.length).toBeGreaterThan(0);
  const all = await run(['clusters', 'records', 'vulns', 'list', remoteId]);
  expect(all.out).toContain('not known');
  expect(all.err).toContain('The platform has no SBOM of 2 images');
  const described = JSON.parse((await vulns('describe', remoteId, '--image=nginx', `--cve=${ids[0]}`)).out).items;
  expect(described.map(({ id }: { id: string }) => id)).toEqual([ids[0]]);
  const none = JSON.parse((await vulns('describe', remoteId, '--image=nginx', '--cve=CVE-1999-0001')).out).items;
  expect(none).toEqual([]);
});

test('packages are looked for in what runs, and images without an SBOM are told', async () => {
  const { run, platform } = await signedIn({ seed: 'demo' });
  const token = await platform.token(personId('dev@example.com'));
  const items = async (path: string) => (await platform.call(token, 'GET', path)).body.items ?? [];
  let digest = '';
  // The demo's images come behind the first answer.
  await until(async () => {
    const repos = await items(`/registry/v1/repos?uidp.children_of=${demoOrganizations.public}`);
    const repo = repos.find(({ name }: { name: string }) => name === 'nginx');
    for (const tag of repo === undefined ? [] : await items(`/registry/v1/tags?uidp.children_of=${repo.id}`)) {
      if ((await items(`/registry/v1/vuln_reports?digest=${tag.digest}`)).length === 0) continue;
      digest = tag.digest;
      return true;
    }
    return false;
  }, 'an image is there');
  const env = { CHAINGUARD_PLATFORM_REGISTRY: platform.urls.registry };
  const registry = new URL(platform.urls.registry).host;
  const image = `${registry}/chainguard/nginx@${digest}`;
  const others = ['b', 'c'].map((letter) => `${registry}/chainguard/none@sha256:${letter.repeat(64)}`);
  await reportCluster(platform, demoFolders.engineering, { images: [image, ...others] });
  const search = async (...words: string[]) => {
    const ran = await run(['clusters', 'search', ...words, '-o', 'json'], { env });
    expect(ran.code, ran.err).toBe(0);
    expect(ran.err).toContain('No SBOM could be read of 2 images, so their packages are not known');
    return JSON.parse(ran.out).items as {
      image: string;
      known: boolean;
      packages: { name: string; version: string }[];
    }[];
  };
  const all = await search(remoteId);
  const held = all.find((one) => one.image === image)?.packages ?? [];
  // A name that the image has once.
  const one = held.find(({ name }) => held.filter((other) => other.name === name).length === 1);
  expect(one).toBeDefined();
  expect(all.filter(({ known }) => !known)).toHaveLength(2);
  for (const wanted of [one?.name, `${one?.name}@${one?.version}`]) {
    const found = await search('engineering', `--packages=${wanted}`);
    expect(found.filter(({ known }) => known)).toMatchObject([{ image, packages: [one] }]);
  }
  expect((await search(`--packages=${one?.name}@no`)).filter(({ known }) => known)).toEqual([]);
  const table = await run(['clusters', 'search', `--packages=${one?.name}`, '-o', 'table'], { env });
  expect(table.out).toMatch(/kind-one +\| \S*nginx@sha256:[0-9a-f]{6}/);
  const described = await run(['clusters', 'describe', remoteId, '--packages'], { env });
  expect(described.out).toMatch(/Packages by image:\n/);
  expect(described.out).toMatch(new RegExp(`${image}: apk:\\d+`));
  expect(described.out).toContain(': not known');
});
