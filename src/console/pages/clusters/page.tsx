// Clusters, as steps 6 and 8 of the founding document look at them: found by what Kubernetes calls them, with the images they run,
// which of those break a policy and why, and who has signed what. Guarantees: shows what agents have told, and decides nothing.

import type { TenantCluster } from '../../../api/schema/types/tenant.gen.ts';
import { CallFailure } from '../../caller.ts';
import { definePage, type Shown, type Visit } from '../../page.ts';
import { SameCommand } from '../../parts/copied.tsx';
import { ListFrame } from '../../parts/list-frame.tsx';
import { Listing } from '../../parts/listing.tsx';
import { placeName } from '../../parts/places.tsx';
import { since, When } from '../../parts/time.tsx';
import { badgeOf, type ImageRecord, parentOf, recordsOf, verdictOf } from './records.tsx';

const path = 'clusters';

const clustersOf = async ({ caller, organization }: Visit): Promise<readonly TenantCluster[]> =>
  (await caller.call('tenant.v1.Clusters.List', { uidp: { descendantsOf: organization.id } })).items ?? [];

/** Images that break a policy, by cluster. */
async function flaggedIn({ caller, organization }: Visit): Promise<ReadonlyMap<string, number>> {
  const filter = {
    uidp: { descendantsOf: organization.id },
    results: ['FAIL' as const],
    parentType: 'RECORD' as const,
  };
  const { items = [] } = await caller.call('tenant.v1.PolicyResults.List', filter);
  const records = new Set(items.map(({ id = '' }) => parentOf(id)));
  const counts = new Map<string, number>();
  for (const record of records) counts.set(parentOf(record), (counts.get(parentOf(record)) ?? 0) + 1);
  return counts;
}

async function list(visit: Visit): Promise<Shown> {
  const [clusters, flagged] = await Promise.all([clustersOf(visit), flaggedIn(visit)]);
  const { now } = visit;
  return {
    body: (
      <>
        <ListFrame
          visit={visit}
          about="An agent gives each cluster the policies that count there, and tells which images it runs and which of them break one."
          rows={clusters}
          label="clusters"
          initialSort="name"
          text={({ id, remoteId, name, description }) => `${id} ${remoteId} ${name} ${description ?? ''}`}
          empty={
            <>
              <p>No cluster is registered yet. Install an agent with kubectl’s access to it:</p>
              <pre>
                <code>{`chainctl clusters install --group=${visit.organization.name}`}</code>
              </pre>
            </>
          }
          columns={[
            {
              head: 'Name',
              isName: true,
              cell: ({ id, name, remoteId }) => <a href={visit.href(path, 'cluster', { id })}>{name || remoteId}</a>,
              order: ({ name }) => name,
            },
            { head: 'Group', cell: ({ group }) => placeName(visit, group?.id) },
            { head: 'Id in Kubernetes', key: 'remote', cell: ({ remoteId }) => <code>{remoteId}</code> },
            { head: 'Kubernetes', cell: ({ version }) => version ?? '' },
            {
              head: 'Images',
              cell: ({ id = '' }) => {
                const count = flagged.get(id) ?? 0;
                if (count === 0) return <span class="quiet">none flagged</span>;
                return <span class="badge bad">{count} flagged</span>;
              },
              order: ({ id = '' }) => flagged.get(id) ?? 0,
            },
            {
              head: 'Last seen',
              cell: ({ lastSeen }) => <When time={lastSeen} now={now} />,
              order: ({ lastSeen }) => Date.parse(lastSeen ?? '') || undefined,
            },
          ]}
        />
        <SameCommand words={['clusters', 'list', `--group=${visit.organization.name}`]} />
      </>
    ),
  };
}

/** By the id of the platform, or the one that `kubectl get ns gulfstream` tells. */
async function clusterOf(visit: Visit): Promise<TenantCluster & { readonly id: string }> {
  const wanted = visit.query.get('id') ?? '';
  const found = (await clustersOf(visit)).find(
    ({ id, remoteId }) => wanted !== '' && (id === wanted || remoteId === wanted),
  );
  if (found?.id === undefined)
    throw new CallFailure('missing', 'There is no such cluster here: it was uninstalled, or you may not see it.');
  return { ...found, id: found.id };
}

const titleOf = ({ name, remoteId }: TenantCluster): string => name || remoteId || 'Cluster';

async function cluster(visit: Visit): Promise<Shown> {
  const found = await clusterOf(visit);
  const records = await recordsOf(visit.caller, found);
  const { now, query } = visit;
  const { activity = {}, profiles = [] } = found;
  const state = query.get('state') ?? '';
  const rows = records.filter((one) => state === '' || verdictOf(one) === state);
  return {
    title: titleOf(found),
    crumbs: [{ title: titleOf(found) }],
    body: (
      <>
        <dl class="facts">
          {found.description && (
            <>
              <dt>Description</dt>
              <dd>{found.description}</dd>
            </>
          )}
          <dt>Group</dt>
          <dd>{placeName(visit, found.group?.id)}</dd>
          <dt>Id in Kubernetes</dt>
          <dd>
            <code>{found.remoteId}</code>
          </dd>
          <dt>Kubernetes</dt>
          <dd>{found.version || 'not told yet'}</dd>
          <dt>Agent</dt>
          <dd>
            {found.agentVersion || 'not told yet'}, {profiles.join(' and ') || 'no profile'}
          </dd>
          <dt>Activity</dt>
          <dd>
            {Object.entries(activity)
              .map(([profile, { lastSeen }]) => `${profile} ${since(Date.parse(lastSeen ?? ''), now)}`)
              .join(', ') || 'none'}
          </dd>
          <dt>Registered</dt>
          <dd>
            <When time={found.registered} now={now} />
          </dd>
        </dl>
        <section aria-labelledby="images">
          <h2 id="images">Images</h2>
          <Listing
            rows={rows}
            label="images"
            query={query}
            initialSort="image"
            kept={['id']}
            filterNames={['state']}
            text={({ image, results }) => `${image} ${results.map(({ name }) => name).join(' ')}`}
            filters={
              records.length === 0 ? undefined : (
                <>
                  <label for="state">Policies</label>
                  <select id="state" name="state">
                    {[
                      ['', 'All images'],
                      ['FAIL', 'Flagged'],
                      ['WARN', 'With a warning'],
                      ['PASS', 'In order'],
                      ['NONE', 'No policy'],
                    ].map(([value, label]) => (
                      <option key={value} value={value} selected={state === value}>
                        {label}
                      </option>
                    ))}
                  </select>
                </>
              )
            }
            empty={<p>{state === '' ? 'The agent has told of no image yet.' : 'No image is in this state.'}</p>}
            columns={[
              {
                head: 'Image',
                isName: true,
                cell: ({ image, digest }) => (
                  <a href={visit.href(path, 'image', { id: found.id, digest })}>{shortImage(image)}</a>
                ),
                order: ({ image }) => image,
              },
              {
                head: 'State',
                cell: (one) => badgeOf(verdictOf(one)),
                order: (one) => verdictOf(one),
              },
              {
                head: 'Policies',
                cell: ({ results }) =>
                  results.map(({ name, result = '' }) => `${name}: ${result.toLowerCase()}`).join(', '),
              },
              { head: 'Signed by', key: 'signed', cell: signersCell },
              { head: 'SBOM', cell: ({ sbom }) => (sbom === undefined ? '' : 'attested') },
              { head: 'Runs in', key: 'runs', cell: workloadsCell },
              {
                head: 'Last seen',
                cell: ({ lastSeen }) => <When time={lastSeen} now={now} />,
                order: ({ lastSeen }) => Date.parse(lastSeen ?? '') || undefined,
              },
            ]}
          />
        </section>
        <SameCommand words={['clusters', 'records', 'list', found.remoteId || found.id]} />
      </>
    ),
  };
}

const shortImage = (image: string): string => image.replace(/@sha256:([0-9a-f]{12})[0-9a-f]+$/, '@sha256:$1…');

function signersCell({ signatures }: ImageRecord) {
  const names = signatures.flatMap(({ keyless, key }) => keyless?.subject ?? (key === undefined ? [] : 'a key'));
  return [...new Set(names)].join(', ');
}

function workloadsCell({ workloads }: ImageRecord) {
  const counts = new Map<string, number>();
  for (const { kind = '' } of workloads) counts.set(kind, (counts.get(kind) ?? 0) + 1);
  return [...counts].map(([kind, count]) => `${count} × ${kind}`).join(', ');
}

async function image(visit: Visit): Promise<Shown> {
  const found = await clusterOf(visit);
  const digest = visit.query.get('digest') ?? '';
  const record = (await recordsOf(visit.caller, found)).find((one) => digest !== '' && one.digest === digest);
  if (record === undefined) throw new CallFailure('missing', 'The cluster does not run this image any more.');
  const { now } = visit;
  const { results, signatures, sbom, workloads } = record;
  return {
    title: shortImage(record.image),
    crumbs: [
      { title: titleOf(found), href: visit.href(path, 'cluster', { id: found.id }) },
      { title: shortImage(record.image) },
    ],
    body: (
      <>
        <p>
          <code>{record.image}</code>
        </p>
        <p>
          {badgeOf(verdictOf(record))} Last seen <When time={record.lastSeen} now={now} />.
        </p>
        <section aria-labelledby="policies">
          <h2 id="policies">Policies</h2>
          {results.length === 0 && <p>No policy is about this image; a namespace that is enforced denies it.</p>}
          <ul class="plain">
            {results.map(({ id, name, result = '', diagnostic, lastChecked }) => (
              <li key={id} class="card">
                <p>
                  <strong>{name}</strong> {badgeOf(result)}{' '}
                  <span class="quiet">
                    checked <When time={lastChecked} now={now} />
                  </span>
                </p>
                {diagnostic && <pre>{diagnostic}</pre>}
              </li>
            ))}
          </ul>
        </section>
        <section aria-labelledby="signatures">
          <h2 id="signatures">Signatures and attestations</h2>
          {signatures.length === 0 && <p>None that a policy has accepted.</p>}
          <ul class="plain">
            {signatures.map(({ id, keyless, predicateType }) => (
              <li key={id}>
                {predicateType ? <code>{predicateType}</code> : 'Signature'}{' '}
                {keyless === undefined ? 'with a key' : `by ${keyless.subject ?? ''} (issuer ${keyless.issuer ?? ''})`}
              </li>
            ))}
          </ul>
        </section>
        <section aria-labelledby="sbom">
          <h2 id="sbom">SBOM</h2>
          <p>
            {sbom === undefined
              ? 'The agent has told of none.'
              : `${sbom.format ?? 'SBOM'}${sbom.tool ? `, made with ${sbom.tool}` : ''}`}
          </p>
        </section>
        <section aria-labelledby="workloads">
          <h2 id="workloads">Runs in</h2>
          <ul class="plain">
            {workloads.map(({ id, kind, name }) => (
              <li key={id}>
                {kind} <code>{name}</code>
              </li>
            ))}
          </ul>
        </section>
        <SameCommand
          words={['clusters', 'records', 'list', found.remoteId || found.id, `--image=${digest}`, '--output=wide']}
        />
      </>
    ),
  };
}

export default definePage({
  path,
  title: 'Clusters',
  about: 'Which images clusters run, and which of them break a policy.',
  menu: 12,
  needs: ['clusters.list'],
  actions: { '': { show: list }, cluster: { show: cluster }, image: { show: image } },
});
