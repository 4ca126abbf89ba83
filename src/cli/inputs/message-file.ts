// A message of the API written by a person, as JSON or YAML. Guarantees: field names in camel, snake or kebab case, mixed in
// one file; a mistake in the syntax is told with file, line and column; numbers that stand for texts keep their digits.

import type { FieldSchema, SchemaSet } from '../../api/schema/types.ts';
import { CliError } from '../../errors.ts';

type Messages = SchemaSet['messages'];

/** The value as it stands in the text, scalars as texts. Throws a usage CliError with this code. */
export async function parseObject(text: string, path: string, code: string): Promise<object | undefined> {
  const { LineCounter, parseDocument, visit } = await import('yaml');
  const lineCounter = new LineCounter();
  // JSON is YAML as far as messages go, so one parser tells the line of a mistake in either.
  const document = parseDocument(text, { lineCounter, prettyErrors: false });
  const [error] = document.errors;
  if (error !== undefined) {
    const { line, col } = lineCounter.linePos(error.pos[0]);
    throw new CliError('usage', `${path}:${line}:${col}: ${error.message}`, { code });
  }
  visit(document, {
    Scalar(_, node) {
      // An account such as 012345678901 must keep its zero; the codec turns texts into numbers where they are wanted.
      if (typeof node.value === 'number' || typeof node.value === 'boolean') node.value = node.source ?? node.value;
    },
  });
  const value: unknown = document.toJS();
  return typeof value === 'object' && value !== null && !Array.isArray(value) ? value : undefined;
}

export interface Renamed {
  /** With the JSON names of the message; what is unknown left out. */
  readonly value: unknown;
  /** Paths of what the message does not have, as they stand in the file. */
  readonly unknown: readonly Unknown[];
}

export interface Unknown {
  readonly path: string;
  /** Names that would have been understood there. */
  readonly known: readonly string[];
}

/** Brings the names of a message's fields into the spelling of the API. */
export function renameFields(value: unknown, type: string, messages: Messages, path = ''): Renamed {
  const schema = messages[type];
  if (schema === undefined || typeof value !== 'object' || value === null || Array.isArray(value)) {
    return { value, unknown: [] };
  }
  const unknown: Unknown[] = [];
  const renamed: Record<string, unknown> = {};
  for (const [key, member] of Object.entries(value)) {
    const here = path === '' ? key : `${path}.${key}`;
    const field = schema.fields.find(({ name }) => plain(name) === plain(key));
    if (field === undefined) {
      unknown.push({ path: here, known: schema.fields.map(({ name }) => name) });
      continue;
    }
    const inner = renameMember(member, field, messages, here);
    unknown.push(...inner.unknown);
    renamed[field.json] = inner.value;
  }
  return { value: renamed, unknown };
}

function renameMember(value: unknown, field: FieldSchema, messages: Messages, path: string): Renamed {
  if (field.kind !== 'message') return { value, unknown: [] };
  if (!Array.isArray(value)) return renameFields(value, field.type, messages, path);
  const each = value.map((one: unknown, at) => renameFields(one, field.type, messages, `${path}[${at}]`));
  return { value: each.map((one) => one.value), unknown: each.flatMap((one) => one.unknown) };
}

const plain = (name: string) => name.replaceAll(/[-_]/g, '').toLowerCase();
