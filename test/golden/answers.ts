// A small answer of one command for each view, as its `run` returns it.

const organization = '0475f6baca584a8964a6bce6b74dbe78dd8805b6';
const folder = `${organization}/1fc7b8d8b8b0a5f4`;
const roles = (...lines: string[]) => ({ roles: async () => lines });

const groups = [
  {
    id: organization,
    name: 'example.com',
    description: 'The organization of everybody',
    status: 'ORG_STATUS_READY',
    verified: true,
    resourceLimits: { clusters: 3 },
  },
  { id: folder, name: 'engineering', description: '' },
  { id: `${folder}/0f1e2d3c4b5a6978`, name: 'backend', description: 'Wide: 漢字' },
  { id: `${organization}/8a8b8c8d8e8f8081`, name: 'sales' },
];

const identities = [
  {
    identity: {
      id: `${organization}/d1c2b3a4f5e6d7c8`,
      name: 'ci',
      description: 'Builds on main',
      claimMatch: {
        issuer: 'https://token.actions.githubusercontent.com',
        subject: 'repo:acme/app:ref:refs/heads/main',
      },
    },
    ...roles('engineering: viewer', 'example.com: registry.pull'),
  },
  {
    identity: {
      id: `${organization}/00112233aabbccdd`,
      name: 'static',
      static: {
        issuer: 'https://issuer.example.com',
        subject: 'robot',
        issuerKeys: '{"keys":[]}',
        expiration: '2026-04-25T12:00:00Z',
      },
    },
    ...roles(),
  },
];

const platform = {
  api: 'http://127.0.0.1:8080',
  issuer: 'http://127.0.0.1:8080',
  registry: 'http://127.0.0.1:8080',
  console: 'http://127.0.0.1:8080/console',
  dataDir: '/home/dev/.local/share/chainctl/platform',
  pid: 4711,
};

const token = 'eyJhbGciOiJSUzI1NiJ9.eyJzdWIiOiJyb2JvdCJ9.c2lnbmF0dXJl';

export const answers: Readonly<Record<string, unknown>> = {
  'auth login': {
    identity: organization,
    email: 'dev@example.com',
    tokens: [
      { audience: platform.api, expiresAt: Date.parse('2026-03-27T13:00:00Z') },
      { audience: 'cgr.dev', expiresAt: Date.parse('2026-03-27T12:30:00Z') },
    ],
  },
  'auth pull-token create': {
    id: `${organization}/d1c2b3a4f5e6d7c8`,
    token,
    repository: 'oci',
    registry: 'cgr.dev',
  },
  'auth pull-token list': [
    { identity: { ...identities[1]?.identity, name: 'pull token - registry' }, ...roles('example.com: registry.pull') },
    {
      identity: {
        id: `${organization}/aaaabbbbccccdddd`,
        name: 'old',
        description: 'For the old cluster',
        static: { issuer: 'https://pulltoken.example.com', subject: 'x', expiration: '2026-03-20T12:00:00Z' },
      },
      ...roles(),
    },
  ],
  'auth status': {
    valid: true,
    audience: platform.api,
    identity: organization,
    email: 'dev@example.com',
    capabilities: { 'example.com': 'owner', engineering: 'viewer' },
    expiresAt: Date.parse('2026-03-27T13:00:00Z'),
  },
  'auth token': { token, onTerminal: false },
  'auth token capabilities': [
    { resource: 'groups', actions: ['create', 'delete', 'list'] },
    { resource: 'repo', actions: ['list'] },
  ],
  'config validate': [
    { check: 'file', target: '/home/dev/.config/chainctl/config.yaml', ok: true, message: 'can be read' },
    { check: 'api', target: platform.api, ok: false, message: 'nobody answers' },
  ],
  'config view': {
    text: '# Base Config file: none\ndefault:\n    group: ""\n',
    values: [
      ['default.group', ''],
      ['output.silent', 'false'],
    ],
  },
  'iam account-associations check aws': {
    cloud: 'amazon',
    group: { id: organization, name: 'example.com' },
    status: { ready: 'Ready', reason: 'Assumed', message: 'the role was assumed' },
  },
  'iam account-associations describe': [
    {
      group: organization,
      name: 'cloud accounts',
      description: 'Where our clusters run',
      amazon: { account: '123456789012' },
      google: { projectId: 'our-project', projectNumber: '42' },
      chainguard: { serviceBindings: { CATALOG_SYNCER: `${organization}/d1c2b3a4f5e6d7c8` } },
    },
  ],
  'iam external-group-role-mappings create': [
    {
      mapping: {
        id: `${organization}/1111222233334444/5555666677778888`,
        externalGroupId: 'b0f0c1d2-platform-team',
        roleUidp: 'a1b2c3',
        scope: folder,
        identityProviderUidp: `${organization}/1111222233334444`,
        createdAt: '2026-03-20T12:00:00Z',
      },
      roleName: async () => 'viewer',
      scopeName: async () => 'engineering',
      providerName: async () => 'our-idp',
    },
  ],
  'iam folders describe': groups[1],
  'iam folders list': groups.slice(1),
  'iam groups create': groups,
  'iam identities list': identities,
  'iam identity-providers create': [
    {
      provider: {
        id: `${organization}/1111222233334444`,
        name: 'our-idp',
        description: 'People of the company',
        oidc: {
          issuer: 'https://idp.example.com',
          clientId: 'chainctl',
          additionalScopes: ['email', 'groups'],
          pkceEnabled: true,
        },
        defaultRole: 'a1b2c3',
      },
      defaultRole: async () => 'viewer',
      place: async () => ['[example.com]'],
    },
  ],
  'iam identity-providers scim token generate': {
    token: 'cgscim_0123456789',
    endpointUrl: `https://scim.example.com/scim/v2/${organization}/1111222233334444`,
    expireTime: '2027-03-27T12:00:00Z',
  },
  'iam invites create': {
    id: `${organization}/9999aaaabbbbcccc`,
    expiration: '2026-04-03T12:00:00Z',
    keyId: '0a1b2c3d',
    role: { id: 'a1b2c3', name: 'viewer', description: 'Looks only' },
    code: 'eyJncnAiOiJleGFtcGxlIn0=',
  },
  'iam invites list': [
    {
      id: `${organization}/9999aaaabbbbcccc`,
      expiration: '2026-04-03T12:00:00Z',
      keyId: '0a1b2c3d',
      role: { id: 'a1b2c3', name: 'viewer', description: 'Looks only' },
      email: 'new@example.com',
      singleUse: true,
      createdAt: '2026-03-27T12:00:00Z',
    },
  ],
  'iam organizations list': groups,
  'iam role-bindings create': [
    {
      binding: {
        id: `${folder}/1234123412341234`,
        identity: `${organization}/d1c2b3a4f5e6d7c8`,
        role: { id: 'a1b2c3', name: 'registry.pull' },
        group: groups[1],
        createdAt: '2026-03-20T12:00:00Z',
      },
      holder: async () => 'ci',
      around: async () => new Map(groups.map((group) => [group.id, group])),
    },
  ],
  'iam roles capabilities list': [
    { resource: 'groups', actions: ['create', 'delete', 'list'] },
    { resource: 'repo', actions: ['list'] },
  ],
  'iam roles list': [
    {
      id: 'a1b2c3',
      name: 'registry.pull',
      description: 'Pull images',
      capabilities: ['groups.list', 'manifest.list', 'repo.list', 'repo.manifest.list'],
    },
    { id: `${organization}/0123456789abcdef`, name: 'nothing' },
  ],
  'local env': {
    variables: { CHAINGUARD_PLATFORM_API: platform.api, CHAINGUARD_PLATFORM_ISSUER: platform.issuer },
    unset: false,
  },
  'local start': { info: platform, already: false, next: ['eval "$(chainctl local env)"', 'chainctl auth login'] },
  'local status': { running: true, answers: true, dataDir: platform.dataDir, platform },
  'local token': { token, onTerminal: false },
  version: {
    gitVersion: '1.2.3',
    gitCommit: '0123456789abcdef',
    gitTreeState: 'clean',
    buildDate: '2026-03-27T12:00:00Z',
    nodeVersion: 'v24.0.0',
    compiler: 'node',
    platform: 'linux/amd64',
    asJson: false,
  },
};
