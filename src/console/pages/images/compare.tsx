// Compares the packages of two tags, as `chainctl images diff` does.

import { type DiffRow, rowsOf } from '../../../attestations/diff-rows.ts';
import { diffPackages } from '../../../attestations/package-diff.ts';
import { CallFailure } from '../../caller.ts';
import type { Shown, Visit } from '../../page.ts';
import { SameCommand } from '../../parts/copied.tsx';
import { Listing } from '../../parts/listing.tsx';
import { archsOf, imageOf, packagesOf, path, repoOf, tagOf } from './records.ts';

interface CompareFormProps {
  readonly repository: string;
  readonly to: string;
  readonly others: readonly string[];
  readonly arch: string | undefined;
  readonly action: string;
}

/** Nothing where there is no other tag. */
export function CompareForm({ repository, to, others, arch, action }: CompareFormProps) {
  if (others.length === 0) return null;
  return (
    <form method="get" action={action} class="filter">
      <input type="hidden" name="name" value={repository} />
      <input type="hidden" name="to" value={to} />
      {arch !== undefined && <input type="hidden" name="arch" value={arch} />}
      <label for="from">What changed since</label>
      <select id="from" name="from">
        {others.map((other) => (
          <option value={other} key={other}>
            {other}
          </option>
        ))}
      </select>
      <button type="submit">Compare</button>
    </form>
  );
}

const looks: Readonly<Record<DiffRow['change'], string>> = {
  added: 'good',
  removed: 'bad',
  changed: 'warn',
  unknown: '',
};

export async function compare(visit: Visit): Promise<Shown> {
  const repo = await repoOf(visit);
  const [before, after] = await Promise.all(
    ['from', 'to'].map((which) => tagOf(visit, repo, visit.query.get(which) ?? '')),
  );
  if (before === undefined || after === undefined) throw new CallFailure('missing', 'Name two tags to compare.');
  const [from, to] = [before.name ?? '', after.name ?? ''];
  const archs = await archsOf(visit, repo, after);
  const arch = archs.find((each) => each === visit.query.get('arch')) ?? archs[0];
  const [old, now] = await Promise.all([before, after].map((tag) => packagesOf(visit, repo, tag, arch)));
  const without = [old === undefined ? from : '', now === undefined ? to : ''].filter((tag) => tag !== '');
  const rows = rowsOf(diffPackages(old ?? [], now ?? [], ['-']));
  const image = imageOf(visit, repo);
  return {
    title: `${repo.name}: ${from} to ${to}`,
    crumbs: [
      { title: repo.name, href: visit.href(path, 'repository', { name: repo.name }) },
      { title: to, href: visit.href(path, 'tag', { name: repo.name, tag: to, arch }) },
      { title: `Since ${from}` },
    ],
    body: (
      <>
        <p>
          Packages of <code>{to}</code> beside those of <code>{from}</code>
          {arch === undefined ? '' : `, for ${arch}`}.
        </p>
        {without.length > 0 ? (
          <p class="empty">
            They cannot be compared: no bill of materials is attested of {without.join(', nor of ')}
            {arch === undefined ? '' : ` for ${arch}`}.
          </p>
        ) : (
          <Listing
            rows={rows}
            label="changes"
            query={visit.query}
            kept={['name', 'from', 'to', 'arch']}
            text={(row) => `${row.change} ${row.name} ${row.from} ${row.to}`}
            empty={<p>Both have the same packages.</p>}
            columns={[
              {
                head: 'Change',
                cell: ({ change }) => <span class={`badge ${looks[change]}`}>{change}</span>,
                order: ({ change }) => change,
              },
              { head: 'Package', isName: true, cell: ({ name }) => name, order: ({ name }) => name },
              { head: 'From', cell: (row) => row.from },
              { head: 'To', cell: (row) => row.to },
            ]}
          />
        )}
        <SameCommand
          words={[
            ...['images', 'diff', `${image}:${from}`, `${image}:${to}`, '--artifact-types=-'],
            ...(arch === undefined ? [] : [`--platform=linux/${arch}`]),
          ]}
        />
      </>
    ),
  };
}
