// Settings › Identity providers: how people of the organization sign in by their own provider, with SCIM and group mappings.

import { rolesOf } from '../../identities.ts';
import { definePage, type Shown, type Visit } from '../../page.ts';
import { SameCommand } from '../../parts/copied.tsx';
import { Listing } from '../../parts/listing.tsx';
import { When } from '../../parts/time.tsx';

const path = 'settings/identity-providers';

async function list(visit: Visit): Promise<Shown> {
  const { caller, organization, query, now } = visit;
  const uidp = { descendantsOf: organization.id };
  const [{ items: providers = [] }, mappings, roles] = await Promise.all([
    caller.call('iam.v1.IdentityProviders.List', { uidp }),
    visit.may('identity_providers.list') && visit.may('role_bindings.list')
      ? caller.call('iam.v1.ExternalGroupRoleMappings.List', { uidp }).then(({ items = [] }) => items)
      : [],
    rolesOf(caller),
  ]);
  const roleName = (id: string | undefined) => roles.find((role) => role.id === id)?.name ?? id ?? '';
  const placeName = (id: string | undefined) => visit.places.find((place) => place.id === id)?.name ?? id ?? '';
  return {
    body: (
      <>
        <p>People sign in with a provider of the organization; its groups may say which roles they have.</p>
        <Listing
          rows={providers}
          label="identity providers"
          query={query}
          initialSort="name"
          text={({ id, name, oidc }) => `${id} ${name} ${oidc?.issuer}`}
          empty={<p>People sign in with the platform’s own providers.</p>}
          columns={[
            { head: 'Name', isName: true, cell: ({ name }) => name, order: ({ name }) => name },
            { head: 'Issuer', cell: ({ oidc }) => oidc?.issuer, order: ({ oidc }) => oidc?.issuer },
            { head: 'Default role', cell: ({ defaultRole }) => roleName(defaultRole) },
            {
              head: 'SCIM',
              cell: ({ scim }) =>
                scim?.enabled ? (
                  <>
                    <span class="badge good">on</span> token ends <When time={scim.tokenExpireTime} now={now} />
                  </>
                ) : (
                  'off'
                ),
            },
          ]}
        />
        <section aria-labelledby="mappings">
          <h2 id="mappings">Group mappings</h2>
          <Listing
            rows={mappings}
            label="group mappings"
            query={visit.query}
            prefix="mappings-"
            text={({ externalGroupId = '' }) => externalGroupId}
            empty={<p>No group of a provider has a role.</p>}
            columns={[
              { head: 'Group', isName: true, cell: ({ externalGroupId }) => externalGroupId },
              {
                head: 'Of',
                cell: ({ identityProviderUidp }) =>
                  providers.find(({ id }) => id === identityProviderUidp)?.name ?? identityProviderUidp,
              },
              { head: 'Role', cell: ({ roleUidp }) => roleName(roleUidp) },
              { head: 'In', cell: ({ scope }) => placeName(scope) },
            ]}
          />
        </section>
        <SameCommand words={['iam', 'identity-providers', 'list', `--parent=${organization.name}`]} />
      </>
    ),
  };
}

export default definePage({
  path,
  title: 'Identity providers',
  about: 'Sign-in by a provider of your own, with SCIM and groups.',
  menu: 36,
  needs: ['identity_providers.list'],
  actions: { '': { show: list } },
});
