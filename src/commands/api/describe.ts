import type { FieldSchema, Operation } from '../../api/schema/types.ts';
import { defineCommand, defineView } from '../../cli/define.ts';
import { named } from '../../cli/inputs/values.ts';

interface Described {
  readonly operation: Operation;
  readonly request: readonly FieldSchema[];
  readonly response: readonly FieldSchema[];
}

const typeOf = ({ type, repeated, kind }: FieldSchema) =>
  `${repeated ? 'list of ' : kind === 'map' ? 'map of ' : ''}${type.split('.').at(-1)}`;

const rows = (fields: readonly FieldSchema[]) => {
  const width = Math.max(0, ...fields.map(({ json }) => json.length));
  return fields.map((field) => `  ${field.json.padEnd(width)}  ${typeOf(field)}\n`).join('');
};

const asJson = (fields: readonly FieldSchema[]) => fields.map((field) => ({ name: field.json, type: typeOf(field) }));

const view = defineView<Described>({
  id: ({ operation }) => operation.id,
  text: ({ operation: { id, bindings, capabilities, idempotent, readOnly }, request, response }) =>
    [
      `${id}\n`,
      ...bindings.map(({ method, path }) => `${method} ${path}\n`),
      `Capabilities: ${capabilities.join(', ') || 'none'}\n`,
      `${readOnly ? 'Reads only.' : idempotent ? 'Writes; may be repeated.' : 'Writes; must not be repeated.'}\n`,
      `\nRequest:\n${rows(request) || '  nothing\n'}`,
      `\nResponse:\n${rows(response) || '  nothing\n'}`,
    ].join(''),
  json: ({ operation: { id, bindings, capabilities, idempotent, readOnly }, request, response }) => ({
    id,
    bindings: bindings.map(({ method, path }) => ({ method, path })),
    capabilities,
    idempotent,
    readOnly,
    request: asJson(request),
    response: asJson(response),
  }),
});

export default defineCommand({
  path: ['api', 'describe'],
  summary: 'Show what an operation takes and answers.',
  inputs: {
    operation: {
      kind: named('OPERATION'),
      positional: 'OPERATION',
      flag: false,
      required: true,
      help: 'Name of the operation, such as iam.v1.Groups.List.',
      question: 'Which operation?',
      example: 'iam.v1.Groups.List',
    },
  },
  examples: [{ text: 'How groups are listed', args: 'iam.v1.Groups.List' }],
  view,
  formats: ['text', 'json', 'id'],
  readsConfig: false,
  run: async (_context, { operation: name }): Promise<Described> => {
    const { findOperation, messageOf } = await import('./operations.ts');
    const operation = await findOperation(name);
    const [request, response] = await Promise.all([messageOf(operation.request), messageOf(operation.response)]);
    return { operation, request: request.fields, response: response.fields };
  },
});
