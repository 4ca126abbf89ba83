// Writes an organization as resources of the official Terraform provider (chainguard-dev/chainguard), with an `import`
// block each, so that a first `terraform plan` finds nothing to do. Guarantees: pure; no secret; texts of the
// organization are quoted so that Terraform takes no part of them for a template. The provider has no resource for
// group mappings.

import { typeOf } from '../api/identity-rules.ts';
import type { IamIdentity } from '../api/schema/types/iam.gen.ts';
import { parentOf } from '../api/uidp.ts';
import { associationFields, identityFields, providerFields, roleFields } from './fields.ts';
import { isBuiltIn, Places, placeOfBinding, type State } from './state.ts';
import type { WrittenFile } from './yaml.ts';

interface Resource {
  readonly file: string;
  readonly type: string;
  readonly label: string;
  readonly id: string;
  readonly body: readonly string[];
}

export function toTerraform(state: State): string {
  return [head, ...builtInRoles(state), ...resources(state).map(blockOf)].join('\n');
}

/** A file for each kind of resource, and one for the provider. */
export function toTerraformFiles(state: State): WrittenFile[] {
  const all = resources(state);
  const names = [...new Set(all.map(({ file }) => file))];
  const files = names.map((name) => ({
    name: `${name}.tf`,
    text: all
      .filter(({ file }) => file === name)
      .map(blockOf)
      .join('\n'),
  }));
  return [{ name: 'provider.tf', text: [head, ...builtInRoles(state)].join('\n') }, ...files];
}

const head = `terraform {
  required_providers {
    chainguard = { source = "chainguard-dev/chainguard" }
  }
}
`;

const secretOf = (label: string) => `${label}_client_secret`;

const variableOf = (label: string): readonly string[] => [
  `variable ${quoted(secretOf(label))} {`,
  '  type      = string',
  '  sensitive = true',
  '}',
  '',
];

const blockOf = ({ type, label, id, body }: Resource): string =>
  [
    ...(type === 'chainguard_identity_provider' ? variableOf(label) : []),
    'import {',
    `  to = ${type}.${label}`,
    `  id = ${quoted(id)}`,
    '}',
    '',
    `resource ${quoted(type)} ${quoted(label)} {`,
    ...aligned(body).map((line) => (line === '' ? '' : `  ${line}`)),
    '}',
    '',
  ].join('\n');

/** As `terraform fmt` writes it: the signs of neighbouring members stand below each other, and blocks stand apart. */
function aligned(lines: readonly string[]): string[] {
  const written: string[] = [];
  const isMember = (line = '') => /^\s*[\w-]+ = /.test(line);
  const indentOf = (line: string) => line.length - line.trimStart().length;
  for (let at = 0; at < lines.length; ) {
    const line = lines[at] ?? '';
    if (!isMember(line)) {
      if (line.endsWith('{') && (written.at(-1) ?? '{').endsWith('{') === false) written.push('');
      written.push(line);
      at += 1;
      continue;
    }
    let end = at;
    while (isMember(lines[end]) && indentOf(lines[end] ?? '') === indentOf(line)) end += 1;
    const members = lines.slice(at, end).map((one) => one.split(/ = (.*)/s));
    const width = Math.max(...members.map(([name = '']) => name.length));
    for (const [name = '', value = ''] of members) written.push(`${name.padEnd(width)} = ${value}`);
    at = end;
  }
  return written;
}

/** Built-in roles are looked up by name: their ids differ between platforms. */
function builtInRoles(state: State): string[] {
  const used = usedRoles(state);
  return state.roles
    .filter((role) => isBuiltIn(role) && used.has(role.id ?? ''))
    .map(
      ({ name = '' }) =>
        `data "chainguard_role" ${quoted(labelOf(name))} {\n  name   = ${quoted(name)}\n  parent = "/"\n}\n`,
    );
}

const usedRoles = ({ bindings, providers }: State): Set<string> =>
  new Set([...bindings.map(({ role }) => role?.id ?? ''), ...providers.map(({ defaultRole = '' }) => defaultRole)]);

function resources(state: State): Resource[] {
  const places = new Places(state);
  const taken = new Set<string>();
  const addresses = new Map<string, string>();
  const add = (
    file: string,
    type: string,
    words: readonly string[],
    id: string,
    body: (address: string) => string[],
  ): Resource => {
    let label = labelOf(words.filter((word) => word !== '').join('_'));
    for (let n = 2; taken.has(`${type}.${label}`); n += 1) label = `${labelOf(words.join('_'))}_${n}`;
    taken.add(`${type}.${label}`);
    // Cloud accounts have the id of their place, which others name as the place.
    if (!addresses.has(id)) addresses.set(id, `${type}.${label}.id`);
    return { file, type, label, id, body: body(label) };
  };
  const reference = (id: string): string => addresses.get(id) ?? quoted(id);
  const role = (id: string): string => {
    const found = state.roles.find((one) => one.id === id);
    return found !== undefined && isBuiltIn(found)
      ? `data.chainguard_role.${labelOf(found.name ?? '')}.items[0].id`
      : reference(id);
  };
  const located = (id: string, name: string) => [places.pathOf(parentOf(id)), name];
  const byDepth = [...state.folders].sort((a, b) => (a.id ?? '').length - (b.id ?? '').length);
  const organization = state.organization;
  return [
    add('groups', 'chainguard_group', [organization.name ?? ''], organization.id ?? '', () =>
      attributes({
        name: organization.name,
        description: organization.description,
        // Terraform would take back what is left out.
        ...(organization.verified === true ? { verified: true } : {}),
      }),
    ),
    ...byDepth.map((one) =>
      add('groups', 'chainguard_group', [places.pathOf(one.id ?? '')], one.id ?? '', () => [
        ...attributes({ name: one.name, description: one.description }),
        `parent_id = ${reference(parentOf(one.id ?? ''))}`,
      ]),
    ),
    ...state.roles
      .filter((one) => !isBuiltIn(one))
      .map((one) =>
        add('roles', 'chainguard_role', located(one.id ?? '', one.name ?? ''), one.id ?? '', () => [
          ...attributes({ name: one.name }),
          // The provider takes a role without a description for one with an empty one, and nothing for something else.
          `description = ${literal(one.description ?? '')}`,
          ...attributes({ capabilities: roleFields(one)['capabilities'] }),
          `parent_id = ${reference(parentOf(one.id ?? ''))}`,
        ]),
      ),
    ...state.providers.map((one) =>
      add(
        'identity_providers',
        'chainguard_identity_provider',
        located(one.id ?? '', one.name ?? ''),
        one.id ?? '',
        (label) => {
          const { defaultRole: _role, oidc, description } = providerFields(one);
          const { issuer, clientId, additionalScopes } = (oidc ?? {}) as Record<string, unknown>;
          return [
            ...attributes({ name: one.name, description }),
            `parent_id = ${reference(parentOf(one.id ?? ''))}`,
            `default_role = ${role(one.defaultRole ?? '')}`,
            'oidc {',
            // The provider requires the scopes, none included.
            ...attributes({ issuer, clientId, additionalScopes: additionalScopes ?? [] }).map((line) => `  ${line}`),
            `  client_secret = var.${secretOf(label)}`,
            '}',
            // The platform tells nobody the secret, so it would differ from what was imported for ever.
            'lifecycle {',
            // It takes none for something else than an empty list, and refuses the configuration that leaves them out.
            `  ignore_changes = [oidc.client_secret${additionalScopes === undefined ? ', oidc.additional_scopes' : ''}]`,
            '}',
          ];
        },
      ),
    ),
    ...state.identities
      .filter((one) => typeOf(one) !== 'pull_token')
      .map((one) =>
        add('identities', 'chainguard_identity', located(one.id ?? '', one.name ?? ''), one.id ?? '', () => [
          ...attributes({ name: one.name, description: one.description }),
          `parent_id = ${reference(parentOf(one.id ?? ''))}`,
          ...proofBlocks(one),
        ]),
      ),
    ...state.bindings
      .filter(({ identity = '' }) => !identity.includes('/') || addresses.has(identity))
      .map((one) => {
        const place = placeOfBinding(one);
        const who = one.email || addresses.get(one.identity ?? '')?.split('.')[1] || (one.identity ?? '').slice(0, 8);
        return add(
          'bindings',
          'chainguard_rolebinding',
          [places.pathOf(place), who, one.role?.name ?? ''],
          one.id ?? '',
          () => [
            `identity = ${reference(one.identity ?? '')}`,
            `group = ${reference(place)}`,
            `role = ${role(one.role?.id ?? '')}`,
          ],
        );
      }),
    ...state.associations.map((one) =>
      add(
        'account_associations',
        'chainguard_account_associations',
        [places.pathOf(one.group ?? ''), one.name ?? ''],
        one.group ?? '',
        () => {
          const { name, description, ...clouds } = associationFields(one);
          return [
            ...attributes({ name, description }),
            `group = ${reference(one.group ?? '')}`,
            ...Object.entries(clouds).flatMap(([cloud, members]) => block(cloud, members as Record<string, unknown>)),
          ];
        },
      ),
    ),
  ];
}

/** AWS members carry a prefix in the provider that the API does not have. */
function proofBlocks(identity: IamIdentity): string[] {
  const {
    claimMatch,
    static: keys,
    awsIdentity,
    servicePrincipal,
  } = identityFields(identity) as Record<string, Record<string, unknown> | undefined>;
  const { audiences: _audiences, ...own } = keys ?? {};
  const aws = Object.entries(awsIdentity ?? {}).map(
    ([key, value]) => [key === 'awsAccount' ? key : `aws${key[0]?.toUpperCase()}${key.slice(1)}`, value] as const,
  );
  return [
    ...(claimMatch === undefined ? [] : block('claim_match', claimMatch)),
    ...(keys === undefined ? [] : block('static', own)),
    ...(awsIdentity === undefined ? [] : block('aws_identity', Object.fromEntries(aws))),
    ...(servicePrincipal === undefined ? [] : attributes({ servicePrincipal: identity.servicePrincipal })),
  ];
}

const block = (name: string, members: Readonly<Record<string, unknown>>): string[] => [
  `${name} {`,
  ...attributes(members).map((line) => `  ${line}`),
  '}',
];

function attributes(members: Readonly<Record<string, unknown>>): string[] {
  return Object.entries(members)
    .filter(([, value]) => value !== undefined && value !== '')
    .map(([key, value]) => `${snake(key)} = ${literal(value)}`);
}

function literal(value: unknown): string {
  if (Array.isArray(value)) return `[${value.map(literal).join(', ')}]`;
  if (typeof value === 'object' && value !== null) {
    const members = Object.entries(value).map(([key, member]) => `${quoted(key)} = ${literal(member)}`);
    return `{ ${members.join(', ')} }`;
  }
  return typeof value === 'boolean' || typeof value === 'number' ? String(value) : quoted(String(value));
}

const snake = (name: string) => name.replace(/[A-Z]/g, (letter) => `_${letter.toLowerCase()}`);

/** `${` and `%{` begin templates in Terraform's texts; doubled they stand for themselves. */
const quoted = (text: string): string => JSON.stringify(text).replace(/([$%])\{/g, '$1$1{');

/** A name that Terraform takes: letters, digits, `_` and `-`, not beginning with a digit. */
function labelOf(words: string): string {
  const plain = words
    .toLowerCase()
    .replace(/[^a-z0-9_-]+/g, '_')
    .replace(/^_+|_+$/g, '');
  return /^[a-z_]/.test(plain) ? plain : `_${plain}`;
}
