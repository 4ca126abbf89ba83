/** One seeded repository: what is in its images, and its builds from the oldest to the newest. */
export interface SeededImage {
  readonly name: string;
  readonly organization: 'public' | 'private';
  readonly description: string;
  /** Wire values of `catalogTier` and `bundles`. */
  readonly tier: 'APPLICATION' | 'BASE';
  readonly bundles: readonly string[];
  /** The package the image is about. */
  readonly package: string;
  readonly entrypoint: readonly string[];
  readonly command: readonly string[];
  readonly workDir: string;
  /** Versions with epoch, `1.29.3-r0`. */
  readonly builds: readonly [string, string, string];
  /** Name parts of a version that tags follow: 1 makes `1`, 2 makes `1.29`. The full version is always one. */
  readonly floating: readonly (1 | 2)[];
  /** Ending of the tags of the second variant, and the packages it has more than the first. */
  readonly variant: { readonly suffix: '-dev' | '-glibc'; readonly packages: readonly Package[] };
  readonly packages: readonly Package[];
}

export interface Package {
  readonly name: string;
  /** One version for all builds, or one for each. */
  readonly version: string | readonly [string, string, string];
  readonly license: string;
  /** Origin package, when it has another name. */
  readonly origin?: string;
}

/** When the images were built: fixed, so that their bytes are the same on every platform. */
export const buildDates = ['2026-09-15T04:12:00Z', '2026-10-13T04:12:00Z', '2026-11-10T04:12:00Z'] as const;

/**
 * How long before seeding the tags moved to each build, in milliseconds: lists by age should have something to show.
 */
export const buildAges = [41 * 86_400_000, 13 * 86_400_000, 7 * 3_600_000] as const;

export const basePackages: readonly Package[] = [
  {
    name: 'ca-certificates-bundle',
    version: ['20250619-r6', '20250619-r6', '20251003-r0'],
    license: 'MPL-2.0',
    origin: 'ca-certificates',
  },
  { name: 'tzdata', version: '2025b-r2', license: 'CC-PDDC' },
  { name: 'wolfi-baselayout', version: '20230201-r24', license: 'MIT' },
];

const glibc: readonly Package[] = [
  { name: 'glibc', version: ['2.42-r0', '2.42-r1', '2.42-r3'], license: 'LGPL-2.1-or-later' },
  {
    name: 'libgcc',
    version: ['15.2.0-r1', '15.2.0-r2', '15.2.0-r2'],
    license: 'GPL-3.0-or-later WITH GCC-exception-3.1',
    origin: 'gcc',
  },
];
const openssl: readonly Package[] = [
  { name: 'libcrypto3', version: ['3.5.2-r1', '3.5.4-r0', '3.6.0-r2'], license: 'Apache-2.0', origin: 'openssl' },
  { name: 'libssl3', version: ['3.5.2-r1', '3.5.4-r0', '3.6.0-r2'], license: 'Apache-2.0', origin: 'openssl' },
];
const zlib: Package = { name: 'zlib', version: '1.3.1-r51', license: 'Zlib' };
const shell: readonly Package[] = [
  { name: 'apk-tools', version: ['2.14.10-r6', '2.14.10-r7', '2.14.10-r8'], license: 'GPL-2.0-only' },
  { name: 'bash', version: ['5.3-r2', '5.3-r2', '5.3-r3'], license: 'GPL-3.0-or-later' },
  { name: 'busybox', version: ['1.37.0-r46', '1.37.0-r47', '1.37.0-r50'], license: 'GPL-2.0-only' },
];
const dev = { suffix: '-dev', packages: shell } as const;

const nginxBuilds = ['1.29.1-r2', '1.29.2-r0', '1.29.3-r0'] as const;
const pythonBuilds = ['3.13.8-r1', '3.13.9-r0', '3.14.0-r2'] as const;
const nodeBuilds = ['24.10.0-r0', '25.0.0-r0', '25.1.0-r0'] as const;
const goBuilds = ['1.25.1-r0', '1.25.3-r0', '1.25.4-r0'] as const;
const redisBuilds = ['8.2.1-r1', '8.2.2-r0', '8.2.3-r0'] as const;
const appBuilds = ['1.4.0-r0', '1.4.1-r0', '1.5.0-r0'] as const;

const nginx: Omit<SeededImage, 'organization' | 'description'> = {
  name: 'nginx',
  tier: 'APPLICATION',
  bundles: ['application'],
  package: 'nginx-mainline',
  entrypoint: ['/usr/sbin/nginx'],
  command: ['-c', '/etc/nginx/nginx.conf', '-e', '/dev/stderr', '-g', 'daemon off;'],
  workDir: '/',
  builds: nginxBuilds,
  floating: [1, 2],
  variant: dev,
  packages: [
    ...glibc,
    ...openssl,
    zlib,
    { name: 'nginx-mainline', version: nginxBuilds, license: 'BSD-2-Clause' },
    { name: 'pcre2', version: ['10.46-r0', '10.46-r0', '10.47-r0'], license: 'BSD-3-Clause' },
  ],
};

const python: Omit<SeededImage, 'organization' | 'description'> = {
  name: 'python',
  tier: 'BASE',
  bundles: ['base'],
  package: 'python-3',
  entrypoint: ['/usr/bin/python'],
  command: [],
  workDir: '/home/nonroot',
  builds: pythonBuilds,
  floating: [1, 2],
  variant: dev,
  packages: [
    ...glibc,
    ...openssl,
    zlib,
    { name: 'libexpat1', version: ['2.7.1-r0', '2.7.3-r0', '2.7.3-r0'], license: 'MIT', origin: 'expat' },
    { name: 'libffi', version: '3.5.2-r0', license: 'MIT' },
    { name: 'python-3', version: pythonBuilds, license: 'PSF-2.0' },
    { name: 'sqlite-libs', version: ['3.50.4-r0', '3.50.4-r1', '3.51.0-r0'], license: 'blessing', origin: 'sqlite' },
  ],
};

export const seededImages: readonly SeededImage[] = [
  {
    name: 'static',
    organization: 'public',
    description: 'Certificates and time zones for static binaries',
    tier: 'BASE',
    bundles: ['base'],
    package: 'wolfi-baselayout',
    entrypoint: [],
    command: [],
    workDir: '/home/nonroot',
    builds: ['20260915-r0', '20261013-r0', '20261110-r0'],
    floating: [],
    variant: { suffix: '-glibc', packages: glibc },
    packages: [],
  },
  { ...nginx, organization: 'public', description: 'A web server' },
  { ...python, organization: 'public', description: 'The Python interpreter' },
  {
    name: 'node',
    organization: 'public',
    description: 'The Node.js runtime',
    tier: 'BASE',
    bundles: ['base'],
    package: 'nodejs',
    entrypoint: ['/usr/bin/node'],
    command: [],
    workDir: '/app',
    builds: nodeBuilds,
    floating: [1, 2],
    variant: dev,
    packages: [
      ...glibc,
      ...openssl,
      zlib,
      { name: 'icu-libs', version: '77.1-r1', license: 'Unicode-3.0', origin: 'icu' },
      { name: 'nodejs', version: nodeBuilds, license: 'MIT' },
    ],
  },
  {
    name: 'go',
    organization: 'public',
    description: 'The Go toolchain',
    tier: 'BASE',
    bundles: ['base'],
    package: 'go-1.25',
    entrypoint: ['/usr/bin/go'],
    command: ['help'],
    workDir: '/home/build',
    builds: goBuilds,
    floating: [1, 2],
    variant: dev,
    packages: [
      ...glibc,
      { name: 'git', version: ['2.51.0-r1', '2.51.1-r0', '2.51.2-r0'], license: 'GPL-2.0-or-later' },
      { name: 'go-1.25', version: goBuilds, license: 'BSD-3-Clause' },
    ],
  },
  {
    name: 'app',
    organization: 'private',
    description: 'The storefront of example.com',
    tier: 'APPLICATION',
    bundles: ['application'],
    package: 'storefront',
    entrypoint: ['/usr/bin/storefront'],
    command: ['serve'],
    workDir: '/app',
    builds: appBuilds,
    floating: [1, 2],
    variant: dev,
    packages: [...glibc, ...openssl, { name: 'storefront', version: appBuilds, license: 'LicenseRef-Proprietary' }],
  },
  {
    ...nginx,
    organization: 'private',
    description: "The web server with example.com's certificates",
    packages: [...nginx.packages, { name: 'example-ca', version: '1-r0', license: 'LicenseRef-Proprietary' }],
  },
  {
    ...python,
    organization: 'private',
    description: "The Python interpreter with example.com's certificates",
    packages: [...python.packages, { name: 'example-ca', version: '1-r0', license: 'LicenseRef-Proprietary' }],
  },
  {
    name: 'redis',
    organization: 'public',
    description: 'An in-memory data store',
    tier: 'APPLICATION',
    bundles: ['application'],
    package: 'redis-8.2',
    entrypoint: ['/usr/bin/redis-server'],
    command: [],
    workDir: '/data',
    builds: redisBuilds,
    floating: [1, 2],
    variant: dev,
    packages: [...glibc, ...openssl, { name: 'redis-8.2', version: redisBuilds, license: 'AGPL-3.0-only' }],
  },
];
