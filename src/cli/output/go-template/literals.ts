// Literals of the Go language (go.dev/ref/spec), read and written.

const escapes: Readonly<Record<string, string>> = {
  a: '\x07',
  b: '\b',
  f: '\f',
  n: '\n',
  r: '\r',
  t: '\t',
  v: '\v',
  '\\': '\\',
  '"': '"',
};
const letters: Readonly<Record<string, string>> = Object.fromEntries(
  Object.entries(escapes).map(([letter, char]) => [char, letter]),
);

/** A text as a literal in double quotes. */
export function quoted(text: string): string {
  const inner = [...text].map((char) => {
    const letter = letters[char];
    if (letter !== undefined) return `\\${letter}`;
    const code = char.codePointAt(0) ?? 0;
    if (code < 0x20 || code === 0x7f) return `\\x${code.toString(16).padStart(2, '0')}`;
    return char;
  });
  return `"${inner.join('')}"`;
}

/** The text that a literal in quotes of any kind stands for. Throws a RangeError, whose message is a clause. */
export function unquoted(literal: string): string {
  const inner = literal.slice(1, -1);
  if (literal.startsWith('`')) return inner.replaceAll('\r', '');
  const sequence = /\\(?:x([0-9a-fA-F]{2})|u([0-9a-fA-F]{4})|U([0-9a-fA-F]{8})|([0-7]{3})|([\s\S]))/g;
  return inner.replaceAll(sequence, (whole, x?: string, u?: string, long?: string, octal?: string, one = '') => {
    const hex = x ?? u ?? long;
    if (hex === undefined && octal === undefined) {
      const char = one === "'" ? one : escapes[one];
      if (char === undefined) throw new RangeError(`unknown escape ${whole} in a text`);
      return char;
    }
    const code = hex === undefined ? Number.parseInt(octal ?? '', 8) : Number.parseInt(hex, 16);
    if (code > 0x10ffff) throw new RangeError('invalid escape in a text');
    return String.fromCodePoint(code);
  });
}

/** NaN for what is no number. */
export function numberOf(literal: string): number {
  const plain = literal.replaceAll('_', '');
  const octal = /^([+-]?)0([0-7]+)$/.exec(plain);
  if (octal !== null) return Number.parseInt(`${octal[1]}${octal[2]}`, 8);
  const prefixed = /^([+-]?)(0[xXbBoO].+)$/.exec(plain);
  return prefixed === null ? Number(plain) : Number(prefixed[2]) * (prefixed[1] === '-' ? -1 : 1);
}
