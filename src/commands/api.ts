import type { Exchange } from '../api/http.ts';
import type { Context } from '../cli/context.ts';
import { defineCommand, defineView } from '../cli/define.ts';
import { boolean, keyValue, named } from '../cli/inputs/values.ts';
import { CliError } from '../errors.ts';
import { isObject } from '../json.ts';
import { type Fields, nested } from './api/fields.ts';

const methods = ['GET', 'POST', 'PUT', 'PATCH', 'DELETE'] as const;
type Method = (typeof methods)[number];

const view = defineView<unknown>({
  json: (answer) => answer,
});

export default defineCommand({
  path: ['api'],
  summary: 'Call any operation of the API with your login.',
  description:
    'Takes an operation by its name, or a method and a path. What `-f` gives goes where the operation wants it: into the ' +
    'path, the query or the body. Values that are JSON (true, 3, null, lists, objects) are sent as such, others as text; ' +
    'dots lead into objects. The answer is printed as it came.',
  inputs: {
    call: {
      kind: named('METHOD'),
      positional: 'OPERATION|METHOD',
      flag: false,
      required: true,
      help: 'Name of an operation, such as iam.v2.RolesService.ListRoles, or GET, POST, PUT, PATCH or DELETE.',
      question: 'Which operation?',
      example: 'iam.v1.Groups.List',
    },
    target: {
      kind: named('PATH'),
      positional: 'PATH',
      flag: false,
      help: 'Path of the API after a method, with its query, such as /iam/v1/groups.',
    },
    field: { kind: keyValue, short: 'f', many: true, help: 'A field of the request.' },
    paginate: { kind: boolean, help: 'Ask for every page, and print their items together.' },
  },
  validate: ({ call = '', target }) => {
    const method = methods.find((one) => one === call.toUpperCase());
    if (method === undefined) {
      return target === undefined ? [] : [`\`PATH\` goes with a method, not with the operation "${call}"`];
    }
    if (target === undefined) return [`\`PATH\` is required after ${method}`];
    return target.startsWith('/') ? [] : [`\`PATH\` must begin with "/", not "${target}"`];
  },
  examples: [
    { text: 'An operation by its name', args: 'iam.v1.Groups.List -f name=engineering' },
    { text: 'A path', args: 'GET /iam/v1/groups' },
    { text: 'Every page, projected', args: "iam.v2.RolesService.ListRoles --paginate --query='roles[].name'" },
  ],
  view,
  formats: ['json'],
  operations: async ({ call, target }) => {
    if (call === undefined) return [];
    const { findOperation, operationAt } = await import('./api/operations.ts');
    const method = methods.find((one) => one === call.toUpperCase());
    const operation = method === undefined ? await findOperation(call) : await operationAt(method, target ?? '');
    return operation === undefined ? [] : [operation];
  },
  run: async (context, { call, target, field, paginate }) => {
    const { findOperation, operationAt, requestOf } = await import('./api/operations.ts');
    const fields = field.map(([key, value]) => [key, jsonOrText(value)] as const);
    const method = methods.find((one) => one === call.toUpperCase());
    if (method !== undefined && target !== undefined) {
      const operation = await operationAt(method, target);
      const exchange = (token?: string) => atPath(method, target, [...fields, ...pageField(token)]);
      try {
        return await answerOf(context, operation?.id.startsWith('auth.') === true, exchange, paginate);
      } catch (error) {
        // A path of no operation is most likely misspelled; of one that there is, the platform's answer says more.
        if (operation !== undefined || !(error instanceof CliError) || error.code !== 'api.not-found') throw error;
        const { kind, code, message, details } = error;
        throw new CliError(kind, message, {
          code,
          details,
          hint: 'see which paths there are with `chainctl api list`',
        });
      }
    }
    const operation = await findOperation(call);
    const exchanges = async (token?: string) => requestOf(operation, [...fields, ...pageField(token)]);
    return answerOf(context, operation.id.startsWith('auth.'), exchanges, paginate);
  },
});

const pageField = (token: string | undefined): Fields => (token === undefined ? [] : [['pageToken', token]]);

/** JSON where it is some, except texts in quotes, which are texts either way. */
function jsonOrText(text: string): unknown {
  try {
    return JSON.parse(text);
  } catch {
    return text;
  }
}

function atPath(method: Method, path: string, fields: Fields): Exchange {
  const isRead = method === 'GET' || method === 'DELETE';
  const query = new URLSearchParams(isRead ? fields.map(([key, value]): [string, string] => [key, asText(value)]) : []);
  const mark = path.includes('?') ? '&' : '?';
  return {
    method,
    path: `${path}${query.size > 0 ? `${mark}${query}` : ''}`,
    body: isRead ? undefined : JSON.stringify(nested(fields)),
    name: `${method} ${path.split('?')[0]}`,
    idempotent: method === 'GET',
  };
}

const asText = (value: unknown) => (typeof value === 'string' ? value : JSON.stringify(value));

/** Pages after which a server that never ends is not believed any more. */
const maxPages = 10_000;

async function answerOf(
  context: Context,
  isIssuers: boolean,
  exchangeFor: (pageToken?: string) => Exchange | Promise<Exchange>,
  paginate: boolean,
): Promise<unknown> {
  const client = await (isIssuers ? context.issuerApi() : context.api());
  const first = await client.path(await exchangeFor());
  if (!paginate || !isObject(first)) return first;
  const key = Object.keys(first).find((name) => Array.isArray(first[name]));
  if (key === undefined) return first;
  const items = [...(first[key] as unknown[])];
  let token = first['nextPageToken'];
  for (let page = 1; typeof token === 'string' && token !== ''; page += 1) {
    if (page >= maxPages) throw new CliError('api', `The list has more than ${maxPages} pages`, { code: 'api.pages' });
    const next = await client.path(await exchangeFor(token));
    if (!isObject(next)) break;
    items.push(...(Array.isArray(next[key]) ? next[key] : []));
    token = next['nextPageToken'];
  }
  return { [key]: items };
}
