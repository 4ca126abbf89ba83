import type { Through } from '../../../access/grants.ts';
import { compact } from '../../../api/compact.ts';
import { defineView } from '../../../cli/define.ts';
import type { ShownGrant } from './facts.ts';

export const throughWords: Readonly<Record<Through, string>> = {
  binding: 'binding',
  'group-mapping': 'group mapping',
  'scim-group': 'SCIM group',
  'default-role': 'default role',
  'pending-invite': 'pending invite',
};

/** `binding, inherited`. */
const throughCell = ({ grant, inherited }: ShownGrant): string =>
  `${throughWords[grant.through]}${inherited ? ', inherited' : ''}`;

/** `owner in example.com (binding, inherited)`. */
export const grantLine = (shown: ShownGrant): string =>
  `${roleName(shown)} in ${shown.location} (${throughCell(shown)})`;

const roleName = ({ grant: { role } }: ShownGrant) => role.name || role.id || '';

export const grantView = defineView<ShownGrant>({
  id: ({ grant }) => grant.identity || grant.id,
  columns: [
    { head: 'WHO', value: ({ grant }) => grant.who },
    { head: 'ROLE', value: roleName },
    { head: 'LOCATION', value: ({ location }) => location },
    // That it is inherited is seen from the location.
    { head: 'THROUGH', rank: 1, value: throughCell, brief: ({ grant }) => throughWords[grant.through] },
    { head: 'IDENTITY ID', id: true, value: ({ grant }) => grant.identity, wide: true },
    { head: 'ID', id: true, value: ({ grant }) => grant.id, wide: true },
  ],
  json: (shown) => grantJson(shown),
  envelope: 'items',
  empty: 'No one can, as far as this login sees.',
});

/** Grants of one person or identity. */
export const heldView = defineView<ShownGrant>({
  id: ({ grant }) => grant.id,
  columns: [
    { head: 'ROLE', value: roleName },
    { head: 'LOCATION', value: ({ location }) => location },
    { head: 'THROUGH', value: ({ grant }) => throughWords[grant.through] },
    {
      head: 'HOLDS',
      value: ({ grant }) =>
        grant.endedAt !== undefined
          ? 'ended'
          : grant.through === 'binding'
            ? 'yes'
            : `if in ${grant.who}`.replace('if in anyone', 'if anyone'),
      state: ({ grant }) => (grant.endedAt === undefined ? undefined : 'fail'),
    },
    {
      head: 'CAPABILITIES',
      rank: 1,
      align: 'right',
      value: ({ grant }) => grant.role.capabilities?.length ?? 0,
    },
    { head: 'ID', id: true, value: ({ grant }) => grant.id, wide: true },
  ],
  json: (shown) => ({ ...Object(grantJson(shown)), capabilities: shown.grant.role.capabilities ?? [] }),
  envelope: 'items',
  empty: 'They hold nothing there, as far as this login sees.',
});

export const grantOrder = ({ grant, location }: ShownGrant): string =>
  // Grants of today come before those that depend on a condition.
  [grant.through === 'binding' ? 0 : 1, grant.who, location, grant.role.name, grant.id].join('\u0000');

export const grantJson = (shown: ShownGrant) => {
  const { grant, location, inherited } = shown;
  return compact({
    who: grant.who,
    ...(grant.identity === '' ? {} : { identityId: grant.identity }),
    role: roleName(shown),
    roleId: grant.role.id ?? '',
    location,
    locationId: grant.place,
    through: grant.through,
    inherited,
    id: grant.id,
  });
};
