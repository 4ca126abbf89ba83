// A template cut into tokens.

/** A mistake in a template. The message is a clause; lines and columns count from 1. */
export class TemplateError extends Error {
  override readonly name = 'TemplateError';
  constructor(
    message: string,
    readonly line: number,
    readonly column: number,
  ) {
    super(message);
  }
}

/** Line and column of an offset, both from 1. */
export function positionOf(source: string, at: number): readonly [line: number, column: number] {
  const before = source.slice(0, at).split('\n');
  return [before.length, (before.at(-1)?.length ?? 0) + 1];
}

export interface Token {
  readonly kind:
    | 'text'
    | 'open'
    | 'close'
    | 'word'
    | 'field'
    | 'variable'
    | 'string'
    | 'number'
    | 'char'
    | 'symbol'
    | 'space'
    | 'end';
  readonly text: string;
  readonly at: number;
}

const patterns: readonly (readonly [Token['kind'], RegExp])[] = [
  ['space', /[ \t\r\n]+/y],
  ['string', /"(?:[^"\\\n]|\\.)*"/y],
  ['string', /`[^`]*`/y],
  ['char', /'(?:[^'\\\n]|\\(?:x[0-9a-fA-F]{2}|u[0-9a-fA-F]{4}|U[0-9a-fA-F]{8}|[0-7]{3}|.))'/y],
  [
    'number',
    /[+-]?(?:0[xX][0-9a-fA-F_]+|0[bB][01_]+|0[oO][0-7_]+|(?:\d[\d_]*\.?\d*|\.\d+)(?:[eE][+-]?\d+)?)(?![\w.])/y,
  ],
  ['field', /\.[\p{L}_][\p{L}\p{N}_]*/uy],
  ['variable', /\$[\p{L}\p{N}_]*/uy],
  ['word', /[\p{L}_][\p{L}\p{N}_]*/uy],
  ['symbol', /:=|[.|(),=]/y],
];

/** Throws TemplateError. The last one is of kind `end`. */
export function tokenize(source: string): Token[] {
  const tokens: Token[] = [];
  const fail = (message: string, at: number): never => {
    throw new TemplateError(message, ...positionOf(source, at));
  };
  let at = 0;
  let trimNext = false;
  while (at < source.length) {
    const open = source.indexOf('{{', at);
    const end = open < 0 ? source.length : open;
    let text = source.slice(at, end);
    if (trimNext) text = text.replace(/^[ \t\r\n]+/, '');
    const trims = open >= 0 && /^\{\{-[ \t\r\n]/.test(source.slice(open, open + 4));
    if (trims) text = text.replace(/[ \t\r\n]+$/, '');
    if (text !== '') tokens.push({ kind: 'text', text, at });
    if (open < 0) break;
    at = open + (trims ? 4 : 2);
    const comment = /\/\*[\s\S]*?\*\/( -)?\}\}/y;
    comment.lastIndex = at;
    if (source.startsWith('/*', at)) {
      const match = comment.exec(source);
      if (match === null) return fail('a comment has no end, or something stands beside it', open);
      at = comment.lastIndex;
      trimNext = match[1] !== undefined;
      continue;
    }
    tokens.push({ kind: 'open', text: '{{', at: open });
    for (;;) {
      const close = /[ \t\r\n]+-\}\}|\}\}/y;
      close.lastIndex = at;
      const closing = close.exec(source);
      if (closing !== null) {
        tokens.push({ kind: 'close', text: closing[0], at });
        at = close.lastIndex;
        trimNext = closing[0] !== '}}';
        break;
      }
      if (at >= source.length) return fail('an action has no end: `}}` is missing', open);
      const token = nextToken(source, at);
      if (token === undefined) {
        const [first = ''] = source.slice(at);
        return fail(
          /["`]/.test(first) ? 'a text has no end: its quote is missing' : `unexpected ${JSON.stringify(first)}`,
          at,
        );
      }
      tokens.push(token);
      at += token.text.length;
    }
  }
  tokens.push({ kind: 'end', text: '', at: source.length });
  return tokens;
}

function nextToken(source: string, at: number): Token | undefined {
  for (const [kind, pattern] of patterns) {
    pattern.lastIndex = at;
    const text = pattern.exec(source)?.[0];
    if (text !== undefined) return { kind, text, at };
  }
  return undefined;
}
