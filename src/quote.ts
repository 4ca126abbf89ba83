const longest = 200;

/**
 * A value from a token or a request inside a sentence: in double quotes, control, format and bidirectional characters
 * escaped so that a terminal shows what is there, cut after 200 characters.
 */
export function quote(value: string): string {
  // Cut roughly first: a value may be a megabyte.
  const characters = Array.from(value.slice(0, 2 * longest + 2));
  const shown = characters.length > longest ? `${characters.slice(0, longest).join('')}…` : value;
  const escaped = shown.replace(
    /["\\]|[\p{Cc}\p{Cf}\p{Cs}\p{Co}\p{Zl}\p{Zp}]/gu,
    (character) => escapes[character] ?? `\\u${(character.codePointAt(0) ?? 0).toString(16).padStart(4, '0')}`,
  );
  return `"${escaped}"`;
}

const escapes: Readonly<Record<string, string>> = {
  '"': '\\"',
  '\\': '\\\\',
  '\n': '\\n',
  '\r': '\\r',
  '\t': '\\t',
};
