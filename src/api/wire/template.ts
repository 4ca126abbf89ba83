// Path templates in google.api.http syntax (semantics 5): literals, `{x}` and `{x=*}` for one segment, `{x=**}` for any
// number of them, `{x=lit/**}` whose value keeps its literal, and a `:verb` behind the last segment.

export interface Template {
  /** Literal text, `*` or `**`, one per segment. */
  readonly segments: readonly string[];
  readonly variables: readonly Variable[];
  readonly verb: string | undefined;
  readonly literals: number;
  /** Index of the `**`, of which there is at most one, or -1. */
  readonly deep: number;
}

interface Variable {
  /** Proto path of the field it fills. */
  readonly path: string;
  /** The segments it covers: from `start`, up to but without `end`. */
  readonly start: number;
  readonly end: number;
}

export function parseTemplate(text: string): Template {
  const verb = /:([^/{}:]+)$/.exec(text)?.[1];
  const path = verb === undefined ? text : text.slice(0, -verb.length - 1);
  const segments: string[] = [];
  const variables: Variable[] = [];
  for (const [part, name, pattern = '*'] of path.matchAll(/\{([^}=]+)(?:=([^}]+))?\}|[^/{}]+/g)) {
    const start = segments.length;
    if (name === undefined) {
      segments.push(part);
    } else {
      segments.push(...pattern.split('/'));
      variables.push({ path: name, start, end: segments.length });
    }
  }
  const deep = segments.indexOf('**');
  const literals = segments.filter((segment) => segment !== '*' && segment !== '**').length;
  return { segments, variables, verb, literals, deep };
}

/**
 * The values of the template's variables in a path given as unescaped segments, or undefined when it does not match.
 */
export function matchTemplate(template: Template, path: readonly string[]): Record<string, string> | undefined {
  let parts = path;
  if (template.verb !== undefined) {
    const last = path.at(-1) ?? '';
    if (!last.endsWith(`:${template.verb}`)) return undefined;
    const rest = last.slice(0, -template.verb.length - 1);
    // A segment that is nothing but the verb belongs to no route.
    if (rest === '') return undefined;
    parts = [...path.slice(0, -1), rest];
  }
  const { segments, deep } = template;
  const extra = parts.length - segments.length;
  if (deep < 0 ? extra !== 0 : extra < -1) return undefined;
  // Index at which segment i of the template begins in the path; what follows `**` is counted from the end.
  const at = (index: number) => (deep >= 0 && index > deep ? index + extra : index);
  for (const [index, segment] of segments.entries()) {
    if (segment !== '*' && segment !== '**' && parts[at(index)] !== segment) return undefined;
  }
  const values: Record<string, string> = {};
  for (const { path: name, start, end } of template.variables) {
    values[name] = parts.slice(at(start), at(end)).join('/');
  }
  return values;
}

/**
 * The path with the variables' values filled in and percent-encoded. Throws a RangeError, whose message names the
 * field, for a value that the path cannot carry.
 */
export function bindTemplate(template: Template, value: (path: string) => string): string {
  const { segments, verb } = template;
  const parts: string[] = [];
  let index = 0;
  for (const { path, start, end } of template.variables) {
    parts.push(...segments.slice(index, start));
    index = end;
    parts.push(...bindVariable(path, segments.slice(start, end), value(path)));
    // `**` matches nothing at all too, but then a shorter route could match as well: the trailing slash tells them
    // apart.
    if (parts.length === start && end === segments.length && verb === undefined) parts.push('');
  }
  parts.push(...segments.slice(index));
  return `/${parts.join('/')}${verb === undefined ? '' : `:${verb}`}`;
}

function bindVariable(path: string, pattern: readonly string[], value: string): string[] {
  const parts = value === '' ? [] : value.split('/');
  if (parts.some((part) => part === '.' || part === '..')) {
    throw new RangeError(`"${path}" must not contain "." or ".." as a segment`);
  }
  const prefix = pattern.slice(0, -1);
  if (prefix.some((segment, index) => parts[index] !== segment)) {
    throw new RangeError(`"${path}" must start with "${prefix.join('/')}/"`);
  }
  if (pattern.at(-1) === '*' && (parts.length !== pattern.length || parts.at(-1) === '')) {
    throw new RangeError(parts.length === 0 ? `"${path}" must not be empty` : `"${path}" must not contain "/"`);
  }
  return parts.map(encodeSegment);
}

/** Everything but what RFC 3986 allows in a segment is percent-encoded; digests keep their colon. */
function encodeSegment(text: string): string {
  return encodeURIComponent(text).replace(/%(?:21|24|26|27|28|29|2A|2B|2C|3A|3B|3D|40)/g, decodeURIComponent);
}
