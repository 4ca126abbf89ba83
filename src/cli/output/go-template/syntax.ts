// Go's text/template language as a tree (pkg.go.dev/text/template). Promises: what Go's parser refuses is refused here, with
// the line and column of the text, and nothing of a template is run while it is read.

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

export interface Template {
  readonly main: readonly Node[];
  readonly named: ReadonlyMap<string, readonly Node[]>;
}

export type Node =
  | { readonly type: 'text'; readonly text: string }
  | { readonly type: 'action'; readonly pipeline: Pipeline }
  | Branch
  | { readonly type: 'template'; readonly name: string; readonly pipeline: Pipeline | undefined; readonly at: number }
  | { readonly type: 'break' | 'continue' };

export interface Branch {
  readonly type: 'if' | 'with' | 'range';
  readonly pipeline: Pipeline;
  readonly body: readonly Node[];
  readonly otherwise: readonly Node[];
}

export interface Pipeline {
  /** Names with their `$`; two only in a range. */
  readonly variables: readonly string[];
  readonly declares: boolean;
  readonly commands: readonly Command[];
  readonly at: number;
}

/** An operand, or a function with its arguments. */
export interface Command {
  readonly operands: readonly Operand[];
  readonly at: number;
}

export type Operand =
  | { readonly type: 'literal'; readonly value: string | number | boolean }
  | { readonly type: 'nil' }
  | { readonly type: 'dot'; readonly fields: readonly string[]; readonly at: number }
  | { readonly type: 'variable'; readonly name: string; readonly fields: readonly string[]; readonly at: number }
  | { readonly type: 'function'; readonly name: string; readonly at: number }
  | { readonly type: 'pipeline'; readonly pipeline: Pipeline; readonly fields: readonly string[]; readonly at: number };

interface Token {
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

const keywords: ReadonlySet<string> = new Set([
  'block',
  'break',
  'continue',
  'define',
  'else',
  'end',
  'if',
  'range',
  'template',
  'with',
]);

/** Line and column of an offset, both from 1. */
export function positionOf(source: string, at: number): readonly [line: number, column: number] {
  const before = source.slice(0, at).split('\n');
  return [before.length, (before.at(-1)?.length ?? 0) + 1];
}

/** Throws TemplateError. `functions` are the names that may be called. */
export function parseTemplate(source: string, functions: ReadonlySet<string>): Template {
  return new Parser(source, functions).parse();
}

// ---- words ----

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

function tokenize(source: string): Token[] {
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

// ---- trees ----

const isBlank = (nodes: readonly Node[]) => nodes.every((node) => node.type === 'text' && node.text.trim() === '');

/** Go gives up at this depth too (text/template/parse). */
const deepest = 1000;

class Parser {
  private readonly tokens: readonly Token[];
  private next = 0;
  private readonly named = new Map<string, readonly Node[]>();
  private scopes: string[][] = [['$']];
  private ranges = 0;
  private depth = 0;

  constructor(
    private readonly source: string,
    private readonly functions: ReadonlySet<string>,
  ) {
    this.tokens = tokenize(source);
  }

  parse(): Template {
    const { nodes, ended } = this.nodes([]);
    if (ended !== '') this.fail(`unexpected {{${ended}}}`);
    return { main: nodes, named: this.named };
  }

  private fail(message: string, at = this.peek().at): never {
    throw new TemplateError(message, ...positionOf(this.source, at));
  }

  private peek(): Token {
    return this.tokens[this.next] ?? { kind: 'end', text: '', at: this.source.length };
  }

  private take(): Token {
    const token = this.peek();
    this.next += 1;
    return token;
  }

  private skipSpace(): boolean {
    if (this.peek().kind !== 'space') return false;
    this.next += 1;
    return true;
  }

  /** Nodes up to one of these keywords, which is taken together with its `{{`. */
  private nodes(enders: readonly string[]): { readonly nodes: Node[]; readonly ended: string } {
    this.depth += 1;
    if (this.depth > deepest) this.fail('it is nested too deeply');
    const nodes: Node[] = [];
    for (;;) {
      const token = this.take();
      if (token.kind === 'text') {
        nodes.push({ type: 'text', text: token.text });
        continue;
      }
      if (token.kind === 'end') {
        if (enders.length > 0) this.fail('{{end}} is missing', token.at);
        this.depth -= 1;
        return { nodes, ended: '' };
      }
      this.skipSpace();
      const { kind, text, at } = this.peek();
      if (kind === 'word' && keywords.has(text)) {
        this.next += 1;
        if (text === 'end' || text === 'else') {
          if (!enders.includes(text)) this.fail(`unexpected {{${text}}}`, at);
          this.depth -= 1;
          return { nodes, ended: text };
        }
        const node = this.control(text, at);
        if (node !== undefined) nodes.push(node);
        continue;
      }
      nodes.push({ type: 'action', pipeline: this.pipeline('action') });
    }
  }

  private control(word: string, at: number): Node | undefined {
    switch (word) {
      case 'if':
      case 'with':
      case 'range':
        return this.branch(word);
      case 'break':
      case 'continue':
        this.close();
        if (this.ranges === 0) this.fail(`{{${word}}} stands outside of a range`, at);
        return { type: word };
      case 'template': {
        const name = this.name();
        const spaced = this.skipSpace();
        const pipeline = spaced && this.peek().kind !== 'close' ? this.pipeline('template') : this.close();
        return { type: 'template', name, pipeline, at };
      }
      case 'block': {
        const name = this.name();
        this.skipSpace();
        const pipeline = this.pipeline('block');
        this.define(name, at);
        return { type: 'template', name, pipeline, at };
      }
      default:
        if (this.depth > 1) this.fail('{{define}} must stand at the top', at);
        {
          const name = this.name();
          this.close();
          this.define(name, at);
        }
        return undefined;
    }
  }

  /** Reads a body up to its end; it sees no variables of where it stands. */
  private define(name: string, at: number): void {
    const outer = { scopes: this.scopes, ranges: this.ranges };
    this.scopes = [['$']];
    this.ranges = 0;
    const { nodes } = this.nodes(['end']);
    this.close();
    Object.assign(this, outer);
    // An empty definition does not replace one that has something, in either order.
    const isEmpty = isBlank(nodes);
    const known = this.named.get(name);
    if (known !== undefined && !isEmpty && !isBlank(known))
      this.fail(`template ${JSON.stringify(name)} is defined twice`, at);
    if (known === undefined || !isEmpty) this.named.set(name, nodes);
  }

  private branch(type: Branch['type']): Branch {
    this.scopes.push([]);
    this.skipSpace();
    const pipeline = this.pipeline(type);
    if (type === 'range') this.ranges += 1;
    const { nodes: body, ended } = this.nodes(['end', 'else']);
    if (type === 'range') this.ranges -= 1;
    let otherwise: Node[] = [];
    if (ended === 'else') {
      const spaced = this.skipSpace();
      const { kind, text } = this.peek();
      if (spaced && kind === 'word' && text === type && type !== 'range') {
        this.next += 1;
        otherwise = [this.branch(type)];
        this.scopes.pop();
        return { type, pipeline, body, otherwise };
      }
      this.close();
      otherwise = this.nodes(['end']).nodes;
    }
    this.close();
    this.scopes.pop();
    return { type, pipeline, body, otherwise };
  }

  private name(): string {
    this.skipSpace();
    const token = this.take();
    if (token.kind !== 'string') this.fail('the name of a template must be a quoted text', token.at);
    return this.unquote(token);
  }

  private close(): undefined {
    this.skipSpace();
    const token = this.take();
    if (token.kind !== 'close') this.fail(`unexpected ${JSON.stringify(token.text)}`, token.at);
    return undefined;
  }

  /** Up to and with its `}}`, or its `)`. */
  private pipeline(where: string): Pipeline {
    const at = this.peek().at;
    const { variables, declares } = this.assignment(where);
    const commands: Command[] = [];
    for (;;) {
      const command = this.command();
      commands.push(command);
      this.skipSpace();
      const token = this.take();
      if (token.kind === 'symbol' && token.text === '|') {
        this.skipSpace();
        // Go lets a pipeline end with one.
        if (this.peek().kind !== 'close') continue;
        this.next += 1;
        break;
      }
      const isEnd = where === 'paren' ? token.text === ')' && token.kind === 'symbol' : token.kind === 'close';
      if (!isEnd) this.fail(`unexpected ${JSON.stringify(token.text)} in a pipeline`, token.at);
      break;
    }
    commands.slice(1).forEach(({ operands: [first], at: start }) => {
      if (first?.type === 'literal' || first?.type === 'nil') this.fail('only a function can follow a |', start);
    });
    // Not before: `$x := $x` means the outer one.
    if (declares) this.scopes.at(-1)?.push(...variables);
    return { variables, declares, commands, at };
  }

  private assignment(where: string): { readonly variables: readonly string[]; readonly declares: boolean } {
    const start = this.next;
    const variables: string[] = [];
    for (;;) {
      const token = this.peek();
      if (token.kind !== 'variable' || variables.length === 2) break;
      this.next += 1;
      this.skipSpace();
      const { kind, text } = this.peek();
      variables.push(token.text);
      if (kind === 'symbol' && text === ',' && where === 'range') {
        this.next += 1;
        this.skipSpace();
        continue;
      }
      if (kind === 'symbol' && (text === ':=' || text === '=')) {
        this.next += 1;
        this.skipSpace();
        for (const name of variables)
          if (text === '=' && !this.isKnown(name)) this.fail(`undefined variable "${name}"`, token.at);
        return { variables, declares: text === ':=' };
      }
      break;
    }
    this.next = start;
    return { variables: [], declares: false };
  }

  private isKnown(name: string): boolean {
    return this.scopes.some((scope) => scope.includes(name));
  }

  private command(): Command {
    const at = this.peek().at;
    const operands: Operand[] = [];
    for (;;) {
      this.skipSpace();
      const operand = this.operand();
      if (operand === undefined) break;
      operands.push(operand);
      const { kind, text } = this.peek();
      const ends = kind === 'close' || (kind === 'symbol' && (text === '|' || text === ')'));
      if (ends) break;
      if (kind !== 'space') this.fail(`unexpected ${JSON.stringify(text)} in an operand`);
    }
    if (operands.length === 0) this.fail('a value is missing', at);
    if (operands.length === 1 && operands[0]?.type === 'nil') this.fail('nil is no command', at);
    return { operands, at };
  }

  private operand(): Operand | undefined {
    const token = this.peek();
    const { kind, text, at } = token;
    switch (kind) {
      case 'string':
        this.next += 1;
        return { type: 'literal', value: this.unquote(token) };
      case 'char':
        this.next += 1;
        return {
          type: 'literal',
          value: this.unquote({ ...token, text: `"${text.slice(1, -1).replace(/^"$/, '\\"')}"` }).codePointAt(0) ?? 0,
        };
      case 'number':
        this.next += 1;
        return { type: 'literal', value: this.numberOf(text, at) };
      case 'field':
        return { type: 'dot', fields: this.fields(), at };
      case 'variable':
        this.next += 1;
        if (!this.isKnown(text)) this.fail(`undefined variable "${text}"`, at);
        return { type: 'variable', name: text, fields: this.fields(), at };
      case 'word':
        this.next += 1;
        if (text === 'true' || text === 'false') return { type: 'literal', value: text === 'true' };
        if (text === 'nil') return { type: 'nil' };
        if (keywords.has(text)) this.fail(`unexpected {{${text}}}`, at);
        if (!this.functions.has(text)) this.fail(`function "${text}" not defined`, at);
        return { type: 'function', name: text, at };
      case 'symbol':
        if (text === '.') {
          this.next += 1;
          return { type: 'dot', fields: [], at };
        }
        if (text !== '(') return undefined;
        this.next += 1;
        this.depth += 1;
        if (this.depth > deepest) this.fail('it is nested too deeply', at);
        this.skipSpace();
        {
          const pipeline = this.pipeline('paren');
          this.depth -= 1;
          return { type: 'pipeline', pipeline, fields: this.fields(), at };
        }
      default:
        return undefined;
    }
  }

  private fields(): string[] {
    const fields: string[] = [];
    while (this.peek().kind === 'field') fields.push(this.take().text.slice(1));
    return fields;
  }

  private numberOf(text: string, at: number): number {
    const plain = text.replaceAll('_', '');
    const octal = /^([+-]?)0([0-7]+)$/.exec(plain);
    const signed = /^([+-]?)(0[xXbBoO].+)$/.exec(plain);
    const value =
      octal !== null
        ? Number.parseInt(`${octal[1]}${octal[2]}`, 8)
        : signed !== null
          ? Number(signed[2]) * (signed[1] === '-' ? -1 : 1)
          : Number(plain);
    if (Number.isNaN(value)) this.fail(`bad number ${JSON.stringify(text)}`, at);
    return value;
  }

  /** The text that a Go literal stands for. */
  private unquote({ text, at }: Token): string {
    if (text.startsWith('`')) return text.slice(1, -1).replaceAll('\r', '');
    const plain: Readonly<Record<string, string>> = {
      a: '\x07',
      b: '\b',
      f: '\f',
      n: '\n',
      r: '\r',
      t: '\t',
      v: '\v',
      '\\': '\\',
      "'": "'",
      '"': '"',
    };
    const sequence = /\\(?:x([0-9a-fA-F]{2})|u([0-9a-fA-F]{4})|U([0-9a-fA-F]{8})|([0-7]{3})|([\s\S]))/g;
    return text
      .slice(1, -1)
      .replaceAll(sequence, (whole, x?: string, u?: string, long?: string, octal?: string, one?: string) => {
        const hex = x ?? u ?? long;
        const code =
          hex !== undefined ? Number.parseInt(hex, 16) : octal !== undefined ? Number.parseInt(octal, 8) : undefined;
        if (code !== undefined)
          return code > 0x10ffff ? this.fail('invalid escape in a text', at) : String.fromCodePoint(code);
        return plain[one ?? ''] ?? this.fail(`unknown escape ${whole} in a text`, at);
      });
  }
}
