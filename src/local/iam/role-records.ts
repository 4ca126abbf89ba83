import type { IamRole } from '../../api/schema/types/iam.gen.ts';
import type { SqlRow } from '../store/database.ts';

export function toWireRole(row: SqlRow): IamRole {
  return {
    id: String(row['id']),
    name: String(row['name']),
    description: String(row['description']),
    capabilities: capabilitiesOf(row),
  };
}

export function capabilitiesOf(row: SqlRow): string[] {
  // Only the role service and the built-in roles write the column, as a list of dotted names in enum order.
  return JSON.parse(String(row['capabilities'])) as string[];
}
