// Advisories about the packages of a tag that are open, as `chainctl images advisories list` finds them.

import { advisoryNames, findAdvisories, latestEvent } from '../../../api/advisory-rules.ts';
import type { Shown, Visit } from '../../page.ts';
import { SameCommand } from '../../parts/copied.tsx';
import { Listing } from '../../parts/listing.tsx';
import { When } from '../../parts/time.tsx';
import { archsOf, imageOf, packagesOf, path, repoOf, tagOf } from './records.ts';

export async function advisories(visit: Visit): Promise<Shown> {
  const { caller, query, now } = visit;
  const repo = await repoOf(visit);
  const tag = await tagOf(visit, repo, query.get('tag') ?? '');
  const archs = await archsOf(visit, repo, tag);
  const arch = archs.find((each) => each === query.get('arch')) ?? archs[0];
  const packages = await packagesOf(visit, repo, tag, arch);
  const findings = await findAdvisories(packages ?? [], [], (id) =>
    caller.call('advisory.v1.SecurityAdvisory.ListDocuments', { id }),
  );
  const rows = findings.flatMap(({ package: one, advisories: found }) => found.map((each) => ({ ...one, ...each })));
  return {
    title: `Advisories about ${repo.name}:${tag.name}`,
    crumbs: [
      { title: repo.name, href: visit.href(path, 'repository', { name: repo.name }) },
      { title: tag.name ?? '', href: visit.href(path, 'tag', { name: repo.name, tag: tag.name, arch }) },
      { title: 'Advisories' },
    ],
    body: (
      <>
        <p>
          What is open for the packages{arch === undefined ? '' : ` for ${arch}`}; what is fixed in them is left out.
        </p>
        {packages === undefined ? (
          <p class="empty">No bill of materials is attested of this image, so its packages are unknown.</p>
        ) : (
          <Listing
            rows={rows}
            label="advisories"
            query={query}
            initialSort="package"
            kept={['name', 'tag', 'arch']}
            text={({ name, status, advisory }) => `${name} ${status} ${advisoryNames(advisory).join(' ')}`}
            empty={<p>No advisories are open.</p>}
            columns={[
              { head: 'Package', isName: true, cell: ({ name }) => name, order: ({ name }) => name },
              { head: 'Version', cell: ({ version }) => version },
              {
                head: 'Advisory',
                cell: ({ advisory }) => advisoryNames(advisory).join(', '),
                order: ({ advisory }) => advisoryNames(advisory).join(', '),
              },
              { head: 'Status', cell: ({ status }) => status, order: ({ status }) => status },
              {
                head: 'Since',
                cell: ({ advisory }) => <When time={latestEvent(advisory.events)?.timestamp} now={now} />,
                order: ({ advisory }) => Date.parse(latestEvent(advisory.events)?.timestamp ?? '') || undefined,
              },
            ]}
          />
        )}
        <SameCommand
          words={[
            ...['images', 'advisories', 'list', `${imageOf(visit, repo)}:${tag.name}`],
            ...(arch === undefined ? [] : [`--platform=linux/${arch}`]),
          ]}
        />
      </>
    ),
  };
}
