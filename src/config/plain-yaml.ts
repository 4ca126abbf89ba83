// The YAML that `config set` and `config save` write, read without a YAML parser, which costs a command most of its start.

export interface PlainEntry {
  /** Keys from the top, joined by dots. */
  readonly name: string;
  /** The scalar as written, without quotes; undefined for a key with nothing or further keys below. */
  readonly text: string | undefined;
  /** Counted from 1. */
  readonly line: number;
}

const blank = /^ *(?:#.*)?$/;
// One key, and then nothing, a word or words without any of YAML's signs, or a quoted text without escapes.
const entry =
  /^( *)([A-Za-z][\w-]*):(?: +(?:([A-Za-z0-9/](?:[\w./:@+ -]*[\w/])?)|'([^']*)'|"([^"\\]*)"))?(?: +#.*| *)$/;

/**
 * Every key of a text in the plain form: nested keys and values of one line, comments, blank lines. Undefined for
 * anything else, be it wrong or only richer; then a YAML parser has to say.
 */
export function readPlainYaml(text: string): PlainEntry[] | undefined {
  const entries: PlainEntry[] = [];
  const seen = new Set<string>();
  /** Groups from the top to the line at hand, each with the indentation of its own keys once that is known. */
  const open: { readonly name: string; indent: number | undefined }[] = [{ name: '', indent: 0 }];
  const lines = text.split('\n');
  for (const [index, line] of lines.entries()) {
    if (blank.test(line)) continue;
    const match = entry.exec(line);
    if (match === null) return undefined;
    const [, spaces = '', key = '', plain, single, double] = match;
    if (!settle(open, spaces.length)) return undefined;
    const parent = open.at(-1)?.name ?? '';
    const name = parent === '' ? key : `${parent}.${key}`;
    // A twin is an error, a colon before a blank starts a map, and a null has spellings of its own.
    if (seen.has(name) || plain?.includes(': ') || /^null$/i.test(plain ?? '')) return undefined;
    seen.add(name);
    const value = plain ?? single ?? double;
    entries.push({ name, text: value, line: index + 1 });
    if (value === undefined) open.push({ name, indent: undefined });
  }
  return entries;
}

/** Closes the groups that a line of this indentation ends; false when it fits none. */
function settle(open: { readonly name: string; indent: number | undefined }[], indent: number): boolean {
  for (;;) {
    const top = open.at(-1);
    if (top === undefined) return false;
    const outer = open.at(-2)?.indent ?? -1;
    if (top.indent === undefined && indent > outer) top.indent = indent;
    if (top.indent === indent) return true;
    if (indent > (top.indent ?? outer)) return false;
    open.pop();
  }
}
