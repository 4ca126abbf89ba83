// Ids of the platform and the tree they form (semantics 1). An id is a UID of 40 lower-case hex digits, then any number
// of `/` and 16 hex digits; each prefix that ends at a `/` is the id of what contains it.

const pattern = /^[0-9a-f]{40}(?:\/[0-9a-f]{16})*$/;

export function isUidp(text: string): boolean {
  return pattern.test(text);
}

/** Returns what directly contains `id`; `"/"` for a root. */
export function parentOf(id: string): string {
  const end = id.lastIndexOf('/');
  return end < 0 ? '/' : id.slice(0, end);
}

/** `id` itself, then everything that contains it, nearest first. */
export function ancestry(id: string): string[] {
  const ids = [id];
  for (let end = id.lastIndexOf('/'); end >= 0; end = id.lastIndexOf('/', end - 1)) {
    ids.push(id.slice(0, end));
    if (end === 0) break;
  }
  return ids;
}

/** Returns whether `ancestor` contains `id`, at any depth. Nothing contains itself. */
export function isAncestor(ancestor: string, id: string): boolean {
  return id.startsWith(`${ancestor}/`);
}

export function isAncestorOrSelf(ancestor: string, id: string): boolean {
  return ancestor === id || isAncestor(ancestor, id);
}

/** Returns whether `id` is contained in nothing: organizations, users and built-in roles. */
export function isRoot(id: string): boolean {
  return !id.includes('/');
}

/** The organization or other root at the top of `id`; `id` itself when it is one. */
export function rootOf(id: string): string {
  const end = id.indexOf('/');
  return end < 0 ? id : id.slice(0, end);
}

/** The last segment of `id`. */
export function lastSegment(id: string): string {
  return id.slice(id.lastIndexOf('/') + 1);
}

/** The id `id` would have below `parent`. Roots cannot be moved: throws a RangeError. */
export function reparent(id: string, parent: string): string {
  if (isRoot(id)) throw new RangeError(`"${id}" is a root and has no parent to replace`);
  return `${parent}/${lastSegment(id)}`;
}

/** A fresh id below `parent`, or a fresh root when `parent` is empty. `randomBytes(n)` gives n random bytes. */
export function newChildId(parent: string, randomBytes: (count: number) => Uint8Array): string {
  return parent === '' ? hex(randomBytes(20)) : `${parent}/${hex(randomBytes(8))}`;
}

function hex(bytes: Uint8Array): string {
  return Buffer.from(bytes.buffer, bytes.byteOffset, bytes.length).toString('hex');
}
