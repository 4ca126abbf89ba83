// Schema of a file that describes an organization: every key of every section. docs/iam-files.md explains them.

/** `text`: a scalar; `texts`: a list of them; `map`: names to scalars; otherwise an object with these keys. */
export type Shape = 'text' | 'texts' | 'map' | { readonly [key: string]: Shape };

const located = { name: 'text', in: 'text', id: 'text', description: 'text' } as const;

export const sections = {
  folders: { path: 'text', description: 'text' },
  roles: { ...located, capabilities: 'texts' },
  identityProviders: {
    ...located,
    defaultRole: 'text',
    oidc: {
      issuer: 'text',
      clientId: 'text',
      /** Name of an environment variable: the secret itself never stands in a file. */
      clientSecretFrom: 'text',
      additionalScopes: 'texts',
      groupsClaim: 'text',
      pkceEnabled: 'text',
    },
  },
  identities: {
    ...located,
    claimMatch: {
      issuer: 'text',
      issuerPattern: 'text',
      subject: 'text',
      subjectPattern: 'text',
      audience: 'text',
      audiencePattern: 'text',
      claims: 'map',
      claimPatterns: 'map',
    },
    static: { issuer: 'text', subject: 'text', issuerKeys: 'text', expiration: 'text', audiences: 'texts' },
    awsIdentity: { awsAccount: 'text', arn: 'text', arnPattern: 'text', userId: 'text', userIdPattern: 'text' },
    servicePrincipal: 'text',
  },
  groupMappings: { provider: 'text', group: 'text', role: 'text', in: 'text' },
  bindings: { user: 'text', identity: 'text', role: 'text', in: 'text' },
  accountAssociations: {
    in: 'text',
    name: 'text',
    description: 'text',
    amazon: { account: 'text' },
    google: { projectId: 'text', projectNumber: 'text' },
    azure: { tenantId: 'text', clientIds: 'map' },
    chainguard: { serviceBindings: 'map' },
  },
} as const satisfies Readonly<Record<string, Shape>>;

export type Section = keyof typeof sections;

export const sectionNames = Object.keys(sections) as Section[];

type Mutable<S extends Shape> = S extends 'text'
  ? string
  : S extends 'texts'
    ? readonly string[]
    : S extends 'map'
      ? Readonly<Record<string, string>>
      : S extends { readonly [key: string]: Shape }
        ? { readonly [K in keyof S]?: Mutable<S[K]> }
        : never;

/** One entry of a section as it stands in the file. */
export type Entry<S extends Section = Section> = Mutable<(typeof sections)[S]>;
