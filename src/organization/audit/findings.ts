// Finds what is dangerous in how an organization gives access. Guarantees: no input or output; each finding holds what
// proves it, so that a test can do it; an organization without such things has no findings.

import { expirationOf, githubIssuer, typeOf } from '../../api/identity-rules.ts';
import type { IamIdentity, IamStoredGroupInvite } from '../../api/schema/types/iam.gen.ts';
import { isRoot, parentOf } from '../../api/uidp.ts';
import { isBuiltIn, Places, placeOfBinding, type State } from '../state.ts';
import { type ExampleToken, strangerAdmitted } from './strangers.ts';

export const severities = ['high', 'medium', 'low'] as const;

export type Severity = (typeof severities)[number];

export const rules = {
  'admits-strangers': 'An identity can be assumed by people outside of the organization.',
  'owner-by-condition': 'Someone who is not an owner can become one.',
  'name-only-subject': 'An identity trusts the name of a repository, which others can take over.',
  'no-end': 'A key or pull token works for more than a year, or for ever.',
  'hands-out-access': 'A custom role lets its holders give access to others.',
} as const;

/** Next step for what a rule finds. */
export const remedies = {
  'admits-strangers': 'Name the subject, or write a pattern that ends where the name ends.',
  'owner-by-condition': 'Give a smaller role, or let only people who are owners anyway meet the condition.',
  'name-only-subject': 'Bind the rule to the ids of the repository with `chainctl iam audit --fix`.',
  'no-end': 'Make another one that ends sooner, and delete this one.',
  'hands-out-access': 'Take the capability out of the role, or give the role to owners alone.',
} as const satisfies Record<keyof typeof rules, string>;

export type RuleName = keyof typeof rules;

export interface Finding {
  readonly rule: RuleName;
  readonly severity: Severity;
  /** Subject as people call it: `identity engineering/ci`. */
  readonly about: string;
  readonly id: string;
  /** One sentence. */
  readonly message: string;
  /** A token that gets in. */
  readonly token?: ExampleToken;
  /** Steps of an attacker. */
  readonly steps?: readonly string[];
  /** The identity whose GitHub rule `--fix` can bind to ids. */
  readonly fixable?: IamIdentity;
}

export interface Audited {
  readonly state: State;
  readonly invites: readonly IamStoredGroupInvite[];
  /** Milliseconds since the epoch. */
  readonly now: number;
  /** The audience of tokens where a rule has none. */
  readonly audience: string;
}

/** The most dangerous first, then by what they are about. */
export function findingsIn(audited: Audited): Finding[] {
  const found = [...strangers(audited), ...owners(audited), ...names(audited), ...endless(audited), ...roles(audited)];
  const key = ({ severity, rule, about }: Finding) => `${severities.indexOf(severity)} ${rule} ${about}`;
  return found.sort((a, b) => (key(a) < key(b) ? -1 : 1));
}

function* strangers({ state, audience }: Audited): Generator<Finding> {
  const name = namer(state);
  for (const identity of state.identities) {
    const token = strangerAdmitted(identity, audience);
    if (token === undefined) continue;
    const worth = rolesOf(state, identity.id ?? '');
    yield {
      rule: 'admits-strangers',
      severity: worth.length > 0 ? 'high' : 'medium',
      about: `identity ${name(identity)}`,
      id: identity.id ?? '',
      message: `A token of ${token.issuer} for "${token.subject}" gets in${worth.length > 0 ? ` and has ${worth.join(', ')}` : ''}`,
      token,
    };
  }
}

/** Ways to the role `owner` of the organization that are no binding of a person. */
function* owners({ state, invites, now, audience }: Audited): Generator<Finding> {
  const { organization } = state;
  const place = organization.id ?? '';
  const name = namer(state);
  const owner = state.roles.find((role) => isBuiltIn(role) && role.name === 'owner')?.id;
  if (owner === undefined) return;
  for (const provider of state.providers) {
    if (provider.defaultRole !== owner || parentOf(provider.id ?? '') !== place) continue;
    yield {
      rule: 'owner-by-condition',
      severity: 'high',
      about: `identity provider ${name(provider)}`,
      id: provider.id ?? '',
      message: `Anyone who first signs in through it becomes an owner of "${organization.name}"`,
      steps: [`chainctl auth login --identity-provider=${provider.id}`],
    };
  }
  for (const mapping of state.mappings) {
    if (mapping.roleUidp !== owner || mapping.scope !== place) continue;
    const provider = state.providers.find(({ id }) => id === mapping.identityProviderUidp);
    yield {
      rule: 'owner-by-condition',
      severity: 'medium',
      about: `group mapping of ${provider === undefined ? mapping.identityProviderUidp : name(provider)}`,
      id: mapping.id ?? '',
      message: `Anyone who manages the group "${mapping.externalGroupId}" there makes owners of "${organization.name}", themselves included`,
      steps: [
        `join the group "${mapping.externalGroupId}"`,
        `chainctl auth login --identity-provider=${mapping.identityProviderUidp}`,
      ],
    };
  }
  for (const invite of invites) {
    const isOpen = Date.parse(invite.expiration ?? '') > now && !invite.email;
    if (invite.role?.id !== owner || parentOf(invite.id ?? '') !== place || !isOpen) continue;
    yield {
      rule: 'owner-by-condition',
      severity: invite.singleUse ? 'medium' : 'high',
      about: `invite ${invite.keyId || invite.id}`,
      id: invite.id ?? '',
      message: `Anyone who has its code becomes an owner of "${organization.name}"${invite.singleUse ? ', once' : ', any number of times'}`,
      steps: ['chainctl auth login --invite-code=CODE'],
    };
  }
  for (const identity of state.identities) {
    const isOwner = state.bindings.some(
      (one) => one.identity === identity.id && one.role?.id === owner && placeOfBinding(one) === place,
    );
    const token = isOwner ? strangerAdmitted(identity, audience) : undefined;
    if (token === undefined) continue;
    yield {
      rule: 'owner-by-condition',
      severity: 'high',
      about: `identity ${name(identity)}`,
      id: identity.id ?? '',
      message: `A stranger who assumes it is an owner of "${organization.name}", and can make anybody else one`,
      token,
      steps: [
        `get a token of ${token.issuer} for "${token.subject}"`,
        `chainctl auth login --identity=${identity.id} --identity-token=-`,
        `chainctl iam role-bindings create --parent=${place} --role=owner --identity=IDENTITY`,
      ],
    };
  }
}

function* names({ state }: Audited): Generator<Finding> {
  const name = namer(state);
  for (const identity of state.identities) {
    const { issuer, subject, subjectPattern, claims, claimPatterns } = identity.claimMatch ?? {};
    if (issuer !== githubIssuer) continue;
    const isPinned = ['repository_id', 'repository_owner_id'].some(
      (claim) => claims?.[claim] || claimPatterns?.[claim],
    );
    if (isPinned) continue;
    const [, repository] =
      /^repo:([^@:/*]+\/[^@:/*]+):/.exec(subject ?? '') ??
      /^\^?repo:(?:\(\?:)?([\w\\.-]+\/[\w\\.-]+)/.exec(subjectPattern ?? '') ??
      [];
    if (repository === undefined) continue;
    yield {
      rule: 'name-only-subject',
      severity: 'medium',
      about: `identity ${name(identity)}`,
      id: identity.id ?? '',
      message: `It trusts anyone who owns the name ${repository.replaceAll('\\', '')}; bound to ids it would trust this repository alone`,
      ...(subject === undefined ? {} : { fixable: identity }),
    };
  }
}

const yearMs = 366 * 86_400_000;

function* endless({ state, now }: Audited): Generator<Finding> {
  const name = namer(state);
  for (const identity of state.identities) {
    if (identity.static === undefined) continue;
    const end = expirationOf(identity);
    if (end !== undefined && end - now <= yearMs) continue;
    const what = typeOf(identity) === 'pull_token' ? 'pull token' : 'identity';
    yield {
      rule: 'no-end',
      severity: 'low',
      about: `${what} ${name(identity)}`,
      id: identity.id ?? '',
      message:
        end === undefined ? 'Its key never ends' : `Its key is good until ${new Date(end).toISOString().slice(0, 10)}`,
    };
  }
}

const handsOut = [
  'role_bindings.create',
  'role_bindings.update',
  'identity.create',
  'identity.update',
  'group_invites.create',
  'identity_providers.create',
  'identity_providers.update',
  'roles.update',
];

function* roles({ state }: Audited): Generator<Finding> {
  const name = namer(state);
  for (const role of state.roles) {
    if (isBuiltIn(role)) continue;
    const found = handsOut.filter((capability) => role.capabilities?.includes(capability));
    if (found.length === 0) continue;
    const holders = state.bindings.filter((one) => one.role?.id === role.id).length;
    yield {
      rule: 'hands-out-access',
      severity: holders > 0 ? 'medium' : 'low',
      about: `role ${name(role)}`,
      id: role.id ?? '',
      message: `Its holders (${holders}) can give what they have to others by ${found.join(', ')}`,
    };
  }
}

function namer(state: State): (one: { readonly id?: string; readonly name?: string }) => string {
  const places = new Places(state);
  return ({ id = '', name = '' }) => {
    const path = isRoot(id) ? '' : places.pathOf(parentOf(id));
    return path === '' ? name : `${path}/${name}`;
  };
}

function rolesOf(state: State, identity: string): string[] {
  const places = new Places(state);
  const held = state.bindings.filter((one) => one.identity === identity);
  return held.map((one) => `the role "${one.role?.name || one.role?.id}" in "${places.nameOf(placeOfBinding(one))}"`);
}
