// Messages of v1 and v2 that say the same in other words (semantics 10).

import { capabilities } from '../../../api/schema/capabilities.gen.ts';
import { enums } from '../../../api/schema/messages.gen.ts';
import type { SqlRow } from '../../store/database.ts';
import { toWireTime } from '../wire-time.ts';

export interface FieldMapping<V1, V2> {
  toV1(message: V2): V1;
  toV2(message: V1): V2;
}

/** Carries these fields over, as they are, under the other name: v1's to the left, v2's to the right. Others stay behind. */
export function fieldMapping<V1 extends object, V2 extends object>(
  names: { readonly [K in keyof V1]?: keyof V2 },
): FieldMapping<V1, V2> {
  const pairs = Object.entries(names) as [keyof V1, keyof V2][];
  return {
    toV1: (message) =>
      copyFields(
        message,
        pairs.map(([one, two]) => [two, one]),
      ) as V1,
    toV2: (message) => copyFields(message, pairs) as V2,
  };
}

function copyFields<T extends object>(message: T, pairs: readonly (readonly [keyof T, PropertyKey])[]): object {
  return Object.fromEntries(pairs.flatMap(([from, to]) => (message[from] === undefined ? [] : [[to, message[from]]])));
}

/** The value of another enum that has the same number; the text itself when there is none. */
export function sameNumber(from: string, to: string, value: string): string {
  const number = enums[from]?.[value];
  return Object.entries(enums[to] ?? {}).find(([, one]) => one === number)?.[0] ?? value;
}

const protoNames = new Map(capabilities.map(({ name, proto }) => [name, proto]));
const dottedNames = new Map(capabilities.map(({ name, proto }) => [proto, name]));

/** `groups.list` → `CAP_IAM_GROUPS_LIST`. Names that no capability has are left out. */
export function toEnumCapabilities(names: readonly string[] = []): string[] {
  return names.flatMap((name) => protoNames.get(name) ?? []);
}

/** The other way; what is no capability stays, for the rules to refuse. */
export function toDottedCapabilities(names: readonly string[] = []): string[] {
  return names.map((name) => dottedNames.get(name) ?? name);
}

export function timesOf(row: SqlRow): { createTime: string; updateTime: string } {
  return { createTime: toWireTime(Number(row['created_at'])), updateTime: toWireTime(Number(row['updated_at'])) };
}
