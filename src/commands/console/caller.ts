// The console's calls, by the API client of the command line.

import type { ClientOperationId } from '../../api/client.ts';
import type { Context } from '../../cli/context.ts';
import { printable } from '../../cli/io.ts';
import { type Caller, CallFailure, type FailureKind } from '../../console/caller.ts';
import { CliError, type ErrorKind } from '../../errors.ts';

export function createCaller(context: Context): Caller {
  return {
    async call(id, request) {
      try {
        const issuerServes = id.startsWith('auth.');
        const api = await (issuerServes ? context.issuerApi() : context.api());
        // Pages call operations of the client's packages only.
        return (await api.call(id as ClientOperationId, request as never)) as never;
      } catch (error) {
        throw failureOf(error);
      }
    },
    async beside(method, path) {
      try {
        const exchange = { method, path, name: 'console', idempotent: method === 'GET' };
        return await (await context.api()).path(exchange);
      } catch (error) {
        const isUnknown =
          error instanceof CliError && (error.code === 'api.unimplemented' || error.message === 'Not Found');
        throw isUnknown ? new CallFailure('missing', 'This platform does not offer it.', error) : failureOf(error);
      }
    },
    async githubRepository(repo) {
      const { askGithub } = await import('../../api/github.ts');
      const simulator = new URL(context.config.get('platform.issuer')).origin;
      try {
        return await askGithub(context.host, { repo, simulator, signal: context.signal });
      } catch (error) {
        throw failureOf(error);
      }
    },
    async renew() {
      const { renewToken } = await import('../iam/organizations/refresh.ts');
      await renewToken(context);
    },
  };
}

const kinds: Readonly<Partial<Record<ErrorKind, FailureKind>>> = {
  usage: 'invalid',
  auth: 'signed-out',
  permission: 'refused',
  'not-found': 'missing',
  conflict: 'taken',
  network: 'unreachable',
  timeout: 'unreachable',
};

function failureOf(error: unknown): unknown {
  if (!(error instanceof CliError)) return error;
  const kind = kinds[error.kind] ?? (error.code === 'api.invalid' ? 'invalid' : 'failed');
  const text = printable(error.message);
  return new CallFailure(kind, /[.!?]$/.test(text) ? text : `${text}.`, error);
}
