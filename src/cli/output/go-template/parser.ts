// Go's text/template language as a tree (pkg.go.dev/text/template). Guarantees: what Go's parser refuses is refused here, with
// the line and column of the text, and nothing of a template is run while it is read.

import { functions } from './functions.ts';
import { positionOf, TemplateError, type Token, tokenize } from './lexer.ts';
import { numberOf, unquoted } from './literals.ts';

export interface Template {
  readonly source: string;
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
  readonly elseNodes: readonly Node[];
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

/** Throws TemplateError. */
export function parseTemplate(source: string): Template {
  return new Parser(source).parse();
}

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

  constructor(private readonly source: string) {
    this.tokens = tokenize(source);
  }

  parse(): Template {
    const { nodes, ended } = this.nodes([]);
    if (ended !== '') this.fail(`unexpected {{${ended}}}`);
    return { source: this.source, main: nodes, named: this.named };
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
    let elseNodes: Node[] = [];
    if (ended === 'else') {
      const spaced = this.skipSpace();
      const { kind, text } = this.peek();
      if (spaced && kind === 'word' && text === type && type !== 'range') {
        this.next += 1;
        elseNodes = [this.branch(type)];
        this.scopes.pop();
        return { type, pipeline, body, elseNodes };
      }
      this.close();
      elseNodes = this.nodes(['end']).nodes;
    }
    this.close();
    this.scopes.pop();
    return { type, pipeline, body, elseNodes };
  }

  private name(): string {
    this.skipSpace();
    const token = this.take();
    if (token.kind !== 'string') this.fail('the name of a template must be a quoted text', token.at);
    return this.unquoted(token.text, token.at);
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
    const { kind, text, at } = this.peek();
    switch (kind) {
      case 'string':
        this.next += 1;
        return { type: 'literal', value: this.unquoted(text, at) };
      case 'char':
        this.next += 1;
        return { type: 'literal', value: this.unquoted(text, at).codePointAt(0) ?? 0 };
      case 'number': {
        this.next += 1;
        const value = numberOf(text);
        if (Number.isNaN(value)) this.fail(`bad number ${JSON.stringify(text)}`, at);
        return { type: 'literal', value };
      }
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
        if (!Object.hasOwn(functions, text)) this.fail(`function "${text}" not defined`, at);
        return { type: 'function', name: text, at };
      case 'symbol':
        if (text === '.') {
          this.next += 1;
          return { type: 'dot', fields: [], at };
        }
        return text === '(' ? this.parenthesised(at) : undefined;
      default:
        return undefined;
    }
  }

  private parenthesised(at: number): Operand {
    this.next += 1;
    this.depth += 1;
    if (this.depth > deepest) this.fail('it is nested too deeply', at);
    this.skipSpace();
    const pipeline = this.pipeline('paren');
    this.depth -= 1;
    return { type: 'pipeline', pipeline, fields: this.fields(), at };
  }

  private fields(): string[] {
    const fields: string[] = [];
    while (this.peek().kind === 'field') fields.push(this.take().text.slice(1));
    return fields;
  }

  private unquoted(literal: string, at: number): string {
    try {
      return unquoted(literal);
    } catch (error) {
      if (!(error instanceof RangeError)) throw error;
      return this.fail(error.message, at);
    }
  }
}
