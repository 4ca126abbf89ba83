// Runs a template over JSON (pkg.go.dev/text/template). Promises: reads nothing but the value it is given, and ends: a range
// goes over what is there, and templates that call each other without end are stopped.

import { isList, isMap, keysOf, plain, sprint, sprintf, sprintln, typeName, type Value } from './format.ts';
import {
  type Command,
  type Node,
  type Operand,
  type Pipeline,
  parseTemplate,
  positionOf,
  type Template,
  TemplateError,
} from './syntax.ts';

type Operation = (args: readonly Value[]) => Value;

/** A mistake whose place is known where the function is called. */
class CallError extends Error {}

const fail = (message: string): never => {
  throw new CallError(message);
};

const functions: Readonly<Record<string, Operation>> = {
  // These two stop at the first argument that decides; see `call`.
  and: (args) => args.at(-1),
  or: (args) => args.at(-1),
  not: ([value]) => !isTrue(value),
  len: ([value]) => {
    if (typeof value === 'string') return Buffer.byteLength(value);
    if (isList(value)) return value.length;
    if (isMap(value)) return keysOf(value).length;
    return fail(value == null ? 'len of nil pointer' : `len of type ${typeName(value)}`);
  },
  index: ([value, ...keys]) => keys.reduce<Value>(element, value),
  slice: ([value, ...bounds]) => slice(value, bounds),
  print: (args) => sprint(args),
  printf: ([format, ...args]) =>
    typeof format === 'string' ? sprintf(format, args) : fail(`wrong type for format: ${typeName(format)}`),
  println: (args) => sprintln(args),
  html: (args) => textOf(args).replaceAll(/[&<>"'\0]/g, (char) => htmlEscapes[char] ?? char),
  js: (args) => textOf(args).replaceAll(/[\\'"<>&=\x00-\x1f\u2028\u2029]/g, jsEscape),
  urlquery: (args) =>
    encodeURIComponent(textOf(args))
      .replaceAll('%20', '+')
      .replaceAll(/[!'()*]/g, (char) => `%${char.charCodeAt(0).toString(16).toUpperCase()}`),
  eq: ([first, ...others]) =>
    others.length === 0 ? fail('missing argument for comparison') : others.some((other) => equal(first, other)),
  ne: ([a, b]) => !equal(a, b),
  lt: ([a, b]) => compare(a, b) < 0,
  le: ([a, b]) => compare(a, b) <= 0,
  gt: ([a, b]) => compare(a, b) > 0,
  ge: ([a, b]) => compare(a, b) >= 0,
};

/** How many arguments a function takes; any number when it is not here. */
const arity: Readonly<Record<string, readonly [min: number, max: number]>> = {
  and: [1, Number.POSITIVE_INFINITY],
  or: [1, Number.POSITIVE_INFINITY],
  not: [1, 1],
  len: [1, 1],
  index: [1, Number.POSITIVE_INFINITY],
  slice: [1, 4],
  printf: [1, Number.POSITIVE_INFINITY],
  eq: [1, Number.POSITIVE_INFINITY],
  ne: [2, 2],
  lt: [2, 2],
  le: [2, 2],
  gt: [2, 2],
  ge: [2, 2],
};

const htmlEscapes: Readonly<Record<string, string>> = {
  '&': '&amp;',
  '<': '&lt;',
  '>': '&gt;',
  '"': '&#34;',
  "'": '&#39;',
  '\0': '\uFFFD',
};

const jsEscape = (char: string): string =>
  /[\\'"]/.test(char) ? `\\${char}` : `\\u${char.charCodeAt(0).toString(16).toUpperCase().padStart(4, '0')}`;

const textOf = (args: readonly Value[]): string => (args.length === 1 ? plain(args[0], '<no value>') : sprint(args));

export function isTrue(value: Value): boolean {
  if (isList(value)) return value.length > 0;
  if (isMap(value)) return keysOf(value).length > 0;
  return Boolean(value);
}

function equal(a: Value, b: Value): boolean {
  if (a == null || b == null) return a == null && b == null;
  if (isList(a) || isMap(a) || isList(b) || isMap(b))
    return fail(`cannot compare values of type ${typeName(isList(a) || isMap(a) ? a : b)}`);
  if (typeof a !== typeof b) return fail('incompatible types for comparison');
  return a === b;
}

function compare(a: Value, b: Value): number {
  if (typeof a === 'number' && typeof b === 'number') return a - b;
  if (typeof a === 'string' && typeof b === 'string') return Buffer.compare(Buffer.from(a), Buffer.from(b));
  return fail(typeof a === typeof b ? 'invalid type for comparison' : 'incompatible types for comparison');
}

function element(value: Value, key: Value): Value {
  if (value == null) return fail('index of untyped nil');
  if (isMap(value)) {
    if (typeof key !== 'string') return fail(`value has type ${typeName(key)}; should be string`);
    return Object.hasOwn(value, key) ? value[key] : undefined;
  }
  if (typeof key !== 'number' || !Number.isInteger(key))
    return fail(`cannot index slice/array with type ${typeName(key)}`);
  if (typeof value === 'string') {
    const bytes = Buffer.from(value);
    return bytes[key] ?? fail(`index out of range: ${key}`);
  }
  if (!isList(value)) return fail(`can't index item of type ${typeName(value)}`);
  return key >= 0 && key < value.length ? value[key] : fail(`index out of range: ${key}`);
}

function slice(value: Value, bounds: readonly Value[]): Value {
  const numbers = bounds.map((bound) =>
    typeof bound === 'number' ? bound : fail(`cannot slice with type ${typeName(bound)}`),
  );
  if (typeof value === 'string') {
    if (numbers.length > 2) return fail('cannot 3-index slice a string');
    const bytes = Buffer.from(value);
    const [from = 0, to = bytes.length] = numbers;
    if (from < 0 || to > bytes.length || from > to)
      return fail(`index out of range: ${from < 0 || from > to ? from : to}`);
    return bytes.subarray(from, to).toString();
  }
  if (!isList(value)) return fail(`can't slice item of type ${typeName(value)}`);
  const [from = 0, to = value.length] = numbers;
  if (from < 0 || to > value.length || from > to)
    return fail(`index out of range: ${from < 0 || from > to ? from : to}`);
  return value.slice(from, to);
}

const functionNames: ReadonlySet<string> = new Set(Object.keys(functions));

/** Throws TemplateError. */
export function compileTemplate(source: string): Template & { readonly source: string } {
  return { ...parseTemplate(source, functionNames), source };
}

/** What the template makes of the value. Throws TemplateError. */
export function runTemplate(template: Template & { readonly source: string }, data: Value): string {
  const runner = new Runner(template, template.source);
  runner.run(template.main, data, [new Map([['$', data]])]);
  return runner.text;
}

type Scopes = readonly Map<string, Value>[];
type Ending = 'break' | 'continue' | undefined;

/** Go's own limit is on the stack too. */
const deepestCall = 1000;

class Runner {
  text = '';
  private calls = 0;

  constructor(
    private readonly template: Template,
    private readonly source: string,
  ) {}

  run(nodes: readonly Node[], dot: Value, scopes: Scopes): Ending {
    for (const node of nodes) {
      const ending = this.node(node, dot, scopes);
      if (ending !== undefined) return ending;
    }
    return undefined;
  }

  private node(node: Node, dot: Value, scopes: Scopes): Ending {
    switch (node.type) {
      case 'text':
        this.text += node.text;
        return undefined;
      case 'action': {
        const value = this.pipeline(node.pipeline, dot, scopes);
        if (node.pipeline.variables.length === 0) this.text += plain(value, '<no value>');
        return undefined;
      }
      case 'if':
      case 'with': {
        const inner = [...scopes, new Map<string, Value>()];
        const value = this.pipeline(node.pipeline, dot, inner);
        if (!isTrue(value)) return this.run(node.otherwise, dot, [...inner, new Map()]);
        return this.run(node.body, node.type === 'with' ? value : dot, [...inner, new Map()]);
      }
      case 'range':
        return this.range(node, dot, scopes);
      case 'template': {
        const body = this.template.named.get(node.name);
        if (body === undefined) return this.error(`template ${JSON.stringify(node.name)} not defined`, node.at);
        this.calls += 1;
        if (this.calls > deepestCall) return this.error('templates call each other without end', node.at);
        const value = node.pipeline === undefined ? undefined : this.pipeline(node.pipeline, dot, scopes);
        this.run(body, value, [new Map([['$', value]])]);
        this.calls -= 1;
        return undefined;
      }
      default:
        return node.type;
    }
  }

  private range(node: Node & { readonly type: 'if' | 'with' | 'range' }, dot: Value, scopes: Scopes): Ending {
    const { pipeline, body, otherwise } = node;
    const inner = [...scopes, new Map<string, Value>()];
    const value = this.commands(pipeline, dot, inner);
    const entries = this.entriesOf(value, pipeline.at);
    if (entries.length === 0) return this.run(otherwise, dot, [...inner, new Map()]);
    for (const [key, each] of entries) {
      const own = new Map<string, Value>();
      const now = [...inner, own];
      const [first, second] = pipeline.variables;
      const set = (name: string, to: Value) => (pipeline.declares ? own.set(name, to) : assign(now, name, to));
      if (second !== undefined && first !== undefined) {
        set(first, key);
        set(second, each);
      } else if (first !== undefined) set(first, each);
      if (this.run(body, each, [...now, new Map()]) === 'break') break;
    }
    return undefined;
  }

  private entriesOf(value: Value, at: number): (readonly [Value, Value])[] {
    if (value == null) return [];
    if (isList(value)) return value.map((each, index) => [index, each] as const);
    if (isMap(value)) return keysOf(value).map((key) => [key, value[key]] as const);
    if (typeof value === 'number' && Number.isInteger(value)) {
      return Array.from({ length: Math.max(0, value) }, (_, index) => [index, index] as const);
    }
    return this.error(`range can't iterate over ${plain(value)}`, at);
  }

  private pipeline(pipeline: Pipeline, dot: Value, scopes: Scopes): Value {
    const value = this.commands(pipeline, dot, scopes);
    const [name] = pipeline.variables;
    if (name !== undefined) {
      if (pipeline.declares) scopes.at(-1)?.set(name, value);
      else assign(scopes, name, value);
    }
    return value;
  }

  private commands({ commands }: Pipeline, dot: Value, scopes: Scopes): Value {
    let value: Value;
    commands.forEach((command, at) => {
      value = this.command(command, dot, scopes, at === 0 ? [] : [value]);
    });
    return value;
  }

  private command({ operands, at }: Command, dot: Value, scopes: Scopes, piped: readonly Value[]): Value {
    const [first, ...rest] = operands;
    if (first?.type === 'function') return this.call(first.name, rest, dot, scopes, piped, first.at);
    if (first === undefined || rest.length + piped.length > 0)
      return this.error("can't give argument to non-function", at);
    return this.operand(first, dot, scopes);
  }

  private call(
    name: string,
    operands: readonly Operand[],
    dot: Value,
    scopes: Scopes,
    piped: readonly Value[],
    at: number,
  ): Value {
    const operation = functions[name];
    if (operation === undefined) return this.error(`function "${name}" not defined`, at);
    const count = operands.length + piped.length;
    const [min, max] = arity[name] ?? [0, Number.POSITIVE_INFINITY];
    if (count < min || count > max) {
      return this.error(
        `wrong number of args for ${name}: want ${max === min ? min : `at least ${min}`} got ${count}`,
        at,
      );
    }
    const args: Value[] = [];
    for (const operand of operands) {
      const value = this.operand(operand, dot, scopes);
      if ((name === 'and' && !isTrue(value)) || (name === 'or' && isTrue(value))) return value;
      args.push(value);
    }
    try {
      return operation([...args, ...piped]);
    } catch (error) {
      if (error instanceof CallError) return this.error(`error calling ${name}: ${error.message}`, at);
      throw error;
    }
  }

  private operand(operand: Operand, dot: Value, scopes: Scopes): Value {
    switch (operand.type) {
      case 'literal':
        return operand.value;
      case 'nil':
        return null;
      case 'dot':
        return this.fields(dot, operand.fields, operand.at);
      case 'variable': {
        const scope = scopes.findLast((each) => each.has(operand.name));
        return this.fields(scope?.get(operand.name), operand.fields, operand.at);
      }
      case 'function':
        return this.call(operand.name, [], dot, scopes, [], operand.at);
      default:
        return this.fields(this.pipeline(operand.pipeline, dot, scopes), operand.fields, operand.at);
    }
  }

  /** By the key as it is in JSON, or as the field of a Go struct of that name: `.Packages` as well as `.packages`. */
  private fields(value: Value, names: readonly string[], at: number): Value {
    return names.reduce<Value>((current, name) => {
      // As with Go's maps: nothing of what is not there is not there either.
      if (current === undefined) return undefined;
      if (current === null) return this.error(`nil pointer evaluating interface {}.${name}`, at);
      if (!isMap(current)) return this.error(`can't evaluate field ${name} in type ${typeName(current)}`, at);
      if (Object.hasOwn(current, name)) return current[name];
      const lower = name.toLowerCase();
      const key = keysOf(current).find((each) => each.toLowerCase() === lower);
      return key === undefined ? undefined : current[key];
    }, value);
  }

  private error(message: string, at: number): never {
    throw new TemplateError(message, ...positionOf(this.source, at));
  }
}

function assign(scopes: Scopes, name: string, value: Value): void {
  scopes.findLast((scope) => scope.has(name))?.set(name, value);
}
