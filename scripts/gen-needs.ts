// Writes which operations each command calls, from its sources: the names of operations that can be reached from its
// definition, declaration by declaration. Nobody keeps a list by hand; `test/support/needs-watch.ts` compares with what the
// audit log of the local platform has seen.

import { existsSync, readFileSync } from 'node:fs';
import { join, posix } from 'node:path';
import { parseAst } from 'rolldown/parseAst';
import { besideOperations } from '../src/api/schema/beside.ts';
import { operations } from '../src/api/schema/operations.gen.ts';
import { loadCommands } from './gen-index.ts';

const root = join(__dirname, '..', 'src');

/** A node of the syntax tree (ESTree with TypeScript), of which nothing but its shape is known. */
type Node = { readonly type: string } & Readonly<Record<string, unknown>>;

interface Target {
  readonly file: string;
  /** Exported name; `*` for the whole module. */
  readonly name: string;
}

interface Source {
  readonly file: string;
  /** Top-level names and what they are. */
  readonly declared: ReadonlyMap<string, Node>;
  readonly imported: ReadonlyMap<string, Target>;
  /** Exported names: of this file, or of another one. */
  readonly exported: ReadonlyMap<string, string | Target>;
  /** Modules of which everything is exported again. */
  readonly stars: readonly string[];
}

/** The whole of a command that is no input. */
const ownPart = 'run';

/** What is called by a function instead of by a name. */
const doors: Readonly<Record<string, keyof typeof besideOperations>> = {
  'api/oci-client.ts createOciClient': 'distribution.v2.Registry.Pull',
};

/** Ids of operations by part of the definition: `run`, `view`, or the key of an input; sorted. */
type Parts = Readonly<Record<string, readonly string[]>>;

/** For every command, by its path with blanks. */
async function operationsOfCommands(): Promise<ReadonlyMap<string, Parts>> {
  const found = new Map<string, Parts>();
  for (const { file, definition } of await loadCommands()) {
    const parts = new Map<string, Set<string>>();
    const visited = new Set<string>();
    follow({ file: `commands/${file}`, name: 'default' }, ownPart, { parts, visited });
    // Every list that people read says why it is empty.
    if (definition.view?.empty !== undefined)
      follow({ file: 'cli/why-empty.ts', name: 'whyEmpty' }, 'empty', { parts, visited });
    const sorted = [...parts].filter(([, ids]) => ids.size > 0).map(([part, ids]) => [part, [...ids].sort()] as const);
    const own = parts.get(ownPart) ?? new Set();
    // What the command does anyway need not be said again of its inputs.
    found.set(
      definition.path.join(' '),
      Object.fromEntries(
        sorted
          .map(([part, ids]) => [part, part === ownPart ? ids : ids.filter((id) => !own.has(id))] as const)
          .filter(([, ids]) => ids.length > 0)
          .sort(([a], [b]) => (a < b ? -1 : 1)),
      ),
    );
  }
  return found;
}

interface Walk {
  readonly parts: Map<string, Set<string>>;
  readonly visited: Set<string>;
}

function follow(target: Target, part: string, walk: Walk): void {
  const door = doors[`${target.file} ${target.name}`];
  if (door !== undefined) add(door, part, walk);
  // What the platform answers with is not what a command calls.
  if (/^(local|api)\//.test(target.file)) return;
  const key = `${part} ${target.file} ${target.name}`;
  if (walk.visited.has(key)) return;
  walk.visited.add(key);
  const source = sourceOf(target.file);
  if (target.name === '*') {
    for (const name of source.exported.keys()) follow({ ...target, name }, part, walk);
    return;
  }
  const exported = source.exported.get(target.name);
  if (exported === undefined) {
    for (const file of source.stars) follow({ file, name: target.name }, part, walk);
  } else if (typeof exported === 'string') declaration(source, exported, part, walk);
  else follow(exported, part, walk);
}

function declaration(source: Source, name: string, part: string, walk: Walk): void {
  const key = `${part} ${source.file} local ${name}`;
  if (walk.visited.has(key)) return;
  walk.visited.add(key);
  const node = source.declared.get(name);
  const imported = source.imported.get(name);
  if (node !== undefined) visit(node, source, part, walk, []);
  else if (imported !== undefined) follow(imported, part, walk);
}

const add = (id: string, part: string, { parts }: Walk) => parts.set(part, (parts.get(part) ?? new Set()).add(id));

type Scopes = readonly ReadonlySet<string>[];

/** Collects the ids of operations in a node and follows every name in it. */
function visit(node: Node, source: Source, part: string, walk: Walk, scopes: Scopes): void {
  if (node.type.startsWith('TS') && !expressions.has(node.type)) return;
  if (node.type === 'Identifier' || node.type === 'JSXIdentifier') {
    const name = String(node['name']);
    if (!scopes.some((scope) => scope.has(name))) declaration(source, name, part, walk);
    return;
  }
  if (node.type === 'Literal') {
    const { value } = node;
    if (typeof value === 'string' && (Object.hasOwn(operations, value) || Object.hasOwn(besideOperations, value))) {
      add(value, part, walk);
    }
    return;
  }
  if (node.type === 'Property' && prose.has(String((node['key'] as Node)['name']))) return;
  if (
    node.type === 'VariableDeclarator' &&
    dynamic(node['id'] as Node, node['init'] as Node | null, source, part, walk)
  )
    return;
  const loaded = importedFrom(node, source);
  if (loaded !== undefined) {
    for (const target of loaded) follow(target, part, walk);
    return;
  }
  if (node.type === 'CallExpression' && definesCommand(node)) {
    for (const { key, value } of propertiesOf((node['arguments'] as Node[])[0] as Node)) {
      if (key !== undefined && prose.has(key)) continue;
      if (key === 'inputs' && value !== undefined) inputs(value, source, walk, part, scopes);
      else if (value !== undefined) visit(value, source, partOf(key, part), walk, scopes);
    }
    return;
  }
  const inner = innerScope(node);
  const all = inner.size === 0 ? scopes : [...scopes, inner];
  for (const [key, value] of Object.entries(node)) {
    if (key === 'key' && node['computed'] !== true && node.type !== 'MemberExpression' && node['shorthand'] !== true)
      continue;
    if (key === 'property' && node['computed'] !== true && node.type === 'MemberExpression') continue;
    if (
      key === 'label' ||
      key === 'typeAnnotation' ||
      key === 'typeParameters' ||
      key === 'typeArguments' ||
      key === 'returnType'
    )
      continue;
    for (const child of Array.isArray(value) ? value : [value]) {
      if (isNode(child)) visit(child, source, part, walk, all);
    }
  }
}

/** What people read, where an operation is named and not called. */
const prose = new Set(['summary', 'description', 'help', 'question', 'example', 'examples']);

const expressions = new Set(['TSAsExpression', 'TSSatisfiesExpression', 'TSNonNullExpression', 'TSParameterProperty']);

const isNode = (value: unknown): value is Node =>
  typeof value === 'object' && value !== null && typeof (value as { type?: unknown }).type === 'string';

function definesCommand(node: Node): boolean {
  const callee = node['callee'] as Node;
  const [first] = node['arguments'] as Node[];
  return (
    callee.type === 'Identifier' &&
    /^define(Command|Delete|Describe)$/.test(String(callee['name'])) &&
    first?.type === 'ObjectExpression'
  );
}

const partOf = (key: string | undefined, part: string): string =>
  key === 'noun' ? 'thing' : key === 'view' ? 'view' : part;

function* propertiesOf(
  object: Node,
): Generator<{ readonly key: string | undefined; readonly value: Node | undefined }> {
  for (const each of object['properties'] as Node[]) {
    if (each.type === 'SpreadElement') yield { key: undefined, value: each['argument'] as Node };
    else {
      const key = each['key'] as Node;
      yield { key: String(key['name'] ?? key['value']), value: each['value'] as Node };
    }
  }
}

/** Of each input its own part. Where they stand elsewhere, they are looked for there. */
function inputs(node: Node, source: Source, walk: Walk, part: string, scopes: Scopes): void {
  if (node.type === 'TSAsExpression' || node.type === 'TSSatisfiesExpression') {
    inputs(node['expression'] as Node, source, walk, part, scopes);
  } else if (node.type === 'ObjectExpression') {
    for (const { key, value } of propertiesOf(node)) {
      if (value === undefined) continue;
      if (key === undefined) inputs(value, source, walk, part, scopes);
      else visit(value, source, key, walk, scopes);
    }
  } else {
    const constant = node.type === 'Identifier' ? constantOf(source, String(node['name'])) : undefined;
    if (constant === undefined) visit(node, source, part, walk, scopes);
    else inputs(constant.node, constant.source, walk, part, []);
  }
}

function constantOf(source: Source, name: string): { readonly node: Node; readonly source: Source } | undefined {
  const node = source.declared.get(name);
  if (node?.type === 'VariableDeclarator' && isNode(node['init'])) return { node: node['init'], source };
  const imported = source.imported.get(name);
  if (imported === undefined || imported.name === '*') return undefined;
  const there = sourceOf(imported.file);
  const exported = there.exported.get(imported.name);
  return typeof exported === 'string' ? constantOf(there, exported) : undefined;
}

// ---- modules that are loaded when they are needed ----

/** `const { a } = await import(…)`, and several at once. */
function dynamic(id: Node, init: Node | null, source: Source, part: string, walk: Walk): boolean {
  if (init?.type !== 'AwaitExpression') return false;
  const argument = init['argument'] as Node;
  if (argument.type === 'ImportExpression') return pick(id, argument, source, part, walk);
  const list = (argument['arguments'] as Node[] | undefined)?.[0];
  if (argument.type !== 'CallExpression' || list?.type !== 'ArrayExpression' || id.type !== 'ArrayPattern')
    return false;
  for (const [at, element] of (list['elements'] as Node[]).entries()) {
    const pattern = (id['elements'] as (Node | null)[])[at];
    if (element.type === 'ImportExpression' && pattern != null && pick(pattern, element, source, part, walk)) continue;
    visit(element, source, part, walk, []);
  }
  return true;
}

function pick(pattern: Node, load: Node, source: Source, part: string, walk: Walk): boolean {
  const file = fileOf(load, source);
  if (file === undefined || pattern.type !== 'ObjectPattern') return false;
  for (const { key } of propertiesOf(pattern)) follow({ file, name: key ?? '*' }, part, walk);
  return true;
}

/** `(await import(…)).name`; of `import(…)` by itself everything. */
function importedFrom(node: Node, source: Source): Target[] | undefined {
  if (node.type === 'MemberExpression' && node['computed'] !== true) {
    const object = node['object'] as Node;
    const load = object.type === 'AwaitExpression' ? (object['argument'] as Node) : undefined;
    const file = load?.type === 'ImportExpression' ? fileOf(load, source) : undefined;
    return file === undefined ? undefined : [{ file, name: String((node['property'] as Node)['name']) }];
  }
  if (node.type !== 'ImportExpression') return undefined;
  const file = fileOf(node, source);
  return file === undefined ? [] : [{ file, name: '*' }];
}

function fileOf(load: Node, source: Source): string | undefined {
  const { value } = load['source'] as Node;
  return typeof value === 'string' ? resolved(source.file, value) : undefined;
}

// ---- names that hide those of the module ----

function innerScope(node: Node): ReadonlySet<string> {
  const names = new Set<string>();
  for (const parameter of (node['params'] as Node[] | undefined) ?? []) bound(parameter, names);
  if (isNode(node['param'])) bound(node['param'], names);
  const body = node.type === 'BlockStatement' ? (node['body'] as Node[]) : [];
  const heads = [node['init'], node['left']].filter(isNode);
  for (const statement of [...body, ...(/^For/.test(node.type) ? heads : [])]) {
    if (statement.type === 'VariableDeclaration') {
      for (const each of statement['declarations'] as Node[]) bound(each['id'] as Node, names);
    } else if (/^(Function|Class)Declaration$/.test(statement.type)) bound(statement['id'] as Node, names);
  }
  return names;
}

/** Adds the names that a pattern binds. */
function bound(pattern: Node, names: Set<string>): void {
  if (pattern.type === 'Identifier') names.add(String(pattern['name']));
  else if (pattern.type === 'AssignmentPattern') bound(pattern['left'] as Node, names);
  else if (pattern.type === 'RestElement') bound(pattern['argument'] as Node, names);
  else if (pattern.type === 'TSParameterProperty') bound(pattern['parameter'] as Node, names);
  else if (pattern.type === 'ArrayPattern') {
    for (const each of pattern['elements'] as (Node | null)[]) if (each !== null) bound(each, names);
  } else if (pattern.type === 'ObjectPattern') {
    for (const each of pattern['properties'] as Node[]) {
      bound((each.type === 'RestElement' ? each : each['value']) as Node, names);
    }
  }
}

// ---- sources ----

const sources = new Map<string, Source>();

function sourceOf(file: string): Source {
  const known = sources.get(file);
  if (known !== undefined) return known;
  const declared = new Map<string, Node>();
  const imported = new Map<string, Target>();
  const exported = new Map<string, string | Target>();
  const stars: string[] = [];
  const source: Source = { file, declared, imported, exported, stars };
  sources.set(file, source);
  const path = join(root, file);
  if (!existsSync(path)) return source;
  const program = parseAst(readFileSync(path, 'utf8'), { lang: file.endsWith('x') ? 'tsx' : 'ts' });
  const declare = (node: Node, isExported: boolean) => {
    const names = new Set<string>();
    if (node.type === 'VariableDeclaration') {
      for (const each of node['declarations'] as Node[]) {
        const own = new Set<string>();
        bound(each['id'] as Node, own);
        for (const name of own) declared.set(name, each);
        for (const name of own) names.add(name);
      }
    } else if (isNode(node['id']) && !node.type.startsWith('TS')) {
      const name = String(node['id']['name']);
      declared.set(name, node);
      names.add(name);
    }
    if (isExported) for (const name of names) exported.set(name, name);
  };
  for (const statement of program.body as unknown as Node[]) {
    const from = isNode(statement['source']) ? resolved(file, String(statement['source']['value'])) : undefined;
    if (statement.type === 'ImportDeclaration') {
      if (from === undefined || statement['importKind'] === 'type') continue;
      for (const each of statement['specifiers'] as Node[]) {
        const name =
          each.type === 'ImportSpecifier'
            ? String((each['imported'] as Node)['name'])
            : each.type === 'ImportDefaultSpecifier'
              ? 'default'
              : '*';
        imported.set(String((each['local'] as Node)['name']), { file: from, name });
      }
    } else if (statement.type === 'ExportAllDeclaration') {
      if (from !== undefined) stars.push(from);
    } else if (statement.type === 'ExportNamedDeclaration') {
      if (isNode(statement['declaration'])) declare(statement['declaration'], true);
      for (const each of statement['specifiers'] as Node[]) {
        const local = String((each['local'] as Node)['name']);
        exported.set(
          String((each['exported'] as Node)['name']),
          from === undefined ? local : { file: from, name: local },
        );
      }
    } else if (statement.type === 'ExportDefaultDeclaration') {
      declared.set('default', statement['declaration'] as Node);
      exported.set('default', 'default');
    } else declare(statement, false);
  }
  return source;
}

const resolved = (from: string, to: string): string | undefined =>
  to.startsWith('.') ? posix.normalize(posix.join(posix.dirname(from), to)) : undefined;

/** The text of the generated file by its path. */
export async function generateNeeds(): Promise<Map<string, string>> {
  const lines = [...(await operationsOfCommands())]
    .filter(([, parts]) => Object.keys(parts).length > 0)
    .map(([command, parts]) => `  ${JSON.stringify(command)}: ${JSON.stringify(parts)},`);
  const text = [
    '// Generated by scripts/gen-needs.ts from the sources of the commands. Do not edit.',
    '',
    '/** Operations that each command can call: `run`, `view`, or by the input whose text they look up. */',
    `export const needs: Readonly<Record<string, Readonly<Record<string, readonly string[]>>>> = {\n${lines.join('\n')}\n};`,
    '',
  ].join('\n');
  return new Map([['src/commands/needs.gen.ts', text]]);
}
