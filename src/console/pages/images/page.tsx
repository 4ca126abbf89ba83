// Images: repositories, their tags with history, a tag's platforms and packages, and what to type to pull it. What changed from
// one tag to another, and advisories, are in files of their own.

import { definePage, type Shown, type Visit } from '../../page.ts';
import { Copied, SameCommand } from '../../parts/copied.tsx';
import { Listing } from '../../parts/listing.tsx';
import { When } from '../../parts/time.tsx';
import { advisories } from './advisories.tsx';
import { CompareForm, compare } from './compare.tsx';
import { readmeOf } from './readme.tsx';
import { archsOf, imageOf, orNone, packagesOf, path, repoOf, reposOf, tagOf } from './records.ts';

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
        <Copied isFirst id="pull" label="Pull" text={`docker pull ${imageOf(visit, repo)}`} />
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

async function tag(visit: Visit): Promise<Shown> {
  const repo = await repoOf(visit);
  const found = await tagOf(visit, repo, visit.query.get('tag') ?? '');
  const { digest = '', name = '' } = found;
  const { caller } = visit;
  const [platforms, { items: tags = [] }, history] = await Promise.all([
    archsOf(visit, repo, found),
    caller.call('registry.v1.Registry.ListTags', { uidp: { childrenOf: repo.id }, excludeReferrers: true }),
    orNone(caller.call('registry.v1.Registry.ListTagHistory', { parentId: found.id ?? '' })),
  ]);
  const arch = platforms.find((each) => each === visit.query.get('arch')) ?? platforms[0];
  const packages = await packagesOf(visit, repo, found, arch);
  const image = imageOf(visit, repo);
  const others = tags.flatMap(({ name: other = '' }) => (other === name ? [] : [other]));
  const here = { name: repo.name, tag: name };
  return {
    title: `${repo.name}:${name}`,
    crumbs: [{ title: repo.name, href: visit.href(path, 'repository', { name: repo.name }) }, { title: name }],
    body: (
      <>
        <Copied isFirst id="pull" label="Pull" text={`docker pull ${image}:${name}`} />
        <Copied isFirst id="pin" label="Pull exactly this" text={`docker pull ${image}@${digest}`} />
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
        <CompareForm
          repository={repo.name}
          to={name}
          others={others}
          arch={arch}
          action={visit.href(path, 'compare')}
        />
        <section aria-labelledby="packages">
          <h2 id="packages">Packages{arch === undefined ? '' : ` for ${arch}`}</h2>
          {packages !== undefined && (
            <p>
              <a class="button" href={visit.href(path, 'advisories', { ...here, arch })}>
                Advisories about them
              </a>
            </p>
          )}
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
  actions: {
    '': { show: list },
    repository: { show: repository },
    tag: { show: tag },
    compare: { show: compare },
    advisories: { show: advisories },
  },
});
