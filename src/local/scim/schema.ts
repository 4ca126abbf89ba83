// The resources that connectors manage, as tables (RFC 7643). One source for what `/Schemas` says, for which attributes
// are read from a request, and for how filters compare.

export interface Attribute {
  readonly name: string;
  readonly type: 'string' | 'boolean' | 'complex' | 'reference';
  readonly description: string;
  readonly multiValued: boolean;
  readonly required: boolean;
  readonly caseExact: boolean;
  readonly mutability: 'readWrite' | 'readOnly';
  readonly uniqueness: 'none' | 'server';
  /** Targets of a reference: kinds of resources, or `external` for any URL. */
  readonly referenceTypes?: readonly string[];
  readonly subAttributes: readonly Attribute[];
}

export interface ResourceSchema {
  readonly id: string;
  readonly name: string;
  readonly description: string;
  readonly attributes: readonly Attribute[];
}

type Options = Partial<Omit<Attribute, 'name' | 'description'>>;

function attribute(name: string, description: string, options: Options = {}): Attribute {
  return {
    name,
    description,
    type: 'string',
    multiValued: false,
    required: false,
    caseExact: false,
    mutability: 'readWrite',
    uniqueness: 'none',
    subAttributes: [],
    ...options,
  };
}

function complex(name: string, description: string, subAttributes: readonly Attribute[], options: Options = {}) {
  return attribute(name, description, { type: 'complex', subAttributes, ...options });
}

/** A list of values with a kind each, one of which may be the primary one. */
function valued(name: string, description: string) {
  const parts = [
    attribute('value', 'The value'),
    attribute('display', 'The value as it is shown'),
    attribute('type', 'The kind, such as work or home'),
    attribute('primary', 'Whether it is the preferred one', { type: 'boolean' }),
  ];
  return complex(name, description, parts, { multiValued: true });
}

const readOnly = { mutability: 'readOnly' } as const;
const externalId = attribute('externalId', 'What the provider knows it by', { caseExact: true, uniqueness: 'server' });

export const userSchema: ResourceSchema = {
  id: 'urn:ietf:params:scim:schemas:core:2.0:User',
  name: 'User',
  description: 'Somebody who can sign in through the identity provider',
  attributes: [
    externalId,
    attribute('userName', 'Unique name of the user', { required: true, uniqueness: 'server' }),
    complex('name', 'Parts of the name', [
      attribute('formatted', 'The whole name'),
      attribute('familyName', 'Family name'),
      attribute('givenName', 'Given name'),
      attribute('middleName', 'Middle name'),
      attribute('honorificPrefix', 'Title before the name'),
      attribute('honorificSuffix', 'Title after the name'),
    ]),
    attribute('displayName', 'The name as it is shown'),
    attribute('nickName', 'Informal name'),
    attribute('profileUrl', 'Page about the user', { type: 'reference', referenceTypes: ['external'] }),
    attribute('title', 'Position'),
    attribute('userType', 'Relation to the organization'),
    attribute('preferredLanguage', 'Language tag'),
    attribute('locale', 'Locale'),
    attribute('timezone', 'Time zone'),
    attribute('active', 'Whether the user may sign in', { type: 'boolean' }),
    valued('emails', 'E-mail addresses'),
    valued('phoneNumbers', 'Phone numbers'),
    valued('ims', 'Addresses of instant messengers'),
    valued('photos', 'URLs of photos'),
    valued('entitlements', 'Entitlements'),
    valued('roles', 'Roles at the provider, which mean nothing here'),
    complex(
      'addresses',
      'Postal addresses',
      [
        attribute('formatted', 'The whole address'),
        attribute('streetAddress', 'Street and number'),
        attribute('locality', 'City'),
        attribute('region', 'State or region'),
        attribute('postalCode', 'Postal code'),
        attribute('country', 'Country'),
        attribute('type', 'The kind, such as work or home'),
        attribute('primary', 'Whether it is the preferred one', { type: 'boolean' }),
      ],
      { multiValued: true },
    ),
    complex(
      'groups',
      'Groups that the user is in; changed through the groups',
      [
        attribute('value', 'Id of the group', { caseExact: true, ...readOnly }),
        attribute('$ref', 'URL of the group', {
          type: 'reference',
          referenceTypes: ['Group'],
          caseExact: true,
          ...readOnly,
        }),
        attribute('display', 'Name of the group', readOnly),
        attribute('type', 'Always direct', readOnly),
      ],
      { multiValued: true, ...readOnly },
    ),
  ],
};

export const enterpriseSchema: ResourceSchema = {
  id: 'urn:ietf:params:scim:schemas:extension:enterprise:2.0:User',
  name: 'EnterpriseUser',
  description: 'The place of a user in an enterprise',
  attributes: [
    attribute('employeeNumber', 'Number of the employee'),
    attribute('costCenter', 'Cost center'),
    attribute('organization', 'Organization'),
    attribute('division', 'Division'),
    attribute('department', 'Department'),
    complex('manager', 'The manager', [
      attribute('value', 'Id of the manager', { caseExact: true }),
      attribute('$ref', 'URL of the manager', { type: 'reference', referenceTypes: ['User'], caseExact: true }),
      attribute('displayName', 'Name of the manager'),
    ]),
  ],
};

export const groupSchema: ResourceSchema = {
  id: 'urn:ietf:params:scim:schemas:core:2.0:Group',
  name: 'Group',
  description: 'Users who get the roles that are mapped to the group',
  attributes: [
    externalId,
    attribute('displayName', 'Unique name of the group', { required: true, uniqueness: 'server' }),
    complex(
      'members',
      'The users in the group; groups in groups are not supported',
      [
        attribute('value', 'Id of the user', { caseExact: true }),
        attribute('$ref', 'URL of the user', {
          type: 'reference',
          referenceTypes: ['User'],
          caseExact: true,
        }),
      ],
      { multiValued: true },
    ),
  ],
};

/** Attributes that every resource has besides those of its schema (RFC 7643, 3.1). */
export const commonAttributes: readonly Attribute[] = [
  attribute('id', 'Id of the resource', { caseExact: true, ...readOnly }),
  complex(
    'meta',
    'When and where',
    [
      attribute('resourceType', 'User or Group', { caseExact: true, ...readOnly }),
      attribute('created', 'When it was made', { caseExact: true, ...readOnly }),
      attribute('lastModified', 'When it was changed last', { caseExact: true, ...readOnly }),
      attribute('location', 'Its URL', { caseExact: true, ...readOnly }),
      attribute('version', 'Its entity tag', { caseExact: true, ...readOnly }),
    ],
    readOnly,
  ),
];

/** A kind of resource with its extension. */
export interface ResourceType {
  readonly name: 'User' | 'Group';
  readonly endpoint: '/Users' | '/Groups';
  readonly schema: ResourceSchema;
  readonly extensions: readonly ResourceSchema[];
}

export const userType: ResourceType = {
  name: 'User',
  endpoint: '/Users',
  schema: userSchema,
  extensions: [enterpriseSchema],
};
export const groupType: ResourceType = { name: 'Group', endpoint: '/Groups', schema: groupSchema, extensions: [] };

/** Names of attributes are compared without regard to case (RFC 7643, 2.1). */
export function findAttribute(attributes: readonly Attribute[], name: string): Attribute | undefined {
  const wanted = name.toLowerCase();
  return attributes.find((candidate) => candidate.name.toLowerCase() === wanted);
}

/** The extension whose URN begins a path or is a key; compared without regard to case. */
export function findExtension(type: ResourceType, urn: string): ResourceSchema | undefined {
  return type.extensions.find(({ id }) => id.toLowerCase() === urn.toLowerCase());
}
