// The types of messages and operations: a file for each package of the specification, by the path below the schema folder.

import { fileOf, found, groupBy, idOf, packageOf, pascal, quote, type Spec, type SpecField, tailOf } from './spec.ts';

const scalarTypes: Record<string, string> = {
  string: 'string',
  bytes: 'string',
  bool: 'boolean',
  int32: 'number',
  uint32: 'number',
  double: 'number',
  float: 'number',
  int64: 'string',
  uint64: 'string',
};

const wellKnownTypes: Record<string, string> = {
  'google.protobuf.Timestamp': 'string',
  'google.protobuf.Duration': 'string',
  'google.protobuf.FieldMask': 'string',
  'google.protobuf.Empty': 'Empty',
  'google.protobuf.Value': 'unknown',
  'google.protobuf.ListValue': 'unknown[]',
  'google.protobuf.Struct': 'Record<string, unknown>',
  'google.protobuf.Any': "{ '@type': string; [key: string]: unknown }",
};

/** The text of each file of types, by its path below the schema folder. */
export function generateTypes(spec: Spec): Map<string, string> {
  const files = new Map<string, string>();
  const owners = new Map<string, string>();
  const operationPackages = groupBy(spec.services, (service) => service.package);
  const packages = new Set([...Object.keys(spec.messages), ...Object.keys(spec.enums)].map(packageOf));
  for (const name of packages) {
    files.set(`types/${fileOf(name)}.gen.ts`, typesOf(spec, name, operationPackages.get(name) ?? [], owners));
  }
  const names = [...operationPackages.keys()];
  files.set(
    'types.gen.ts',
    [
      ...names.map((name) => `import type { ${operationTypesOf(name)} } from './types/${fileOf(name)}.gen.ts';`),
      '',
      '/** What each operation takes and answers. */',
      `export interface OperationTypes extends ${names.map(operationTypesOf).join(', ')} {}`,
      '',
    ].join('\n'),
  );
  return files;
}

/** Name of the interface that holds a package's operations. */
export function operationTypesOf(pkg: string): string {
  return `${pascal(tailOf(pkg))}OperationTypes`;
}

function typesOf(spec: Spec, pkg: string, services: Spec['services'], owners: Map<string, string>): string {
  const imported = new Map<string, Set<string>>();
  const use = (file: string, name: string) => imported.set(file, (imported.get(file) ?? new Set()).add(name));
  const nameOf = (full: string): string => {
    const home = packageOf(full);
    const name = pascal(tailOf(home)) + full.slice(home.length).replaceAll('.', '');
    const owner = owners.get(name);
    if (owner !== undefined && owner !== full) throw new Error(`${owner} and ${full} would both become ${name}`);
    owners.set(name, full);
    if (home !== pkg) use(`./${fileOf(home)}.gen.ts`, name);
    return name;
  };
  const typeOf = (kind: string, type: string): string => {
    if (kind === 'scalar') return found(scalarTypes[type], `scalar ${type}`);
    if (kind !== 'message' || !(type in wellKnownTypes)) return nameOf(type);
    const known = found(wellKnownTypes[type], type);
    if (known === 'Empty') use('../types.ts', known);
    return known;
  };
  const fieldType = (field: SpecField): string => {
    if (field.map) {
      return `Record<string, ${typeOf(field.map.kind, field.map.value)}>`;
    }
    const type = typeOf(field.kind, field.type);
    if (!field.repeated) return type;
    return /^[\w.]+$/.test(type) ? `${type}[]` : `Array<${type}>`;
  };
  const enums = Object.entries(spec.enums).filter(([name]) => packageOf(name) === pkg);
  const lines: string[] = [];
  if (enums.length > 0) lines.push('// Enums are open: a newer platform may send names this version does not know.');
  for (const [name, values] of enums) {
    const members = Object.keys(values).map(quote).join(' | ');
    lines.push(`export type ${nameOf(name)} = ${members} | (string & {});`);
  }
  if (enums.length > 0) lines.push('');
  for (const [name, message] of Object.entries(spec.messages)) {
    if (packageOf(name) !== pkg) continue;
    lines.push(`/** \`${name}\` */`, `export interface ${nameOf(name)} {`);
    for (const field of message.fields) {
      const key = /^[A-Za-z_]\w*$/.test(field.json) ? field.json : quote(field.json);
      lines.push(`  ${key}?: ${fieldType(field)};`);
    }
    lines.push('}', '');
  }
  if (services.length > 0) {
    lines.push('/** What each operation takes and answers. */', `export interface ${operationTypesOf(pkg)} {`);
    for (const service of services) {
      for (const rpc of service.rpcs) {
        const request = typeOf('message', rpc.request);
        lines.push(
          `  ${quote(idOf(service, rpc.name))}: { request: ${request}; response: ${typeOf('message', rpc.response)} };`,
        );
      }
    }
    lines.push('}', '');
  }
  const imports = [...imported].map(
    ([file, names]) => `import type { ${[...names].toSorted().join(', ')} } from '${file}';\n`,
  );
  return imports.length > 0 ? `${imports.join('')}\n${lines.join('\n')}` : lines.join('\n');
}
