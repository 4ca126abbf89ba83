// Thin typed access to the operations. A method is its operation and its types; lists arrive as async iterables.

import { type ApiOptions, callOperation } from './http.ts';
import { authOperations } from './schema/operations/auth.gen.ts';
import { iamOperations } from './schema/operations/iam.gen.ts';
import type { OperationTypes } from './schema/types.gen.ts';

const clientOperations = { ...iamOperations, ...authOperations };

/** Operations the command line calls. */
export type ClientOperationId = keyof typeof clientOperations & keyof OperationTypes;

export interface ApiClient {
  call<Id extends ClientOperationId>(
    id: Id,
    request: OperationTypes[Id]['request'],
  ): Promise<OperationTypes[Id]['response']>;
}

export function createApiClient(options: ApiOptions): ApiClient {
  return {
    async call(id, request) {
      const answer = await callOperation(options, clientOperations[id], request as Record<string, unknown>);
      // decodeResponse is tolerant on purpose: the types say what the platform sends, not what it must.
      return answer as OperationTypes[typeof id]['response'];
    },
  };
}
