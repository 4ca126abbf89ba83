import CliTable from 'cli-table3';
import { partsOf } from '../../arrivals.ts';
import type { CellContext, Column } from '../define.ts';
import { type Io, printable } from '../io.ts';
import { beginning, cut, displayWidth } from '../width.ts';
import { fitInto } from './fit.ts';
import type { Renderer, RenderInput } from './format.ts';
import { type Row, Rows } from './rows.ts';

/**
 * The reference's table: one leading blank, ` | ` between columns, centred upper-case heads, a rule crossed by `|`, no
 * frame (outputs.md, new style). In a pipe no cell is cut, and several values in one stand on lines of their own. A list
 * on a terminal takes one line for each item and no more columns than fit.
 */
export const render: Renderer = (input) => renderColumns(input, (input.view.columns ?? []).filter(isNarrow));

const isNarrow = (column: { readonly wide?: true }) => column.wide !== true;

/** The same with the columns that are given. `exact`: everything whole, times with their zone. */
export async function renderColumns<T>(input: RenderInput<T>, columns: readonly Column<T>[], exact = false) {
  if (columns.length === 0) return;
  const { io, now, isList, items, order } = input;
  const isFitted = io.outIsTty && !exact;
  const onOneLine = isFitted && isList;
  const cell: CellContext = { now, times: io.outIsTty ? (exact ? 'local' : 'relative') : 'utc' };
  const paints = io.outStyle.enabled && columns.some(({ state }) => state !== undefined);
  const rows = new Rows(columns.length);
  for await (const part of partsOf(items)) {
    for (const item of part) {
      const texts: string[] = [];
      let plainCells = 0;
      for (const column of columns) {
        const found = (onOneLine ? (column.brief ?? column.value) : column.value)(item, cell);
        // Awaiting what is there already costs more than laying the row out.
        const whole = String((found instanceof Promise ? await found : found) ?? '');
        // A text that will be cut is not read to its end, which may be a megabyte away.
        const text =
          isFitted && isFlexible(column)
            ? whole
                .split('\n')
                .map((line) => beginning(line, io.width))
                .join('\n')
            : whole;
        const isPlain = plain.test(text);
        if (isPlain) plainCells += 1;
        texts.push(isPlain ? text : harmless(text, onOneLine));
      }
      const key = order?.key(item);
      rows.add(texts, plainCells, key instanceof Promise ? await key : key);
      if (paints) rows.addStates(columns.map(({ state }) => state?.(item, cell)));
    }
  }
  order?.check?.();
  rows.sort(order?.descending === true);
  if (isFitted && input.shortIds) rows.shorten(columns.flatMap(({ id }, at) => (id ? [at] : [])));
  const widths = rows.widths.map((value, at) => Math.max(value, displayWidth(columns[at]?.head ?? '')));
  const fitted = isFitted
    ? fitInto(
        columns.map((column, at) => ({
          head: displayWidth(column.head),
          value: rows.widths[at] ?? 0,
          flexible: isFlexible(column),
          rank: column.rank ?? 0,
        })),
        io.width,
      )
    : widths;
  write(input, columns, rows, fitted);
}

/** Whether its texts may be cut. */
const isFlexible = ({ id, align }: Pick<Column<never>, 'id' | 'align'>): boolean => id !== true && align !== 'right';

const harmless = (text: string, onOneLine: boolean): string =>
  text
    .split('\n')
    .map(printable)
    .join(onOneLine ? ', ' : '\n');

/** Most cells are, and need no look at each character. */
const plain = /^[ -~]*$/;

/** Rows written together: one call for each would cost more than laying them out. */
const batchSize = 128;

function write<T>(
  { io }: RenderInput<T>,
  columns: readonly Column<T>[],
  rows: Rows,
  widths: readonly (number | undefined)[],
): void {
  const shown = columns.flatMap((column, at) => {
    const width = widths[at];
    return width === undefined ? [] : [{ column, at, width }];
  });
  const heads = new CliTable({
    chars: frameless,
    style: { head: [], border: [], 'padding-left': 1, 'padding-right': 1, compact: true },
    colWidths: shown.map(({ width }) => width + 2),
    colAligns: shown.map(() => 'center' as const),
  });
  heads.push(shown.map(({ column }) => column.head));
  const rule = shown.map(({ width }) => '-'.repeat(width + 2)).join('|');
  io.out(`${heads.toString().trimEnd()}\n${rule}\n`);
  let lines: string[] = [];
  for (let place = 0; place < rows.count; place += 1) {
    const row = rows.at(place);
    if (row.isPlain && row.states.length === 0) lines.push(plainLine(row.cells, shown));
    else lines.push(...linesOf(row, shown, io));
    if (lines.length >= batchSize) {
      io.out(`${lines.join('\n')}\n`);
      lines = [];
    }
  }
  if (lines.length > 0) io.out(`${lines.join('\n')}\n`);
}

/** A column and its width in this table. */
interface Shown {
  readonly column: { readonly align?: 'left' | 'right' };
  readonly at: number;
  readonly width: number;
}

/** The line of a row whose cells have as many columns as characters. */
function plainLine(cells: readonly string[], shown: readonly Shown[]): string {
  let line = '';
  for (const { column, at, width } of shown) {
    const text = cells[at] ?? '';
    const body = text.length > width ? cut(text, width) : text;
    line += `${line === '' ? ' ' : ' | '}${column.align === 'right' ? body.padStart(width) : body.padEnd(width)}`;
  }
  return line.trimEnd();
}

function linesOf({ cells, states }: Row, shown: readonly Shown[], { outStyle }: Io): string[] {
  const height = Math.max(1, ...cells.map((text) => (text.includes('\n') ? text.split('\n').length : 1)));
  return Array.from({ length: height }, (_, line) => {
    const parts = shown.map(({ column, at, width }) => {
      const text = height === 1 ? (cells[at] ?? '') : (cells[at]?.split('\n')[line] ?? '');
      const state = line === 0 ? states[at] : undefined;
      return padded(text, width, column.align === 'right', (body) => (state ? outStyle[state](body) : body));
    });
    return ` ${parts.join(' | ')}`.trimEnd();
  });
}

function padded(text: string, width: number, toTheRight: boolean, paint: (text: string) => string): string {
  const body = displayWidth(text) > width ? cut(text, width) : text;
  const blanks = ' '.repeat(Math.max(0, width - displayWidth(body)));
  return toTheRight ? `${blanks}${paint(body)}` : `${paint(body)}${blanks}`;
}

const frameless = {
  top: '',
  'top-mid': '',
  'top-left': '',
  'top-right': '',
  bottom: '',
  'bottom-mid': '',
  'bottom-left': '',
  'bottom-right': '',
  left: '',
  'left-mid': '',
  mid: '',
  'mid-mid': '',
  right: '',
  'right-mid': '',
  middle: '|',
};
