// Settings › Identity providers: how people of the organization sign in by their own provider, with SCIM and group mappings.

import type { IamExternalGroupRoleMapping, IamIdentityProvider } from '../../../api/schema/types/iam.gen.ts';
import { CallFailure } from '../../caller.ts';
import { rolesOf } from '../../identities.ts';
import { definePage, type Shown, type Visit } from '../../page.ts';
import { backTo, formFrame } from '../../parts/form-frame.tsx';
import { ListFrame, rowsShown } from '../../parts/list-frame.tsx';
import { placeName } from '../../parts/places.tsx';
import { When } from '../../parts/time.tsx';
import { mapping, removeMapping } from './mappings.tsx';
import { create, update } from './provider-form.tsx';
import { mappingsOf, path, providerHere, providersOf, rowId } from './providers.ts';
import { revoke, scim, token, tokenShown } from './scim.tsx';

async function list(visit: Visit): Promise<Shown> {
  const [providers, mappings, roles] = await Promise.all([
    providersOf(visit),
    mappingsOf(visit),
    rolesOf(visit.caller),
  ]);
  const roleName = (id: string | undefined) => roles.find((role) => role.id === id)?.name ?? id ?? '';
  const link = (action: string, id: string) => visit.href(path, action, { ...rowsShown(visit), id });
  const mayUpdate = visit.may('identity_providers.update');
  return {
    body: (
      <>
        <ListFrame
          visit={visit}
          about="People sign in with a provider of the organization; its groups may say which roles they have."
          create={
            visit.may('identity_providers.create')
              ? { title: 'Create identity provider', href: visit.href(path, 'create', rowsShown(visit)), id: 'create' }
              : undefined
          }
          rows={providers}
          label="identity providers"
          initialSort="name"
          rowId={({ id = '' }) => rowId(id)}
          text={({ id, name, oidc }) => `${id} ${name} ${oidc?.issuer}`}
          empty={<p>People sign in with the platform’s own providers.</p>}
          columns={[
            { head: 'Name', isName: true, cell: ({ name }) => name, order: ({ name }) => name },
            { head: 'Issuer', cell: ({ oidc }) => oidc?.issuer, order: ({ oidc }) => oidc?.issuer },
            { head: 'Default role', cell: ({ defaultRole }) => roleName(defaultRole) },
            { head: 'SCIM', cell: (provider) => <Scim provider={provider} now={visit.now} /> },
          ]}
          actions={({ id = '', name = '' }) => [
            ...(mayUpdate
              ? [
                  { title: 'Change', of: name, href: link('update', id) },
                  { title: 'SCIM', of: `of ${name}`, href: link('scim', id) },
                ]
              : []),
            ...(visit.may('identity_providers.delete')
              ? [{ title: 'Delete', of: name, href: link('delete', id) }]
              : []),
          ]}
        />
        <ListFrame
          visit={visit}
          title="Group mappings"
          create={
            mayUpdate && providers.length > 0
              ? { title: 'Map a group', href: visit.href(path, 'map', rowsShown(visit)), id: 'map' }
              : undefined
          }
          rows={mappings}
          label="group mappings"
          prefix="mappings-"
          text={({ externalGroupId = '' }) => externalGroupId}
          empty={<p>No group of a provider has a role.</p>}
          columns={[
            { head: 'Group', isName: true, cell: ({ externalGroupId }) => externalGroupId },
            { head: 'Of', cell: (each) => providerName(providers, each) },
            { head: 'Role', cell: ({ roleUidp }) => roleName(roleUidp) },
            { head: 'In', cell: ({ scope }) => placeName(visit, scope) },
          ]}
          actions={({ id = '', externalGroupId = '' }) =>
            mayUpdate ? [{ title: 'Remove', of: externalGroupId, href: link('unmap', id) }] : []
          }
        />
      </>
    ),
  };
}

const providerName = (
  providers: readonly IamIdentityProvider[],
  { identityProviderUidp }: IamExternalGroupRoleMapping,
) => providers.find(({ id }) => id === identityProviderUidp)?.name ?? identityProviderUidp;

function Scim({ provider: { scim: state }, now }: { readonly provider: IamIdentityProvider; readonly now: number }) {
  if (!state?.enabled) return <>off</>;
  return (
    <>
      <span class="badge good">on</span>
      {state.tokenExpireTime && (
        <>
          {' '}
          token ends <When time={state.tokenExpireTime} now={now} />
        </>
      )}
    </>
  );
}

const remove = formFrame({
  path,
  behind: list,
  load: providerHere,
  pane: (_visit, _form, { id, name }) => ({
    title: 'Delete identity provider',
    submit: 'Delete identity provider',
    isDangerous: true,
    anchor: rowId(id),
    fields: (
      <p>
        This deletes <strong>{name}</strong> with its group mappings and SCIM users. Whoever signs in there is refused
        at once.
      </p>
    ),
    same: ['iam', 'identity-providers', 'delete', id],
  }),
  async submit(visit, _form, { id, name }) {
    if (!visit.places.some(({ id: place }) => id.startsWith(`${place}/`)))
      throw new CallFailure('missing', 'It belongs to another organization.');
    await visit.caller.call('iam.v1.IdentityProviders.Delete', { id });
    return { to: backTo(visit, path, 'main'), notice: `Deleted the identity provider “${name}”.` };
  },
});

export default definePage({
  path,
  title: 'Identity providers',
  about: 'Sign-in by a provider of your own, with SCIM and groups.',
  menu: 36,
  needs: ['identity_providers.list'],
  actions: {
    '': { show: list },
    create: create(list),
    update: update(list),
    delete: remove,
    map: mapping(list),
    unmap: removeMapping(list),
    scim: scim(list),
    token: token(list),
    revoke: revoke(list),
    generated: tokenShown(list),
  },
});
