// Protobuf descriptors of the API, from the same generated tables that REST uses: one truth about every message.

import {
  create,
  createFileRegistry,
  type DescMethod,
  type DescMethodUnary,
  type FileRegistry,
} from '@bufbuild/protobuf';
import {
  type DescriptorProto,
  DescriptorProtoSchema,
  type EnumDescriptorProto,
  EnumDescriptorProtoSchema,
  type FieldDescriptorProto,
  FieldDescriptorProto_Label,
  FieldDescriptorProto_Type,
  FieldDescriptorProtoSchema,
  type FileDescriptorProto,
  FileDescriptorProtoSchema,
  FileDescriptorSetSchema,
  file_google_protobuf_any,
  file_google_protobuf_duration,
  file_google_protobuf_empty,
  file_google_protobuf_field_mask,
  file_google_protobuf_struct,
  file_google_protobuf_timestamp,
  MethodDescriptorProtoSchema,
  type ServiceDescriptorProto,
  ServiceDescriptorProtoSchema,
} from '@bufbuild/protobuf/wkt';
import type { FieldSchema, MessageSchema, Operation, SchemaSet } from '../../../api/schema/types.ts';

const wellKnownFiles = [
  file_google_protobuf_any,
  file_google_protobuf_duration,
  file_google_protobuf_empty,
  file_google_protobuf_field_mask,
  file_google_protobuf_struct,
  file_google_protobuf_timestamp,
];

const scalarTypes: Readonly<Record<string, FieldDescriptorProto_Type>> = {
  string: FieldDescriptorProto_Type.STRING,
  bytes: FieldDescriptorProto_Type.BYTES,
  bool: FieldDescriptorProto_Type.BOOL,
  int32: FieldDescriptorProto_Type.INT32,
  uint32: FieldDescriptorProto_Type.UINT32,
  int64: FieldDescriptorProto_Type.INT64,
  uint64: FieldDescriptorProto_Type.UINT64,
  double: FieldDescriptorProto_Type.DOUBLE,
  float: FieldDescriptorProto_Type.FLOAT,
};

/** Messages of one package, and the packages its fields refer to. */
interface Package {
  readonly messages: DescriptorProto[];
  readonly enums: EnumDescriptorProto[];
  readonly uses: Set<string>;
}

/**
 * Everything in the tables, a file for each package: in which file the public protos put a message is nothing that the
 * wire knows. `fieldNumbers` are in the order of each message's fields.
 */
export function createDescriptors(
  { messages, enums }: SchemaSet,
  fieldNumbers: Readonly<Record<string, readonly number[]>>,
  operations: readonly Operation[],
): FileRegistry {
  const packages = new Map<string, Package>();
  const packageOf = (type: string): Package => {
    const name = packageName(type);
    const found = packages.get(name) ?? { messages: [], enums: [], uses: new Set() };
    packages.set(name, found);
    return found;
  };
  const made = new Map<string, DescriptorProto>();
  // Fewer names first, so that what holds another is there before it.
  const byDepth = ([a]: [string, unknown], [b]: [string, unknown]) => a.split('.').length - b.split('.').length;
  for (const [full, schema] of Object.entries(messages).sort(byDepth)) {
    const [owner, name] = splitName(full);
    const message = describeMessage(full, name, schema, fieldNumbers[full] ?? []);
    made.set(full, message);
    (made.get(owner)?.nestedType ?? packageOf(full).messages).push(message);
    for (const { kind, type, map } of schema.fields) {
      if ((map?.valueKind ?? kind) !== 'scalar') packageOf(full).uses.add(packageName(type));
    }
  }
  for (const [full, values] of Object.entries(enums)) {
    const [owner, name] = splitName(full);
    const value = Object.entries(values)
      .map(([valueName, number]) => ({ name: valueName, number }))
      // proto3 wants the zero value first.
      .sort((a, b) => Number(b.number === 0) - Number(a.number === 0));
    const described = create(EnumDescriptorProtoSchema, { name, value });
    (made.get(owner)?.enumType ?? packageOf(full).enums).push(described);
  }

  const services = new Map<string, Operation[]>();
  for (const operation of operations) {
    const [, service = ''] = operation.rpc.split('/');
    services.set(service, [...(services.get(service) ?? []), operation]);
    for (const type of [operation.request, operation.response]) packageOf(service).uses.add(packageName(type));
  }
  const files: FileDescriptorProto[] = [];
  const add = (name: string): void => {
    const content = packages.get(name);
    if (content === undefined || files.some((file) => file.package === name)) return;
    const others = [...content.uses].filter((other) => other !== name && packages.has(other));
    // A registry takes a file after those it imports.
    for (const other of others) add(other);
    files.push(
      create(FileDescriptorProtoSchema, {
        name: `${name}.proto`,
        package: name,
        syntax: 'proto3',
        dependency: [...wellKnownFiles.map(({ proto }) => proto.name), ...others.map((other) => `${other}.proto`)],
        messageType: content.messages,
        enumType: content.enums,
        service: [...services]
          .filter(([service]) => packageName(service) === name)
          .map(([service, calls]) => describeService(service, calls)),
      }),
    );
  };
  for (const name of packages.keys()) add(name);
  const set = create(FileDescriptorSetSchema, { file: [...wellKnownFiles.map(({ proto }) => proto), ...files] });
  return createFileRegistry(set);
}

function describeService(full: string, operations: readonly Operation[]): ServiceDescriptorProto {
  return create(ServiceDescriptorProtoSchema, {
    name: splitName(full)[1],
    method: operations.map(({ rpc, request, response }) =>
      create(MethodDescriptorProtoSchema, {
        name: rpc.split('/')[2] ?? '',
        inputType: `.${request}`,
        outputType: `.${response}`,
      }),
    ),
  });
}

/** The method behind an operation; the API has no streams. */
export function methodOf(descriptors: FileRegistry, operation: Operation): DescMethodUnary {
  const [, service = '', name = ''] = operation.rpc.split('/');
  const methods: readonly DescMethod[] = descriptors.getService(service)?.methods ?? [];
  const method = methods.find((each): each is DescMethodUnary => each.name === name && each.methodKind === 'unary');
  if (method === undefined) throw new Error(`no descriptor for ${operation.rpc}`);
  return method;
}

function describeMessage(
  full: string,
  name: string,
  { fields }: MessageSchema,
  numbers: readonly number[],
): DescriptorProto {
  const oneofs = [...new Set(fields.flatMap(({ oneof }) => oneof ?? []))];
  // A field that is `optional` is the only member of a oneof of its own, after the real ones.
  const optional = fields.filter(({ optional: is, oneof }) => is === true && oneof === undefined);
  const oneofNames = [...oneofs, ...optional.map((field) => `_${field.name}`)];
  const nestedType: DescriptorProto[] = [];
  const field = fields.map((schema, index) => {
    const number = numbers[index];
    if (number === undefined) throw new Error(`${full}.${schema.name} has no number`);
    const described = describeField(schema, schema.name, number);
    described.jsonName = schema.json;
    const group = schema.oneof ?? (schema.optional === true ? `_${schema.name}` : undefined);
    if (group !== undefined) described.oneofIndex = oneofNames.indexOf(group);
    if (schema.optional === true) described.proto3Optional = true;
    if (schema.map !== undefined) {
      const entry = `${schema.name.replace(/(?:^|_)(\w)/g, (_, letter: string) => letter.toUpperCase())}Entry`;
      const { key, valueKind } = schema.map;
      nestedType.push(
        create(DescriptorProtoSchema, {
          name: entry,
          field: [
            describeField({ kind: 'scalar', type: key }, 'key', 1),
            describeField({ kind: valueKind, type: schema.type }, 'value', 2),
          ],
          options: { mapEntry: true },
        }),
      );
      described.type = FieldDescriptorProto_Type.MESSAGE;
      described.typeName = `.${full}.${entry}`;
      described.label = FieldDescriptorProto_Label.REPEATED;
    }
    return described;
  });
  return create(DescriptorProtoSchema, {
    name,
    field,
    nestedType,
    oneofDecl: oneofNames.map((oneof) => ({ name: oneof })),
  });
}

function describeField(
  { kind, type, repeated }: Pick<FieldSchema, 'kind' | 'type' | 'repeated'>,
  name: string,
  number: number,
): FieldDescriptorProto {
  const scalar = kind === 'scalar' ? scalarTypes[type] : undefined;
  if (kind === 'scalar' && scalar === undefined) throw new Error(`${type} is no type of protobuf's`);
  const label = repeated === true ? FieldDescriptorProto_Label.REPEATED : FieldDescriptorProto_Label.OPTIONAL;
  return create(FieldDescriptorProtoSchema, {
    name,
    number,
    label,
    type: scalar ?? (kind === 'enum' ? FieldDescriptorProto_Type.ENUM : FieldDescriptorProto_Type.MESSAGE),
    ...(scalar === undefined ? { typeName: `.${type}` } : {}),
  });
}

/** Packages are the leading lower-case words of a full name. */
function packageName(full: string): string {
  const words = full.split('.');
  return words
    .slice(
      0,
      words.findIndex((word) => /^[A-Z]/.test(word)),
    )
    .join('.');
}

function splitName(full: string): [owner: string, name: string] {
  const dot = full.lastIndexOf('.');
  return [full.slice(0, dot), full.slice(dot + 1)];
}
