// Images: repositories, their tags with history, a tag's platforms and packages, and what to type to pull it.

import type { RegistryRepo, RegistryTag } from '../../../api/schema/types/registry.gen.ts';
import { CallFailure } from '../../caller.ts';
import { definePage, type Shown, type Visit } from '../../page.ts';
import { Copied, SameCommand } from '../../parts/copied.tsx';
import { Listing } from '../../parts/listing.tsx';
import { When } from '../../parts/time.tsx';
import { packagesOf, readmeOf } from './documents.tsx';

const path = 'images';

async function reposOf({ caller, organization }: Visit): Promise<readonly RegistryRepo[]> {
  return (
    (await caller.call('registry.v1.Registry.ListRepos', { uidp: { descendantsOf: organization.id } })).items ?? []
  );
}

async function list(visit: Visit): Promise<Shown> {
  const repos = await reposOf(visit);
  return {
    body: (
      <Listing
        rows={repos}
        label="repositories"
        query={visit.query}
        initialSort="repository"
        text={({ id, name, description }) => `${id} ${name} ${description ?? ''}`}
        empty={<p>There are no repositories yet: push an image, or ask for one of the catalog.</p>}
        columns={[
          {
            head: 'Repository',
            isName: true,
            cell: ({ name }) => <a href={visit.href(path, 'repository', { name })}>{name}</a>,
            order: ({ name }) => name,
          },
          { head: 'Description', cell: ({ description }) => description ?? '' },
          {
            head: 'Tags',
            cell: ({ activeTags = [] }) => activeTags.slice(0, 6).join(', ') + (activeTags.length > 6 ? ', …' : ''),
          },
          {
            head: 'Created',
            cell: ({ createTime }) => <When time={createTime} now={visit.now} />,
            order: ({ createTime }) => Date.parse(createTime ?? '') || undefined,
          },
        ]}
      />
    ),
  };
}

async function repoOf(visit: Visit): Promise<RegistryRepo & { readonly id: string; readonly name: string }> {
  const name = visit.query.get('name') ?? '';
  const found = (await reposOf(visit)).find((repo) => repo.name === name);
  if (found?.id === undefined)
    throw new CallFailure('missing', 'The repository was deleted, or you may not see it any more.');
  return { ...found, id: found.id, name };
}

const hostOf = ({ platform }: Visit): string => new URL(platform.registry).host;

async function repository(visit: Visit): Promise<Shown> {
  const repo = await repoOf(visit);
  const { items: tags = [] } = await visit.caller.call('registry.v1.Registry.ListTags', {
    uidp: { childrenOf: repo.id },
    excludeReferrers: true,
  });
  const readme = await readmeOf(repo.readme);
  return {
    title: repo.name,
    crumbs: [{ title: repo.name }],
    body: (
      <>
        <Copied id="pull" label="Pull" text={`docker pull ${hostOf(visit)}/${visit.organization.name}/${repo.name}`} />
        <section aria-labelledby="tags">
          <h2 id="tags">Tags</h2>
          <Listing
            rows={tags}
            label="tags"
            query={visit.query}
            initialSort="-updated"
            kept={['name']}
            text={({ name, digest }) => `${name} ${digest}`}
            empty={<p>Nothing has been pushed yet.</p>}
            columns={[
              {
                head: 'Tag',
                isName: true,
                cell: ({ name }) => <a href={visit.href(path, 'tag', { name: repo.name, tag: name })}>{name}</a>,
                order: ({ name }) => name,
              },
              { head: 'Digest', cell: ({ digest }) => <code>{shortDigest(digest)}</code> },
              {
                head: 'Updated',
                cell: ({ lastUpdated }) => <When time={lastUpdated} now={visit.now} />,
                order: ({ lastUpdated }) => Date.parse(lastUpdated ?? '') || undefined,
              },
              {
                head: 'State',
                cell: ({ deprecated }) => (deprecated ? <span class="badge warn">deprecated</span> : ''),
              },
            ]}
          />
        </section>
        {readme !== undefined && (
          <section aria-labelledby="readme" class="card readme">
            <h2 id="readme">Readme</h2>
            {readme}
          </section>
        )}
      </>
    ),
  };
}

const shortDigest = (digest = ''): string => digest.slice(0, 'sha256:'.length + 12);

async function tagOf(visit: Visit, repo: { readonly id: string }, name: string): Promise<RegistryTag> {
  const { items = [] } = await visit.caller.call('registry.v1.Registry.ListTags', {
    uidp: { childrenOf: repo.id },
    name,
  });
  const found = items.find((each) => each.name === name);
  if (found === undefined) throw new CallFailure('missing', 'The tag was deleted, or you may not see it any more.');
  return found;
}

/** Undefined where the platform has none, e.g. of an image without a bill of materials. */
async function orNone<T>(call: Promise<T>): Promise<T | undefined> {
  return call.catch((error: unknown) => {
    if (error instanceof CallFailure && error.kind !== 'signed-out') return undefined;
    throw error;
  });
}

async function tag(visit: Visit): Promise<Shown> {
  const repo = await repoOf(visit);
  const found = await tagOf(visit, repo, visit.query.get('tag') ?? '');
  const { digest = '', name = '' } = found;
  const { caller } = visit;
  const [archs, history] = await Promise.all([
    orNone(caller.call('registry.v1.Registry.GetArchs', { repoId: repo.id, digest })),
    orNone(caller.call('registry.v1.Registry.ListTagHistory', { parentId: found.id ?? '' })),
  ]);
  const platforms = archs?.archs ?? [];
  const arch = platforms.find((each) => each === visit.query.get('arch')) ?? platforms[0];
  const packages = await orNone(
    caller
      .call('registry.v1.Registry.GetRawSbom', { repoId: repo.id, digest, ...(arch === undefined ? {} : { arch }) })
      .then(({ rawSbom = '' }) => packagesOf(rawSbom)),
  );
  const image = `${hostOf(visit)}/${visit.organization.name}/${repo.name}`;
  const here = { name: repo.name, tag: name };
  return {
    title: `${repo.name}:${name}`,
    crumbs: [{ title: repo.name, href: visit.href(path, 'repository', { name: repo.name }) }, { title: name }],
    body: (
      <>
        <Copied id="pull" label="Pull" text={`docker pull ${image}:${name}`} />
        <Copied id="pin" label="Pull exactly this" text={`docker pull ${image}@${digest}`} />
        <dl class="facts">
          <dt>Digest</dt>
          <dd>
            <code>{digest}</code>
          </dd>
          <dt>Platforms</dt>
          <dd>
            {platforms.length === 0
              ? 'not known'
              : platforms.map((each) => (
                  <>
                    <a
                      href={visit.href(path, 'tag', { ...here, arch: each })}
                      aria-current={each === arch ? 'true' : undefined}
                    >
                      {each}
                    </a>{' '}
                  </>
                ))}
          </dd>
          <dt>Updated</dt>
          <dd>
            <When time={found.lastUpdated} now={visit.now} />
          </dd>
        </dl>
        <section aria-labelledby="packages">
          <h2 id="packages">Packages{arch === undefined ? '' : ` for ${arch}`}</h2>
          {packages === undefined ? (
            <p class="empty">No bill of materials is attested of this image.</p>
          ) : (
            <Listing
              rows={packages}
              label="packages"
              query={visit.query}
              initialSort="package"
              kept={['name', 'tag', 'arch']}
              text={({ name, version, type }) => `${name} ${version} ${type}`}
              empty={<p>The bill of materials names no packages.</p>}
              columns={[
                { head: 'Package', isName: true, cell: ({ name }) => name, order: ({ name }) => name },
                { head: 'Version', cell: ({ version }) => version, order: ({ version }) => version },
                { head: 'Type', cell: ({ type }) => type, order: ({ type }) => type },
                { head: 'License', cell: ({ license }) => license, order: ({ license }) => license },
              ]}
            />
          )}
        </section>
        <section aria-labelledby="history">
          <h2 id="history">History</h2>
          <Listing
            rows={(history?.items ?? []).slice(0, 50)}
            label="builds"
            query={visit.query}
            prefix="builds-"
            kept={['name', 'tag', 'arch']}
            text={({ digest }) => digest ?? ''}
            empty={<p>No earlier image is known of this tag.</p>}
            columns={[
              { head: 'Digest', isName: true, cell: ({ digest }) => <code>{digest}</code> },
              { head: 'Since', cell: ({ updateTimestamp }) => <When time={updateTimestamp} now={visit.now} /> },
            ]}
          />
        </section>
        <SameCommand words={['images', 'history', `${visit.organization.name}/${repo.name}:${name}`]} />
      </>
    ),
  };
}

export default definePage({
  path,
  title: 'Images',
  about: 'Repositories, tags, platforms and packages.',
  menu: 10,
  needs: ['repo.list'],
  actions: { '': { show: list }, repository: { show: repository }, tag: { show: tag } },
});
