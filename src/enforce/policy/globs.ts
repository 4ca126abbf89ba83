// References of images and the globs that cover them (enforce.md 1.4 and 2). Guarantees: `*` stops at `/` and `**` does not,
// the digest counts and the tag never does, and what is matched is always the normal form.

export interface ImageReference {
  /** `index.docker.io`, `cgr.dev`, `localhost:5000`. */
  readonly registry: string;
  /** `library/ubuntu`. */
  readonly repository: string;
  readonly tag: string | undefined;
  /** `sha256:…`. */
  readonly digest: string | undefined;
}

const registryPattern =
  /^(?:localhost|[A-Za-z0-9.-]+\.[A-Za-z0-9.-]+|\[[0-9a-fA-F:]+\])(?::[0-9]+)?$|^[A-Za-z0-9.-]+:[0-9]+$/;
const repositoryPattern = /^[a-z0-9]+(?:(?:\.|_|__|-+)[a-z0-9]+)*(?:\/[a-z0-9]+(?:(?:\.|_|__|-+)[a-z0-9]+)*)*$/;

/** Returns undefined for text that names no image. */
export function parseReference(text: string): ImageReference | undefined {
  const [, name = '', digest] = /^([^@]*)(?:@(sha256:[0-9a-f]{64}))?$/.exec(text) ?? [];
  if (name === '' || text.length > 512) return undefined;
  const slash = name.indexOf('/');
  const first = slash < 0 ? '' : name.slice(0, slash);
  const hasRegistry = registryPattern.test(first);
  const rest = hasRegistry ? name.slice(slash + 1) : name;
  const [, path = '', tag] = /^([^:]*)(?::([A-Za-z0-9_][A-Za-z0-9._-]{0,127}))?$/.exec(rest) ?? [];
  const given = hasRegistry ? first : 'index.docker.io';
  const registry = given === 'docker.io' || given === 'registry-1.docker.io' ? 'index.docker.io' : given;
  const repository = registry === 'index.docker.io' && !path.includes('/') ? `library/${path}` : path;
  if (path === '' || !repositoryPattern.test(repository)) return undefined;
  return { registry, repository, tag, digest };
}

/** `host/repository@sha256:…`: the host always, the tag never. */
export function normalForm({ registry, repository, digest }: ImageReference): string {
  return `${registry}/${repository}${digest === undefined ? '' : `@${digest}`}`;
}

/** Returns what a glob may hold (policy-controller 0.13). */
export const isGlob = (glob: string): boolean => /^[A-Za-z0-9\-_:/*.@]+$/.test(glob) && !/\*{3,}/.test(glob);

/** Returns whether one of the globs covers the image, which must have a digest; `given` is how the object spells it. */
export function coveringGlob(globs: readonly string[], image: ImageReference, given: string): string | undefined {
  const names = [normalForm(image), given];
  return globs.find((glob) => {
    const pattern = compile(glob);
    return names.some((name) => pattern.test(name));
  });
}

const compiled = new Map<string, RegExp>();

/** One star and two stars alone stand for images of Docker Hub, as upstream has it. */
function compile(glob: string): RegExp {
  const known = compiled.get(glob);
  if (known !== undefined) return known;
  const full = { '*': 'index.docker.io/library/*', '*/*': 'index.docker.io/*/*' }[glob] ?? glob;
  // No group repeats another, so it takes linear time for each star.
  const source = full.replace(/\*\*|[\s\S]/g, (piece) => {
    if (piece === '**') return '.*';
    if (piece === '*') return '[^/]*';
    return piece.replace(/[.*+?^${}()|[\]\\/-]/g, '\\$&');
  });
  const pattern = new RegExp(`^${source}$`);
  if (compiled.size > 10_000) compiled.clear();
  compiled.set(glob, pattern);
  return pattern;
}

/**
 * The glob that a v1alpha1 document meant by a single star at its end: until May 2022 that star stood for whatever
 * followed. Undefined for a glob that says what it means.
 */
export const widened = (glob: string): string | undefined => (/(?:^|[^*])\*$/.test(glob) ? `${glob}*` : undefined);
