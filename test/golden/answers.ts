// A small answer of one command for each view, as its `run` returns it.

const organization = '0475f6baca584a8964a6bce6b74dbe78dd8805b6';
const folder = `${organization}/1fc7b8d8b8b0a5f4`;
const roles = (...lines: string[]) => ({ roles: async () => lines });

const contexts = [
  {
    name: 'production',
    isSelected: false,
    values: new Map([
      ['platform.api', 'https://console-api.enforce.dev'],
      ['platform.issuer', 'https://issuer.enforce.dev'],
      ['platform.registry', 'https://cgr.dev'],
    ]),
  },
  {
    name: 'local',
    isSelected: true,
    values: new Map([
      ['default.group', 'engineering'],
      ['platform.api', 'http://127.0.0.1:45999'],
      ['platform.issuer', 'http://127.0.0.1:45999'],
      ['platform.registry', 'http://127.0.0.1:45999'],
    ]),
    dataDir: '/home/dev/.local/share/chainctl/local',
  },
];

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

const scanned = [
  {
    image: `cgr.dev/example.com/app@sha256:${'a'.repeat(64)}`,
    vulnerabilities: [
      {
        id: 'CVE-2025-9230',
        severity: 'HIGH',
        purls: ['pkg:apk/wolfi/openssl@3.5.0-r0'],
        fix: { state: 'FIXED', versions: ['3.5.4-r0'] },
      },
    ],
  },
  { image: `index.docker.io/library/busybox@sha256:${'b'.repeat(64)}`, vulnerabilities: undefined },
];

const authorities = [
  {
    id: `${folder}/cafd6af035382282`,
    name: 'signing',
    description: 'What we ship',
    hostname: '127.0.0.1:45999/local/sigstore/cafd6af035382282',
  },
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

const policyVersion = {
  id: `${folder}/9c8b7a6f5e4d3c2b/0011223344556677`,
  name: 'signed-only',
  description: 'Signed images only',
  document: 'apiVersion: policy.sigstore.dev/v1beta1\nkind: ClusterImagePolicy\n',
  author: { id: organization, email: 'dev@example.com' },
  createdAt: '2026-03-20T12:00:00Z',
  label: 'v2',
};

const policies = [
  {
    mode: 'ENFORCED',
    policy: {
      id: `${folder}/9c8b7a6f5e4d3c2b`,
      name: 'signed-only',
      description: 'Signed images only',
      document: policyVersion.document,
      createdAt: '2026-03-01T12:00:00Z',
      updatedAt: '2026-03-20T12:00:00Z',
      enforcedVersion: policyVersion,
    },
  },
  { mode: 'WARN', policy: { id: `${organization}/0f1e2d3c4b5a6979`, name: 'no-docker-hub', document: '' } },
];

const cluster = {
  id: `${folder}/5a6b7c8d9e0f1a2b`,
  remoteId: 'ba5eba11-ba5e-ba11-aa6a-95fc2398fe16',
  name: 'kind-enforce-demo',
  description: 'For the walkthrough',
  version: 'v1.34.4',
  agentVersion: '0.1.0',
  registered: '2026-03-20T12:00:00Z',
  lastSeen: '2026-03-27T11:59:58Z',
  activity: {
    enforcer: { profile: 'enforcer', lastSeen: '2026-03-27T11:59:58Z' },
    observer: { profile: 'observer', lastSeen: '2026-03-27T11:58:03Z' },
  },
  profiles: ['observer', 'enforcer'],
  group: { id: folder, name: 'engineering' },
};

const clusterImages = [
  {
    remoteId: cluster.remoteId,
    record: {
      id: `${cluster.id}/1122334455667788`,
      cluster: cluster.id,
      image: 'index.docker.io/library/ubuntu@sha256:bea6d19168bbfd6af8d77c2cc3c572114eb5d113e6f422573c93cb605a0e2ffb',
      lastSeen: '2026-03-27T11:59:58Z',
      lastRefreshed: { sig: '2026-03-27T11:59:50Z' },
    },
    results: [
      {
        id: `${cluster.id}/1122334455667788/99aabbccddeeff00`,
        name: 'signed-only',
        result: 'FAIL',
        lastChecked: '2026-03-27T11:59:50Z',
        diagnostic: 'no signatures found',
      },
    ],
    workloads: [{ id: `${cluster.id}/0a/0b`, kind: 'Pod', name: 'not-signed', remoteId: 'b3c4' }],
    signatures: [],
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

const digests = ['a', 'b', 'c'].map((letter) => `sha256:${letter.repeat(64)}`);

const packageChanges = {
  added: [{ name: 'zlib', reference: 'pkg:apk/wolfi/zlib@1.3.1-r51?arch=x86_64' }],
  removed: [{ name: 'pcre2', reference: 'pkg:apk/wolfi/pcre2@10.46-r0?arch=x86_64' }],
  changed: [
    {
      name: 'libssl3',
      previous: { version: '3.5.2-r1', reference: 'pkg:apk/wolfi/libssl3@3.5.2-r1?arch=x86_64' },
      current: { version: '3.5.4-r0', reference: 'pkg:apk/wolfi/libssl3@3.5.4-r0?arch=x86_64' },
    },
  ],
};

const repos = [
  {
    id: `${organization}/0102030405060708`,
    name: 'nginx',
    catalogTier: 'APPLICATION',
    bundles: ['application', 'featured'],
    readme: '',
    sync_config: null,
    aliases: [],
    createTime: '2026-01-01T00:00:00Z',
    activeTags: ['latest'],
    description: 'A web server',
  },
  { id: `${organization}/1112131415161718`, name: 'tool', catalogTier: 'UNKNOWN', bundles: [], activeTags: [] },
];

const tags = [
  { name: '1.29', digest: digests[1], lastUpdated: '2026-03-20T05:00:00Z' },
  { name: '1.29.3', digest: digests[0], lastUpdated: '2026-03-27T05:00:00Z' },
  { name: 'latest', digest: digests[0], lastUpdated: '2026-03-27T05:00:00Z' },
].map((tag, at) => ({ id: `${organization}/0102030405060708/000000000000000${at}`, ...tag, deprecated: false }));

const operation = {
  id: 'iam.v1.Groups.List',
  bindings: [{ method: 'GET', path: '/iam/v1/groups', body: null }],
  capabilities: ['groups.list'],
  readOnly: true,
  idempotent: true,
};

const binding = {
  binding: {
    id: `${folder}/1234123412341234`,
    identity: `${organization}/d1c2b3a4f5e6d7c8`,
    role: { id: 'a1b2c3', name: 'registry.pull' },
    group: groups[1],
    createdAt: '2026-03-20T12:00:00Z',
  },
  holder: async () => 'ci',
  around: async () => new Map(groups.map((group) => [group.id, group])),
};

export const answers: Readonly<Record<string, unknown>> = {
  api: { items: [{ id: organization, name: 'example.com' }] },
  'api describe': {
    operation,
    request: [{ name: 'name', json: 'name', kind: 'scalar', type: 'string' }],
    response: [
      { name: 'items', json: 'items', kind: 'message', type: 'chainguard.platform.iam.Group', repeated: true },
    ],
  },
  'api list': [operation],
  commands: [
    {
      command: 'chainctl iam roles list',
      summary: 'List the roles that can be bound.',
      aliases: ['ls'],
      writes: false,
      confirms: false,
      lists: true,
      formats: ['table', 'json'],
      arguments: [],
      flags: [
        { name: '--name', type: 'STRING', required: false, repeatable: false, help: 'Only roles with this name.' },
      ],
      globalFlags: ['--output'],
    },
  ],
  'auth configure-kubelet': {
    files: [
      { name: 'credential-provider-config.yaml', content: 'kind: CredentialProviderConfig\n' },
      { name: 'node-token-audience.yaml', content: 'kind: ClusterRole\n' },
    ],
  },
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
  doctor: {
    found: [
      { check: 'network', state: 'ok', message: 'The issuer, the API and the registry answer' },
      { check: 'keychain', state: 'skip', message: 'The login keeps nothing in a keychain' },
      { check: 'clock', state: 'note', message: "The clock of this machine is 12 seconds behind the issuer's" },
      {
        check: 'credentials',
        state: 'wrong',
        message:
          'podman takes the login in "/run/user/1000/containers/auth.json" for cgr.dev, and not docker-credential-cgr',
        file: '/run/user/1000/containers/auth.json',
        key: 'auths["cgr.dev"]',
        fix: 'podman logout --authfile "/run/user/1000/containers/auth.json" cgr.dev',
      },
    ],
    report: undefined,
  },
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
  'completion bash': '# bash completion for chainctl\ncomplete -F _chainctl chainctl\n',
  console: {
    server: { url: 'http://127.0.0.1:8089/', file: 'file:///tmp/chainctl-console-a1b2c3/console.html' },
    shown: false,
  },
  'config contexts list': contexts,
  'config view': {
    text: '# Base Config file: none\ndefault:\n    group: ""\n',
    values: [
      ['default.group', ''],
      ['output.silent', 'false'],
    ],
  },
  'events deliveries list': [
    {
      id: '17',
      subscription: `${organization}/0a0b0c0d0e0f0111`,
      sink: 'https://events.example.com/hook',
      state: 'dead',
      tries: 2,
      createTime: '2026-03-27T05:00:00Z',
      finishTime: '2026-03-27T05:00:02Z',
      event: {
        id: 'b0a7b1c2-0000-4000-8000-000000000001',
        type: 'dev.chainguard.api.iam.group.created.v1',
        subject: organization,
        group: organization,
        time: '2026-03-27T05:00:00Z',
      },
      attempts: [
        { number: 1, startTime: '2026-03-27T05:00:00Z', durationMs: 12, status: 500, answer: 'no' },
        { number: 2, startTime: '2026-03-27T05:00:01Z', durationMs: 3, error: 'connection refused', answer: '' },
      ],
    },
  ],
  'events listen': [
    {
      cursor: '18',
      headers: {
        'ce-specversion': '1.0',
        'ce-id': 'b0a7b1c2-0000-4000-8000-000000000001',
        'ce-type': 'dev.chainguard.api.iam.group.created.v1',
        'ce-subject': organization,
        'ce-time': '2026-03-27T05:00:00.000Z',
        'ce-actor': 'caf%C3%A9',
        'content-type': 'application/json',
        authorization: 'Bearer never-shown',
      },
      data: '{"body":{"name":"engineering"}}',
    },
  ],
  'events subscriptions create': [
    { id: `${organization}/d1c2b3a4f5e6d7c8`, sink: 'https://events.example.com/hook' },
    { id: `${folder}/00112233aabbccdd`, sink: 'https://other.example.com/' },
  ],
  'clusters cidrs list': [{ cidr: '192.0.2.0/24' }],
  'clusters describe': [{ cluster, images: clusterImages, shows: { images: true, policies: true } }],
  'clusters discover': [
    {
      provider: 'GKE',
      account: 'my-project',
      location: 'US_EAST',
      name: 'prod',
      needsWork: { steps: ['grant access'] },
    },
  ],
  'clusters install': [{ id: cluster.id, remoteId: cluster.remoteId, pid: 4712 }],
  'clusters list': [cluster],
  'clusters open': { url: 'https://console.chainguard.dev/0475/clusters/cluster?id=1', shown: false },
  'clusters print-config': [{ yaml: '---\napiVersion: v1\nkind: Namespace\n' }],
  'clusters profiles list': [{ name: 'enforcer', description: 'Denies workloads.', dependencies: ['observer'] }],
  'clusters records list': clusterImages,
  'clusters records vulns list': scanned,
  'clusters records vulns describe': scanned.flatMap(({ image, vulnerabilities = [] }) =>
    vulnerabilities.map((vulnerability) => ({ image, vulnerability })),
  ),
  'clusters uninstall': [cluster],
  'clusters search': [
    {
      cluster,
      image: `registry.example.com/app@sha256:${'a'.repeat(64)}`,
      packages: [
        { name: 'openssl', version: '3.0.1', type: 'apk', purl: 'pkg:apk/wolfi/openssl@3.0.1' },
        { name: 'log4j-core', version: '2.14.1', type: 'maven', purl: 'pkg:maven/org.apache/log4j-core@2.14.1' },
      ],
    },
    { cluster, image: `registry.example.com/other@sha256:${'b'.repeat(64)}`, packages: undefined },
  ],
  'clusters update': [cluster],
  'clusters workloads list': [
    {
      workload: {
        id: `${cluster.id}/0a/0b`,
        kind: 'ReplicaSet',
        name: 'app-1',
        remoteId: 'r1',
        lastSeen: '2026-03-27T11:00:00Z',
      },
      namespace: { id: `${cluster.id}/0a`, name: 'default' },
    },
    {
      workload: {
        id: `${cluster.id}/0a/0c`,
        kind: 'Pod',
        name: 'app-1-x',
        remoteId: 'p1',
        ownerId: 'r1',
        lastSeen: '2026-03-27T11:00:00Z',
      },
      namespace: { id: `${cluster.id}/0a`, name: 'default' },
    },
  ],
  'sigstore ca create': authorities[0],
  'sigstore ca delete': [authorities[0]],
  'sigstore ca describe': authorities[0],
  'sigstore ca list': authorities,
  'sigstore env': [
    {
      variables: { COSIGN_TLOG_UPLOAD: 'false', SIGSTORE_ROOT_FILE: '/home/dev/it is/root.pem' },
      token: { SIGSTORE_ID_TOKEN: 'a token' },
      unset: false,
      shell: 'posix',
    },
  ],
  'policies apply': policies.map((one) => ({ ...one, change: 'Created' })),
  'policies delete': [{ id: `${folder}/9c8b7a6f5e4d3c2b`, name: 'signed-only' }],
  'policies edit': policies.map((one) => ({ ...one, change: 'Updated' })),
  'policies list': policies,
  'policies test': [
    {
      image: clusterImages[0]?.record.image ?? '',
      policy: {
        name: 'signed-only',
        result: 'FAIL',
        glob: 'index.docker.io/*/*',
        messages: ['signature key validation failed for authority authority-0: no signatures found'],
        authorities: [
          {
            name: 'authority-0',
            isGood: false,
            message: 'signature key validation failed for authority authority-0: no signatures found',
            signatures: [],
          },
        ],
      },
    },
  ],
  'policies update': policies,
  'policies versions activate': policies,
  'policies versions diff': [
    {
      from: { ...policyVersion, label: 'v1', document: 'a: 1\nb: 2\n' },
      to: { ...policyVersion, document: 'a: 1\nb: 3\n' },
    },
  ],
  'policies versions list': [{ ...policyVersion, enforced: true }],
  'policies versions view': [policyVersion],
  'policies view': policies.map(({ policy }) => policy),
  'images advisories list': [
    {
      package: { name: 'libssl3', version: '3.5.2-r1' },
      advisories: [
        {
          status: 'fix-available',
          advisory: {
            id: 'CGA-2222-3333-4444',
            aliases: ['CVE-2026-1234'],
            events: [
              { timestamp: '2026-03-01T00:00:00Z', detection: { manual: {} } },
              { timestamp: '2026-03-02T00:00:00Z', fixed: { fixedVersion: '3.5.4-r0' } },
            ],
          },
        },
      ],
    },
  ],
  'images changelog': [
    { time: '2026-03-27T05:00:00Z', digest: digests[0], packages: packageChanges },
    { time: '2026-03-20T05:00:00Z', digest: digests[1], packages: {} },
    { time: '2026-03-13T05:00:00Z', digest: digests[2], packages: undefined },
  ],
  'images diff': {
    packages: packageChanges,
    vulnerabilities: {
      removed: [{ id: 'CVE-2026-1234', reference: 'pkg:apk/wolfi/libssl3@3.5.2-r1?arch=x86_64', severity: 'High' }],
    },
    templated: async (diff: object) => `${Object.keys(diff).join(' and ')}\n`,
  },
  'images entitlements list': [
    {
      id: `${organization}/0a0b0c0d0e0f0102`,
      externalId: 'contract-7',
      createTime: '2026-01-01T00:00:00Z',
      expirationTime: '2027-01-01T00:00:00Z',
      type: 'ENTITLEMENT_TYPE_PAID',
      tiers: ['BASE', 'APPLICATION'],
      quota: { BASE: { current: 2, max: 10 }, APPLICATION: { current: 1, max: 5 } },
    },
  ],
  'images helm add-chart': [
    { name: 'charts/nginx', created: true, id: `${organization}/0102030405060708` },
    { name: 'nginx', created: false, id: `${organization}/1112131415161718` },
  ],
  'images repos build apply': [
    {
      repo: {
        id: `${organization}/0a0b0c0d0e0f0107`,
        name: 'nginx',
        customOverlay: { contents: { packages: ['curl'] } },
      },
    },
    {
      change: {
        repo: { id: `${organization}/0a0b0c0d0e0f0108`, name: 'python' },
        after: {},
        sections: [
          { section: 'Packages', added: ['curl'], changed: [], removed: ['wget'], final: 1 },
          { section: 'Environment', added: [], changed: ['LANG: C -> C.UTF-8'], removed: [], final: 3 },
        ],
      },
    },
  ],
  'images repos build list': [
    {
      report: {
        id: `${organization}/0a0b0c0d0e0f0107/0a0b0c0d0e0f0109`,
        result: 'Success',
        digest: digests[0],
        startedAt: '2026-03-27T05:00:00Z',
        completedAt: '2026-03-27T05:01:00Z',
      },
      tags: async () => ['1', 'latest'],
    },
    {
      report: { id: `${organization}/0a0b0c0d0e0f0107/0a0b0c0d0e0f010a`, startedAt: '2026-03-27T04:00:00Z' },
      tags: async () => [],
    },
  ],
  'images repos build logs': [
    {
      report: { id: `${organization}/0a0b0c0d0e0f0107/0a0b0c0d0e0f0109`, log: '2026-03-27T05:00:00Z[INFO]building\n' },
      text: '2026-03-27T05:00:00Z[INFO]building\n',
    },
  ],
  'images helm refs': [
    {
      image: { name: 'image', image: `cgr.dev/chainguard/nginx:1@${digests[0]}`, requirement: 'REQUIREMENT_REQUIRED' },
      repository: undefined,
    },
  ],
  'images helm values': { values: { image: { registry: 'registry.example.com', repository: 'my-org/nginx' } } },
  'images history': [
    {
      history: { updateTimestamp: '2026-03-27T05:00:00Z', digest: digests[0] },
      architectures: async () => [
        { name: 'amd64', digest: digests[1], size: 18_130_000 },
        { name: 'arm64', digest: digests[2], size: 17_004_999 },
      ],
    },
    {
      history: { updateTimestamp: '2026-03-20T05:00:00Z', digest: digests[2] },
      architectures: async () => [],
    },
  ],
  'images list': [
    { registry: 'cgr.dev/example.com', repo: repos[0], tags },
    { registry: 'cgr.dev/example.com', repo: repos[1], tags: [] },
  ],
  'images repos list': repos.map((repo) => ({ repo, registry: async () => 'cgr.dev/example.com' })),
  'images tags list': tags.map((tag) => ({ image: 'cgr.dev/example.com/nginx', tag })),
  'events audit list': [
    {
      record: {
        id: '18',
        time: '2026-03-27T11:58:00Z',
        kind: 'call',
        operation: 'iam.v1.Groups.Create',
        identity: 'b1a2b3c4d5e6f708192a3b4c5d6e7f8091a2b3c4',
        who: 'dev@example.com',
        place: folder,
        outcome: 'done',
        because: `owner in ${organization}`,
        times: 1,
      },
      location: 'example.com/engineering',
    },
    {
      record: {
        id: '17',
        time: '2026-03-27T11:57:00Z',
        kind: 'exchange',
        operation: 'exchange',
        who: 'https://token.actions.githubusercontent.com repo:acme/app:ref:refs/heads/dev',
        place: `${organization}/d1c2b3a4f5e6d7c8`,
        outcome: 'refused',
        because: 'token has invalid subject: "repo:acme/app:ref:refs/heads/dev"',
        times: 1,
      },
      location: `${organization}/d1c2b3a4f5e6d7c8`,
    },
    {
      record: {
        id: '16',
        time: '2026-03-27T11:30:00Z',
        kind: 'call',
        operation: 'iam.v1.Groups.List',
        identity: 'b1a2b3c4d5e6f708192a3b4c5d6e7f8091a2b3c4',
        who: 'dev@example.com',
        place: organization,
        outcome: 'done',
        because: `owner in ${organization}`,
        times: 12,
      },
      location: 'example.com',
    },
  ],
  'events audit follow': [
    {
      record: {
        id: '18',
        time: '2026-03-27T11:58:00Z',
        kind: 'call',
        operation: 'iam.v1.Groups.Create',
        identity: 'b1a2b3c4d5e6f708192a3b4c5d6e7f8091a2b3c4',
        who: 'dev@example.com',
        place: folder,
        outcome: 'refused',
        because: 'missing: groups.create',
        times: 1,
      },
      location: 'example.com/engineering',
    },
  ],
  'iam access list': [
    {
      grant: {
        id: `${organization}/1234123412341234`,
        through: 'binding',
        place: organization,
        role: { id: 'a1b2c3', name: 'owner', capabilities: ['groups.create', 'groups.list'] },
        identity: 'b1a2b3c4d5e6f708192a3b4c5d6e7f8091a2b3c4',
        who: 'dev@example.com',
      },
      location: 'example.com',
      inherited: false,
    },
    {
      grant: {
        id: `${organization}/4321432143214321/5678567856785678`,
        through: 'scim-group',
        place: organization,
        role: { id: 'a1b2c4', name: 'editor', capabilities: ['groups.list'] },
        identity: '',
        who: 'group "developers" of okta',
      },
      location: 'example.com',
      inherited: false,
    },
  ],
  'iam access report': [
    {
      who: 'ci',
      identityId: `${organization}/d1c2b3a4f5e6d7c8`,
      role: 'registry.pull',
      roleId: 'a1b2c5',
      location: 'example.com/engineering',
      locationId: folder,
      through: 'binding',
      ends: '2026-04-20T00:00:00Z',
      lastSeen: '2026-03-26T12:00:00Z',
      capabilities: ['registry.pull'],
      id: `${folder}/1234123412341234`,
    },
    {
      who: 'group "developers" of okta',
      identityId: '',
      role: 'editor',
      roleId: 'a1b2c4',
      location: 'example.com',
      locationId: organization,
      through: 'group-mapping',
      capabilities: ['groups.list', 'repo.create'],
      id: `${organization}/4321432143214321/5678567856785678`,
    },
  ],
  'iam access diff': [
    {
      change: 'gained',
      row: {
        who: 'ci',
        identityId: `${organization}/d1c2b3a4f5e6d7c8`,
        role: 'registry.pull',
        roleId: 'a1b2c5',
        location: 'example.com/engineering',
        locationId: folder,
        through: 'binding',
        capabilities: ['registry.pull'],
        id: `${folder}/1234123412341234`,
      },
      gained: ['registry.pull'],
      lost: [],
    },
    {
      change: 'changed',
      row: {
        who: 'dev@example.com',
        identityId: 'b1a2b3c4d5e6f708192a3b4c5d6e7f8091a2b3c4',
        role: 'maker',
        roleId: 'a1b2c6',
        location: 'example.com',
        locationId: organization,
        through: 'binding',
        capabilities: ['groups.list', 'repo.create'],
        id: `${organization}/1234123412341234`,
      },
      gained: ['repo.create'],
      lost: ['groups.create'],
    },
  ],
  'iam identities test': {
    answer: 'no',
    identity: 'ci',
    identityId: `${organization}/d1c2b3a4f5e6d7c8`,
    isToken: true,
    rows: [
      {
        what: 'issuer',
        expected: ['https://token.actions.githubusercontent.com'],
        found: ['https://token.actions.githubusercontent.com'],
        result: 'matched',
      },
      {
        what: 'subject',
        expected: ['repo:acme/app:ref:refs/heads/main'],
        found: ['repo:acme/app:ref:refs/heads/dev'],
        result: 'differs',
      },
      { what: 'claim event_name', pattern: 'push|release', note: 'the token has no such claim', result: 'differs' },
      { what: 'expires', note: '2026-03-27T12:10:00Z (in 10 minutes)', result: 'matched' },
      { what: 'signature', note: 'not checked', result: 'unchecked' },
    ],
    remarks: [],
    change: {
      command: `chainctl iam identities update ${organization}/d1c2b3a4f5e6d7c8 --subject=repo:acme/app:ref:refs/heads/dev --claim-pattern=event_name:`,
      alsoAdmits: ['every workflow run of acme/app on refs/heads/dev, whatever its workflow, event and actor'],
      noLongerAdmits: ['the subject repo:acme/app:ref:refs/heads/main'],
    },
  },
  'auth token inspect': {
    header: { alg: 'RS256', kid: 'f0e1', typ: 'JWT' },
    claims: {
      aud: ['https://console-api.enforce.dev'],
      exp: 1774613400,
      iat: 1774609800,
      iss: 'https://issuer.enforce.dev',
      sub: 'b1a2b3c4',
    },
    times: [
      { what: 'issued', at: Date.parse('2026-03-27T11:10:00Z') },
      { what: 'expires', at: Date.parse('2026-03-27T12:10:00Z'), isGood: true },
    ],
    verified: undefined,
  },
  'iam access can-i': {
    answer: 'yes',
    who: 'dev@example.com',
    identityId: 'b1a2b3c4d5e6f708192a3b4c5d6e7f8091a2b3c4',
    capability: 'groups.create',
    location: 'example.com/engineering',
    locationId: folder,
    through: ['owner in example.com (binding, inherited)', 'editor in example.com/engineering (binding)'],
    conditions: [],
    unseen: [],
  },
  'iam roles suggest': [
    {
      suggestion: {
        place: folder,
        capabilities: ['groups.create', 'groups.list'],
        role: { id: '5'.repeat(40), name: 'registry.push' },
      },
      location: 'example.com/engineering',
    },
    { suggestion: { place: organization, capabilities: ['identity.list'], role: undefined }, location: 'example.com' },
  ],
  'iam access explain': {
    answer: 'no',
    who: 'ci',
    identityId: `${organization}/d1c2b3a4f5e6d7c8`,
    capability: 'groups.create',
    location: 'example.com/engineering',
    locationId: folder,
    paths: [],
    conditions: [],
    nearMisses: [
      {
        reason: 'elsewhere',
        shown: {
          grant: {
            id: `${organization}/8a8b8c8d8e8f8081/1234123412341234`,
            through: 'binding',
            place: `${organization}/8a8b8c8d8e8f8081`,
            role: { id: 'a1b2c3', name: 'owner' },
            identity: `${organization}/d1c2b3a4f5e6d7c8`,
            who: 'ci',
          },
          location: 'example.com/sales',
          inherited: false,
        },
      },
    ],
    narrowed: false,
    smallestRole: 'editor',
    unseen: ['No list says which users "okta" has deactivated; they can do nothing here.'],
  },
  'iam plan': {
    organization: { id: organization, name: 'example.com' },
    changes: [
      {
        action: 'create',
        kind: 'identities',
        noun: 'identity',
        label: 'engineering/ci',
        details: ['claimMatch.subject: (none) → "repo:acme/app:ref:refs/heads/main"'],
        id: `${folder}/new-1`,
      },
      {
        action: 'delete',
        kind: 'bindings',
        noun: 'binding',
        label: 'viewer for dev@example.com in engineering',
        details: [],
        id: `${folder}/1234123412341234`,
      },
    ],
    unmentioned: ['role pusher'],
    roles: [],
    unsure: [],
    access: [
      {
        direction: 'loses',
        identity: 'b1a2b3c4d5e6f708192a3b4c5d6e7f8091a2b3c4',
        who: 'dev@example.com',
        isConditional: false,
        capabilities: ['groups.list', 'repo.list'],
        areas: [{ place: organization, except: [folder] }],
      },
    ],
    expectations: [
      {
        line: 'iam.yaml:9',
        text: 'dev@example.com can repo.list on engineering',
        isMet: false,
        reason: 'nothing gives it',
      },
    ],
    nameOf: (id: string) => (id === organization ? 'example.com' : 'engineering'),
  },
  'local snapshot list': [{ name: 'before', savedAt: Date.parse('2026-03-27T11:00:00Z'), size: 2_612_224 }],
  'local diff': [
    { where: 'only-there', noun: 'identity', name: 'engineering/ci', details: [] },
    { where: 'only-here', noun: 'folder', name: 'trial', details: [] },
    { where: 'both', noun: 'role', name: 'pusher', details: ['capabilities: repo.list → repo.list, repo.create'] },
  ],
  'local import': {
    id: organization,
    name: 'example.com',
    folders: 2,
    roles: 1,
    identities: 3,
    people: 4,
    bindings: 9,
    otherRoles: [],
    orphans: 0,
  },
  'local snapshot diff': [{ table: 'groups', added: 1, removed: 0 }],
  'iam audit': [
    {
      finding: {
        rule: 'admits-strangers',
        severity: 'high',
        about: 'identity engineering/ci',
        id: `${folder}/1234123412341234`,
        message: 'A token of https://gitlab.com for "project_path:stranger/app:ref_type:branch:ref:main" gets in',
        token: {
          issuer: 'https://gitlab.com',
          subject: 'project_path:stranger/app:ref_type:branch:ref:main',
          audience: 'https://gitlab.com',
          claims: { ref: 'main' },
        },
      },
      failOn: undefined,
    },
    {
      finding: {
        rule: 'no-end',
        severity: 'low',
        about: 'pull token old',
        id: `${organization}/1234123412341235`,
        message: 'Its key never ends',
      },
      failOn: undefined,
    },
  ],
  'iam export': { files: [{ path: '', text: 'version: 1\norganization: example.com\n' }] },
  'iam access who-can': [
    {
      grant: {
        id: `${organization}/1234123412341234`,
        through: 'binding',
        place: organization,
        role: { id: 'a1b2c3', name: 'owner' },
        identity: 'b1a2b3c4d5e6f708192a3b4c5d6e7f8091a2b3c4',
        who: 'dev@example.com',
      },
      location: 'example.com',
      inherited: true,
    },
    {
      grant: {
        id: `${organization}/4321432143214321/5678567856785678`,
        through: 'scim-group',
        place: organization,
        role: { id: 'a1b2c4', name: 'editor' },
        identity: '',
        who: 'group "platform" of okta',
      },
      location: 'example.com',
      inherited: true,
    },
    {
      grant: {
        id: `${folder}/9999aaaabbbbcccc`,
        through: 'pending-invite',
        place: folder,
        role: { id: 'a1b2c4', name: 'editor' },
        identity: '',
        who: 'new@example.com',
      },
      location: 'example.com/engineering',
      inherited: false,
    },
  ],
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
      place: async () => [{ id: organization, name: 'example.com' }],
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
      invite: {
        id: `${organization}/9999aaaabbbbcccc`,
        expiration: '2026-04-03T12:00:00Z',
        keyId: '0a1b2c3d',
        role: { id: 'a1b2c3', name: 'viewer', description: 'Looks only' },
        email: 'new@example.com',
        singleUse: true,
        createdAt: '2026-03-27T12:00:00Z',
      },
      location: async () => 'example.com',
    },
  ],
  'iam organizations list': groups,
  'iam role-bindings create': [binding],
  'iam role-bindings list': [
    { ...binding, lastUse: async () => '2026-03-26T12:00:00Z' },
    {
      ...binding,
      binding: { ...binding.binding, id: `${organization}/1234123412341235`, group: groups[0] },
      holder: async () => 'dev@example.com',
      lastUse: async () => undefined,
      inherited: true,
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
    shell: 'posix',
  },
  'local start': { info: platform, already: false, next: ['eval "$(chainctl local env)"', 'chainctl auth login'] },
  'local status': { running: true, answers: true, dataDir: platform.dataDir, fix: '', platform },
  'local token': { token, onTerminal: false },
  'packages versions list': [
    {
      version: '25',
      exists: true,
      eolDate: '2026-06-01',
      eolGracePeriodEndDate: '2026-12-01',
      latestVersion: '25.1.0-r0',
    },
    { version: '24', exists: true, releaseDate: '2025-05-06', latestVersion: '24.10.0-r0', lts: true, fips: true },
  ],
  update: {
    currentVersion: '1.0.0',
    latestVersion: '1.1.0',
    downloadUrl: 'https://example.com/1.1.0/chainctl_linux_x86_64',
    path: '/usr/local/bin/chainctl',
    updated: true,
  },
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
