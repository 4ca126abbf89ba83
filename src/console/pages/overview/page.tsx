// The first page of an organization: what it has, what ends soon, what happened lately, and where to go.

import { expirationOf, typeOf } from '../../../api/identity-rules.ts';
import { CallFailure } from '../../caller.ts';
import { identitiesOf } from '../../identities.ts';
import { definePage, type Shown, type Visit } from '../../page.ts';
import { When } from '../../parts/time.tsx';
import { Recent, recentOf } from './recent.tsx';

const soonMs = 14 * 86_400_000;

interface Ending {
  readonly what: string;
  readonly name: string;
  readonly at: number;
  readonly href: string;
}

/** A list that may not be seen has no number. */
async function orUndefined<T>(may: boolean, load: () => Promise<T>): Promise<T | undefined> {
  if (!may) return undefined;
  try {
    return await load();
  } catch (error) {
    if (error instanceof CallFailure && (error.kind === 'refused' || error.kind === 'missing')) return undefined;
    throw error;
  }
}

async function show(visit: Visit): Promise<Shown> {
  const { caller, organization, now, platform } = visit;
  const uidp = { descendantsOf: organization.id };
  const [identities, invites, repos, recent] = await Promise.all([
    orUndefined(visit.may('identity.list'), () => identitiesOf(caller, organization.id)),
    orUndefined(
      visit.may('group_invites.list'),
      async () => (await caller.call('iam.v1.GroupInvites.List', { group: organization.id })).items ?? [],
    ),
    orUndefined(
      visit.may('repo.list'),
      async () => (await caller.call('registry.v1.Registry.ListRepos', { uidp })).items ?? [],
    ),
    recentOf(visit),
  ]);
  const isSoon = (at: number | undefined): at is number => at !== undefined && at > now && at - now <= soonMs;
  const endings: Ending[] = [
    ...(identities ?? []).flatMap((identity): Ending[] => {
      const at = expirationOf(identity);
      if (!isSoon(at)) return [];
      const isToken = typeOf(identity) === 'pull_token';
      const href = isToken
        ? visit.href('settings/pull-tokens', '', { sort: 'expiry' })
        : visit.href('settings/identities');
      return [{ what: isToken ? 'Pull token' : 'Identity', name: identity.name ?? '', at, href }];
    }),
    ...(invites ?? []).flatMap(({ email, expiration }): Ending[] => {
      const at = Date.parse(expiration ?? '');
      if (!isSoon(at)) return [];
      return [{ what: 'Invite', name: email || 'anyone with the code', at, href: visit.href('settings/users') }];
    }),
  ].sort((a, b) => a.at - b.at);
  const tokens = identities?.filter((each) => typeOf(each) === 'pull_token' && (expirationOf(each) ?? now + 1) > now);
  const counts = [
    { title: 'Images', count: repos?.length, page: 'images' },
    { title: 'Pull tokens', count: tokens?.length, page: 'settings/pull-tokens' },
    { title: 'Identities', count: identities?.length, page: 'settings/identities' },
    { title: 'Open invites', count: invites?.length, page: 'settings/users' },
  ].filter(({ count, page }) => count !== undefined && visit.offered.some(({ path }) => path === page));
  const isEmpty = (repos?.length ?? 0) === 0 && (identities?.length ?? 0) === 0;
  return {
    body: (
      <>
        {isEmpty && visit.may('identity.create') && (
          <p class="notice">
            Nothing is here yet. <a href={visit.href('settings/pull-tokens', 'create')}>Create a pull token</a> for the
            first place that pulls, or <a href={visit.href('settings/users', 'create')}>invite people</a>.
          </p>
        )}
        <ul class="cards counts">
          {counts.map(({ title, count, page }) => (
            <li class="card" key={page + title}>
              <span class="count">{count}</span>
              <a href={visit.href(page)}>{title}</a>
            </li>
          ))}
        </ul>
        <section aria-labelledby="soon">
          <h2 id="soon">Ends within two weeks</h2>
          {endings.length === 0 ? (
            <p class="empty">Nothing that you may see ends soon.</p>
          ) : (
            <ul class="plain card">
              {endings.slice(0, 20).map(({ what, name, at, href }) => (
                <li key={`${what} ${name} ${at}`}>
                  {what} <a href={href}>{name}</a> ends <When time={at} now={now} />
                </li>
              ))}
            </ul>
          )}
        </section>
        {recent !== undefined && <Recent visit={visit} records={recent} />}
        <section aria-labelledby="addresses">
          <h2 id="addresses">Addresses</h2>
          <dl class="facts">
            <dt>API</dt>
            <dd>
              <code>{platform.api}</code>
            </dd>
            <dt>Issuer</dt>
            <dd>
              <code>{platform.issuer}</code>
            </dd>
            <dt>Registry</dt>
            <dd>
              <code>{platform.registry}</code>
            </dd>
          </dl>
        </section>
      </>
    ),
  };
}

export default definePage({ path: '', title: 'Overview', menu: 0, actions: { '': { show } } });
