import type { Tx } from '../store/database.ts';

export interface AuditedCall {
  readonly id: number;
  readonly operation: string;
  /** UIDP. */
  readonly place: string;
  readonly outcome: string;
}

/** Calls of an identity behind the record with this id. */
export function auditedCalls(tx: Tx, identity: string, after: number): AuditedCall[] {
  return tx
    .all(
      `SELECT id, operation, place, outcome FROM audit_records
       WHERE kind = 'call' AND identity = ? AND id > ? ORDER BY id`,
      identity,
      after,
    )
    .map((row) => ({
      id: Number(row['id']),
      operation: String(row['operation']),
      place: String(row['place']),
      outcome: String(row['outcome']),
    }));
}
