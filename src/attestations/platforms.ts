// Platforms of images, as containerd normalizes, matches and prefers them. Guarantees: another architecture is never
// taken for the one asked for, even where its programs would run: what is in it is something else.

export interface Platform {
  readonly os: string;
  readonly architecture: string;
  readonly variant?: string | undefined;
}

/** One spelling for each platform: `aarch64` and `arm64/v8` are `arm64`, `arm` is `arm/v7`. */
export function normalizePlatform({ os, architecture, variant = '' }: Platform): Platform {
  const system = { macos: 'darwin' }[os.toLowerCase()] ?? os.toLowerCase();
  const given = variant.toLowerCase();
  const [name, version] = normalizeArchitecture(architecture.toLowerCase(), given);
  return { os: system, architecture: name, ...(version === '' ? {} : { variant: version }) };
}

function normalizeArchitecture(name: string, variant: string): readonly [string, string] {
  switch (name) {
    case 'i386':
      return ['386', ''];
    case 'x86_64':
    case 'x86-64':
    case 'amd64':
      return ['amd64', variant === 'v1' ? '' : variant];
    case 'aarch64':
    case 'arm64':
      return ['arm64', variant === '8' || variant === 'v8' ? '' : variant];
    case 'armhf':
      return ['arm', 'v7'];
    case 'armel':
      return ['arm', 'v6'];
    case 'arm':
      return ['arm', variant === '' ? 'v7' : /^[0-9]/.test(variant) ? `v${variant}` : variant];
    default:
      return [name, variant];
  }
}

/** The one a machine of the platform would take: the same, or else the next lower variant. */
export function preferredFor<T>(
  items: readonly T[],
  wanted: Platform,
  platformOf: (item: T) => Platform | undefined,
): T | undefined {
  const known = items.flatMap((item) => {
    const platform = platformOf(item);
    return platform === undefined ? [] : [{ item, name: formatPlatform(normalizePlatform(platform)) }];
  });
  for (const name of inOrder(normalizePlatform(wanted))) {
    const found = known.find((one) => one.name === name);
    if (found !== undefined) return found.item;
  }
  return undefined;
}

/** Names of platforms whose images run on one, the best first. */
function inOrder(platform: Platform): string[] {
  const { os, architecture, variant } = platform;
  const names = [formatPlatform(platform)];
  const [, from] = /^v([0-9]+)$/.exec(variant ?? '') ?? [];
  const lowest = architecture === 'arm' ? 5 : 1;
  if (from !== undefined && (architecture === 'arm' || architecture === 'amd64')) {
    for (let version = Number(from) - 1; version >= lowest; version -= 1) {
      names.push(formatPlatform(normalizePlatform({ os, architecture, variant: `v${version}` })));
    }
  }
  return names;
}

export const formatPlatform = ({ os, architecture, variant }: Platform): string =>
  [os, architecture, ...(variant === undefined || variant === '' ? [] : [variant])].join('/');

/** Returns whether it is the platform by which BuildKit marks what is no image: its attestations. */
export const isNoPlatform = ({ os, architecture }: Partial<Platform>): boolean =>
  os === 'unknown' && architecture === 'unknown';
