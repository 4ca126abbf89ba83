// Adds what v2 says of a failure besides its code (semantics 7, "v2 details"): always why, and of a bad request which
// field.

import { messages } from '../../../api/schema/messages.gen.ts';
import type { Operation } from '../../../api/schema/types.ts';
import { grpcCodes } from '../../../api/status.ts';
import { StatusError } from '../../core/types.ts';

/** Returns what an operation has thrown, in the words of the version it is of. */
export function toVersionedError(operation: Operation, error: unknown): unknown {
  return error instanceof StatusError && /\.v2(?:beta1)?\./.test(operation.id) ? explain(operation, error) : error;
}

function explain(operation: Operation, { code, message, details }: StatusError): StatusError {
  const [reason = 'UNKNOWN'] = Object.entries(grpcCodes).find(([, number]) => number === code) ?? [];
  const domain = `${operation.id.split('.')[0]}.chainguard.dev`;
  const info = { '@type': 'type.googleapis.com/google.rpc.ErrorInfo', reason, domain };
  if (code === grpcCodes.FAILED_PRECONDITION) {
    return new StatusError(code, `Precondition failed: ${message}`, [info, ...details]);
  }
  if (code !== grpcCodes.INVALID_ARGUMENT) return new StatusError(code, message, [info, ...details]);
  const { field, text } = splitField(operation, message);
  if (field === undefined) return new StatusError(code, `Invalid argument: ${text}`, [info, ...details]);
  const request = {
    '@type': 'type.googleapis.com/google.rpc.BadRequest',
    fieldViolations: [{ field, description: text }],
  };
  return new StatusError(code, `Invalid argument: ${field}: ${text}`, [info, request, ...details]);
}

/** Our sentences begin with the field they are about: `name must match …`, `scope: "x" is not a UIDP`. */
function splitField(operation: Operation, message: string): { field: string | undefined; text: string } {
  const sentence = operation.id.includes('.IdentitiesService.')
    ? message.replace(/\bstatic\b/g, 'static_keys')
    : message;
  const [, path = '', rest = '', text = ''] =
    /^([a-z_]+(?:\.[a-z_]+)*)((?:\[[^\]]*\][a-z_.]*)?)(?::| (?=(?:is|must|has|holds|names|needs|cannot|differs)\b)) ?(.*)$/s.exec(
      sentence,
    ) ?? [];
  const field = path === '' ? undefined : fieldCalled(operation, path);
  return field === undefined ? { field, text: sentence } : { field: field + rest, text };
}

/** v1's names of fields, where v2 has others. */
const renamed: Readonly<Record<string, string>> = {
  account_type: 'provider_type',
  group: 'parent',
  group_id: 'group_uid',
  id: 'uid',
  identity: 'identity_uid',
  identity_provider_id: 'identity_provider_uid',
  identity_provider_uidp: 'identity_provider_uid',
  ids: 'names',
  parent_id: 'parent',
  role: 'role_uid',
  role_uidp: 'role_uid',
  'static_keys.expiration': 'static_keys.expiration_time',
};

/** The path of this field in the request or in the resource it carries, as v2 names it. */
function fieldCalled(operation: Operation, path: string): string | undefined {
  const carried = (messages[operation.request]?.fields ?? []).map(({ type }) => type);
  return [renamed[path] ?? path, path].find((name) =>
    [operation.request, ...carried].some((message) => hasField(message, name.split('.'))),
  );
}

function hasField(message: string, [step, ...rest]: readonly string[]): boolean {
  const field = messages[message]?.fields.find(({ name }) => name === step);
  return field !== undefined && (rest.length === 0 || hasField(field.type, rest));
}
