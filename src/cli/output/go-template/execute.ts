// Runs a template over JSON (pkg.go.dev/text/template). Guarantees: reads nothing but the value it is given, and ends: a range
// goes over what is there, and templates that call each other without end are stopped.

import { isList, isMap, keysOf, plain, typeName, type Value } from './format.ts';
import { CallError, functions, isTrue } from './functions.ts';
import { positionOf, TemplateError } from './lexer.ts';
import type { Branch, Command, Node, Operand, Pipeline, Template } from './parser.ts';

/** Returns what the template makes of the value. Throws TemplateError. */
export function runTemplate(template: Template, data: Value): string {
  const runner = new Runner(template);
  runner.run(template.main, data, [new Map([['$', data]])]);
  return runner.text;
}

type FunctionName = Operand & { readonly type: 'function' };
type Scopes = readonly Map<string, Value>[];
type Ending = 'break' | 'continue' | undefined;

/** Go's own limit is on the stack too. */
const deepestCall = 1000;

class Runner {
  text = '';
  private calls = 0;

  constructor(private readonly template: Template) {}

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
        if (!isTrue(value)) return this.run(node.elseNodes, dot, [...inner, new Map()]);
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

  private range(node: Branch, dot: Value, scopes: Scopes): Ending {
    const { pipeline, body, elseNodes } = node;
    const inner = [...scopes, new Map<string, Value>()];
    const value = this.commands(pipeline, dot, inner);
    const entries = this.entriesOf(value, pipeline.at);
    if (entries.length === 0) return this.run(elseNodes, dot, [...inner, new Map()]);
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
    if (first?.type === 'function') return this.call(first, rest, dot, scopes, piped);
    if (first === undefined || rest.length + piped.length > 0)
      return this.error("can't give argument to non-function", at);
    return this.operand(first, dot, scopes);
  }

  private call(
    { name, at }: FunctionName,
    operands: readonly Operand[],
    dot: Value,
    scopes: Scopes,
    piped: readonly Value[],
  ): Value {
    const called = functions[name];
    if (called === undefined) return this.error(`function "${name}" not defined`, at);
    const { min, max, run } = called;
    const count = operands.length + piped.length;
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
      return run([...args, ...piped]);
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
        return this.call(operand, [], dot, scopes, []);
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
    throw new TemplateError(message, ...positionOf(this.template.source, at));
  }
}

function assign(scopes: Scopes, name: string, value: Value): void {
  scopes.findLast((scope) => scope.has(name))?.set(name, value);
}
