import CliTable from 'cli-table3';
import type { CellContext, Column, State } from '../define.ts';
import { printable } from '../io.ts';
import { shortIds } from '../short-id.ts';
import { cut, displayWidth } from '../width.ts';
import { fitInto } from './fit.ts';
import type { Renderer, RenderInput } from './format.ts';
import { compareKeys } from './ordered.ts';

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
  for await (const item of items) {
    const texts: string[] = [];
    for (const column of columns) {
      const found = (onOneLine ? (column.brief ?? column.value) : column.value)(item, cell);
      // Awaiting what is there already costs more than laying the row out.
      texts.push(cellText((found instanceof Promise ? await found : found) ?? '', onOneLine));
    }
    rows.add(texts, order === undefined ? undefined : await order.key(item));
    if (paints) rows.states.push(columns.map(({ state }) => state?.(item, cell)));
  }
  order?.check?.();
  rows.sort(order?.descending === true);
  if (isFitted && input.shortIds) rows.shorten(columns.flatMap(({ id }, at) => (id ? [at] : [])));
  const widths = rows.widths.map((value, at) => Math.max(value, displayWidth(columns[at]?.head ?? '')));
  const fitted = isFitted
    ? fitInto(
        columns.map(({ head, id, align, rank }, at) => ({
          head: displayWidth(head),
          value: rows.widths[at] ?? 0,
          flexible: id !== true && align !== 'right',
          rank: rank ?? 0,
        })),
        io.width,
      )
    : widths;
  write(input, columns, rows, fitted);
}

const cellText = (value: string | number, onOneLine: boolean): string => {
  const text = String(value);
  if (plain.test(text)) return text;
  const lines = text.split('\n').map(printable);
  return lines.join(onOneLine ? ', ' : '\n');
};

/** Most cells are, and need no look at each character. */
const plain = /^[ -~]*$/;

/** Between the cells of a row; no cell can hold it. */
const edge = '\u0000';

/**
 * Rows as they are going to be shown, one text each: a hundred thousand rows of cells would take several times the
 * memory of what they say.
 */
class Rows {
  readonly widths: number[];
  /** By row as it was added; empty where nothing is colored. */
  readonly states: (readonly (State | undefined)[])[] = [];
  private readonly rows: string[] = [];
  private readonly keys: (string | number)[] = [];
  private order: Uint32Array | undefined;

  constructor(columns: number) {
    this.widths = Array.from({ length: columns }, () => 0);
  }

  add(cells: readonly string[], key?: string | number): void {
    if (key !== undefined) this.keys.push(key);
    cells.forEach((text, at) => {
      const width = text.includes('\n') ? Math.max(...text.split('\n').map(displayWidth)) : displayWidth(text);
      if (width > (this.widths[at] ?? 0)) this.widths[at] = width;
    });
    this.rows.push(cells.join(edge));
  }

  get count(): number {
    return this.rows.length;
  }

  /** Cells of the row that stands at a place, and what its cells say. */
  at(place: number): { readonly cells: readonly string[]; readonly states: readonly (State | undefined)[] } {
    const row = this.order?.[place] ?? place;
    return { cells: (this.rows[row] ?? '').split(edge), states: this.states[row] ?? [] };
  }

  /** By the keys that the rows were added with; rows without stay as they are. */
  sort(descending: boolean): void {
    if (this.keys.length === 0) return;
    const { keys } = this;
    const sign = descending ? -1 : 1;
    // Equal keys keep the order in which they came.
    this.order = Uint32Array.from(keys.keys()).sort(
      (a, b) => compareKeys(keys[a] ?? '', keys[b] ?? '') * sign || a - b,
    );
  }

  /** Makes the ids of these columns as short as they can be told apart. */
  shorten(columns: readonly number[]): void {
    for (const at of columns) {
      const all = this.rows.map((row) => row.split(edge));
      const short = shortIds(all.map((cells) => cells[at] ?? ''));
      this.widths[at] = 0;
      all.forEach((cells, row) => {
        cells[at] = short(cells[at] ?? '');
        this.widths[at] = Math.max(this.widths[at] ?? 0, cells[at]?.length ?? 0);
        this.rows[row] = cells.join(edge);
      });
    }
  }
}

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
  for (let row = 0; row < rows.count; row += 1) {
    const { cells, states } = rows.at(row);
    const height = cells.reduce(
      (most, text) => (text.includes('\n') ? Math.max(most, text.split('\n').length) : most),
      1,
    );
    for (let line = 0; line < height; line += 1) {
      const parts = shown.map(({ column, at, width }) => {
        const text = height === 1 ? (cells[at] ?? '') : (cells[at]?.split('\n')[line] ?? '');
        const state = line === 0 ? states[at] : undefined;
        return padded(text, width, column.align === 'right', (body) => (state ? io.outStyle[state](body) : body));
      });
      lines.push(` ${parts.join(' | ')}`.trimEnd());
    }
    if (lines.length >= batchSize) {
      io.out(`${lines.join('\n')}\n`);
      lines = [];
    }
  }
  if (lines.length > 0) io.out(`${lines.join('\n')}\n`);
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
