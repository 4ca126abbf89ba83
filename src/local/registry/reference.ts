/** A repository as a client names it: the organization, then everything behind the first slash. */
export interface RepositoryName {
  /** As in the path: `<organization>/<repository>`. */
  readonly full: string;
  readonly organization: string;
  readonly repository: string;
}

// Both patterns are the distribution specification's, "Pulling manifests".
const component = '[a-z0-9]+(?:(?:\\.|_|__|-+)[a-z0-9]+)*';
const namePattern = new RegExp(`^${component}(?:/${component})*$`);
const tagPattern = /^[a-zA-Z0-9_][a-zA-Z0-9._-]{0,127}$/;

// Clients limit host and name together to 255 characters; a repository nobody can name would be of no use.
const maxNameLength = 229;

export function isName(text: string): boolean {
  return text.length <= maxNameLength && namePattern.test(text);
}

export function isTag(text: string): boolean {
  return tagPattern.test(text);
}

/** Undefined when the text has no organization or no repository part; `isName` is the caller's to check. */
export function splitName(full: string): RepositoryName | undefined {
  const slash = full.indexOf('/');
  if (slash <= 0 || slash === full.length - 1) return undefined;
  return { full, organization: full.slice(0, slash), repository: full.slice(slash + 1) };
}

/** Target of a path below `/v2/`. Names and references are as sent: unchecked text. */
export type Target =
  | { readonly kind: 'ping' }
  | { readonly kind: 'catalog' }
  | { readonly kind: 'uploads'; readonly name: string }
  | { readonly kind: 'upload'; readonly name: string; readonly id: string }
  | { readonly kind: 'blob'; readonly name: string; readonly digest: string }
  | { readonly kind: 'manifest'; readonly name: string; readonly reference: string }
  | { readonly kind: 'tags'; readonly name: string }
  | { readonly kind: 'referrers'; readonly name: string; readonly digest: string }
  | { readonly kind: 'history'; readonly name: string; readonly tag: string };

/** Reads a path from its end, because a name may hold any of the words that end one. Undefined for no route. */
export function parseTarget(pathname: string): Target | undefined {
  if (pathname === '/v2' || pathname === '/v2/') return { kind: 'ping' };
  if (pathname === '/v2/_catalog') return { kind: 'catalog' };
  const words = decodeWords(pathname.slice('/v2/'.length));
  if (words === undefined) return undefined;
  const upTo = (count: number): string => words.slice(0, -count).join('/');
  const [third = '', second = '', last = ''] = words.length >= 3 ? words.slice(-3) : ['', ...words];
  if (second === 'manifests') return { kind: 'manifest', name: upTo(2), reference: last };
  if (second === 'referrers') return { kind: 'referrers', name: upTo(2), digest: last };
  if (second === 'tags' && last === 'list') return { kind: 'tags', name: upTo(2) };
  if (third === '_chainguard' && second === 'history') return { kind: 'history', name: upTo(3), tag: last };
  if (third === 'blobs' && second === 'uploads') {
    return last === '' ? { kind: 'uploads', name: upTo(3) } : { kind: 'upload', name: upTo(3), id: last };
  }
  if (second === 'blobs') {
    // Some clients leave the last slash of an upload's start out.
    return last === 'uploads' ? { kind: 'uploads', name: upTo(2) } : { kind: 'blob', name: upTo(2), digest: last };
  }
  return undefined;
}

function decodeWords(path: string): string[] | undefined {
  try {
    const words = path.split('/').map(decodeURIComponent);
    return words.some((word) => word.includes('/')) ? undefined : words;
  } catch {
    return undefined;
  }
}
