import type { Empty } from '../../../api/schema/types.ts';
import { grpcCodes } from '../../../api/status.ts';
import { StatusError } from '../../core/types.ts';
import { nothingDeleted } from '../../outbox/outbox.ts';

/** Of some things v2 says that deleting what is gone is fine (AIP-135). No event tells of it. */
export function deleteIfThere(remove: () => Empty): Empty {
  try {
    return remove();
  } catch (error) {
    if (error instanceof StatusError && error.code === grpcCodes.NOT_FOUND) return nothingDeleted;
    throw error;
  }
}
