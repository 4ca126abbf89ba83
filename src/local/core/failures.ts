import { grpcCodes } from '../../api/status.ts';
import { hasNullCharacter } from '../../json.ts';
import { StatusError } from './types.ts';

export function invalidArgument(message: string): StatusError {
  return new StatusError(grpcCodes.INVALID_ARGUMENT, message);
}

/** For some versions of Node a text in SQLite ends at its first U+0000 (findings/photostructure-sqlite-nul.sh). */
export function refuseNullCharacters(value: unknown): void {
  if (hasNullCharacter(value)) throw invalidArgument('a text holds the character U+0000, which cannot be kept');
}

/** Also the answer for what exists but is not the caller's to see (semantics 4). */
export function notFound(message: string): StatusError {
  return new StatusError(grpcCodes.NOT_FOUND, message);
}

export function alreadyExists(message: string): StatusError {
  return new StatusError(grpcCodes.ALREADY_EXISTS, message);
}

export function permissionDenied(message: string): StatusError {
  return new StatusError(grpcCodes.PERMISSION_DENIED, message);
}

export function failedPrecondition(message: string, details: readonly Record<string, unknown>[] = []): StatusError {
  return new StatusError(grpcCodes.FAILED_PRECONDITION, message, details);
}

export function unauthenticated(message: string): StatusError {
  return new StatusError(grpcCodes.UNAUTHENTICATED, message);
}

/** Somebody else changed it meanwhile: read it again, then decide. */
export function aborted(message: string): StatusError {
  return new StatusError(grpcCodes.ABORTED, message);
}

export function resourceExhausted(message: string): StatusError {
  return new StatusError(grpcCodes.RESOURCE_EXHAUSTED, message);
}
