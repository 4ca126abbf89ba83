import { CliError } from '../../errors.ts';
import type { Column, View } from '../define.ts';
import type { Order } from './format.ts';

/**
 * The order of `--sort-by`: the column of that head, whatever its case and with dashes for blanks, else the field of the
 * JSON of an item, such as `repo.name`. Items without a value come first. Throws kind `usage` when no item has it.
 */
export function orderBy(wanted: string, view: View<unknown>): Order<unknown> {
  const descending = wanted.startsWith('-');
  const name = wanted.replace(/^[-+]/, '');
  const columns = view.columns ?? [];
  const column = columns.find(({ head }) => normal(head) === normal(name));
  if (column !== undefined) return { descending, key: (item) => columnKey(column, item) };
  const path = name.split('.');
  if (!/^[A-Za-z_][\w.]*$/.test(name)) throw unknownColumn(wanted, columns);
  let seen = 0;
  let found = 0;
  return {
    descending,
    key: (item) => {
      const value = fieldOf(view.json === undefined ? item : view.json(item), path);
      seen += 1;
      if (value === undefined || value === null) return '';
      found += 1;
      return typeof value === 'number' ? value : String(value);
    },
    check: () => {
      if (seen > 0 && found === 0) throw unknownColumn(wanted, columns);
    },
  };
}

const normal = (name: string) => name.toLowerCase().replace(/[\s_-]+/g, '-');

async function columnKey(column: Column<unknown>, item: unknown): Promise<string | number> {
  // Times compare as texts where all of them are in one zone.
  const value = await column.value(item, { now: 0, times: 'utc' });
  return value ?? '';
}

/** Undefined for an item that leaves the field out: what is empty is not written. */
function fieldOf(item: unknown, path: readonly string[]): unknown {
  let value = item;
  for (const key of path) value = typeof value === 'object' && value !== null ? Reflect.get(value, key) : undefined;
  return value;
}

function unknownColumn(wanted: string, columns: readonly Column<unknown>[]): CliError {
  const heads = columns.map(({ head }) => head.toLowerCase().replaceAll(' ', '-'));
  return new CliError('usage', `\`--sort-by\` names no column: "${wanted}"`, {
    code: 'usage.sort-by',
    ...(heads.length === 0 ? {} : { hint: `use one of ${heads.join(', ')}, or a field of the JSON` }),
  });
}
