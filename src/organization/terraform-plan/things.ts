// The values of a planned resource as the things that the API knows. Guarantees: pure; the secret of an identity
// provider's client is never read; a value that is known after apply is told as such.

import type { IamStoredGroupInvite } from '../../api/schema/types/iam.gen.ts';
import type { Section } from '../shapes.ts';
import type { Things } from '../state.ts';
import { members, type PlannedResource } from './read.ts';

type Members = Readonly<Record<string, unknown>>;

/** Kind of a resource that decides who can do what. */
export const sectionOf: Readonly<Record<string, Section>> = {
  chainguard_group: 'folders',
  chainguard_role: 'roles',
  chainguard_identity: 'identities',
  chainguard_identity_provider: 'identityProviders',
  chainguard_rolebinding: 'bindings',
  chainguard_account_associations: 'accountAssociations',
};

/** Stands in texts where the plan knows nothing yet. */
export const afterApply = '(known after apply)';

/** Values of the members that name other things; undefined where nothing tells. */
export type Referent = (member: string) => string | undefined;

/** The values that the plan gives, with a word where one is known after apply. */
export const plannedValues = ({ after, unknown }: PlannedResource): Members => merged(after, unknown);

function merged(known: Members, unknown: Members): Members {
  const values: Record<string, unknown> = { ...known };
  for (const [key, shape] of Object.entries(unknown)) {
    const inner = values[key];
    if (shape === true) values[key] = afterApply;
    else if (Array.isArray(shape) && Array.isArray(inner)) {
      values[key] = inner.map((one, at) => (shape[at] === true ? afterApply : one));
    } else if (typeof inner === 'object' && inner !== null) values[key] = merged(members(inner), members(shape));
  }
  return values;
}

/** The thing without its id. */
export function thingOf<S extends Section>(section: S, values: Members, referent: Referent): Things[S];
export function thingOf(section: Section, values: Members, referent: Referent): Things[Section] {
  const named = { name: text(values['name']), description: text(values['description']) };
  if (section === 'roles') return { ...named, capabilities: texts(values['capabilities']) };
  if (section === 'identities') return { ...named, ...proofOf(values) };
  if (section === 'identityProviders') {
    const { issuer, client_id, additional_scopes } = members(values['oidc']);
    return {
      ...named,
      defaultRole: referent('default_role') ?? '',
      oidc: { issuer: text(issuer), clientId: text(client_id), additionalScopes: texts(additional_scopes) },
    };
  }
  if (section === 'bindings') {
    return {
      group: { id: referent('group') ?? '' },
      identity: referent('identity') ?? '',
      role: { id: referent('role') ?? '' },
    };
  }
  if (section === 'accountAssociations') {
    const clouds = ['amazon', 'google', 'azure', 'chainguard'].map((cloud) => [cloud, camel(values[cloud])] as const);
    const given = clouds.filter(([, members]) => members !== undefined);
    return { ...named, group: referent('group') ?? '', ...Object.fromEntries(given) };
  }
  return named;
}

function proofOf(values: Members): Partial<Things['identities']> {
  const [claimMatch, keys, aws] = [camel(values['claim_match']), camel(values['static']), values['aws_identity']];
  const principal = text(values['service_principal']);
  return {
    ...(claimMatch === undefined ? {} : { claimMatch }),
    ...(keys === undefined ? {} : { static: keys }),
    ...(principal === '' ? {} : { servicePrincipal: principal as 'UNKNOWN' }),
    // Members carry a prefix in the provider that the API does not have.
    ...(camel(aws) === undefined
      ? {}
      : {
          awsIdentity: camel(
            Object.fromEntries(
              Object.entries(members(aws)).map(([key, value]) => [key.replace(/^aws_(?!account$)/, ''), value]),
            ),
          ),
        }),
  } as Partial<Things['identities']>;
}

export const inviteOf = (values: Members, referent: Referent): IamStoredGroupInvite => ({
  email: text(values['email']),
  expiration: text(values['expiration']),
  role: { id: referent('role') ?? '' },
});

const text = (value: unknown): string => (typeof value === 'string' ? value : '');

const texts = (value: unknown): string[] => (Array.isArray(value) ? value.map(String) : []);

/** Members that say nothing are left out; undefined for a block that is not there. Keys of maps stay as they are. */
function camel(value: unknown): Members | undefined {
  if (typeof value !== 'object' || value === null) return undefined;
  const given = Object.entries(members(value)).filter(([, member]) => member !== null);
  return Object.fromEntries(
    given.map(([key, member]) => [key.replace(/_([a-z])/g, (_, letter: string) => letter.toUpperCase()), member]),
  );
}
