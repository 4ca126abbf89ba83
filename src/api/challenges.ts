// The ways to sign in that a server offers in `WWW-Authenticate` (RFC 9110, 11.6.1): several in one header, several headers,
// and mixtures of both. Guarantees: never throws; what is no challenge is left out.

export interface Challenge {
  /** In lower case: `bearer`, `basic`. */
  readonly scheme: string;
  /** By name in lower case, unquoted. The first of several with one name counts. */
  readonly parameters: ReadonlyMap<string, string>;
}

const token = "[!#$%&'*+.^_`|~0-9A-Za-z-]+";
// Whitespace around "=" is bad, and must be read all the same (RFC 9110, 11.2).
const parameter = new RegExp(`(${token})[ \\t]*=[ \\t]*(?:"((?:[^"\\\\]|\\\\.)*)"|(${token}))[ \\t]*(?=,|$)`, 'sy');
const scheme = new RegExp(`(${token})(?:[ \\t]+|(?=,|$))`, 'y');
/** Of one that has no parameters but a value, such as `Negotiate abc==`. */
const token68 = /[A-Za-z0-9._~+/-]+=*[ \t]*(?=,|$)/y;
const separators = /[ \t,]+/y;

/** Returns the challenges of a header, in their order. */
export function challengesIn(header: string | readonly string[] | undefined): Challenge[] {
  const text = [header ?? []].flat().join(', ');
  const found: { readonly scheme: string; readonly parameters: Map<string, string> }[] = [];
  let at = 0;
  const take = (pattern: RegExp): RegExpExecArray | undefined => {
    pattern.lastIndex = at;
    const match = pattern.exec(text);
    if (match === null || match[0] === '') return undefined;
    at = pattern.lastIndex;
    return match;
  };
  while (at < text.length) {
    if (take(separators)) continue;
    // `name=value` belongs to the challenge before it; a word without it begins one.
    const pair = take(parameter);
    if (pair !== undefined) {
      const [, name = '', quoted, plain = ''] = pair;
      const parameters = found.at(-1)?.parameters;
      const value = quoted === undefined ? plain : quoted.replace(/\\(.)/gs, '$1');
      if (parameters !== undefined && !parameters.has(name.toLowerCase())) parameters.set(name.toLowerCase(), value);
      continue;
    }
    const begun = take(scheme);
    if (begun !== undefined) {
      found.push({ scheme: (begun[1] ?? '').toLowerCase(), parameters: new Map() });
      parameter.lastIndex = at;
      if (parameter.exec(text) === null) take(token68);
      continue;
    }
    // Nothing that is known: on behind the next comma.
    const comma = text.indexOf(',', at);
    at = comma < 0 ? text.length : comma + 1;
  }
  return found;
}
