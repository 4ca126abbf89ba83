// The rows of a table while it is not known yet how wide they get and in which order they go. Guarantees: what a row
// takes is its text, outside of the heap: as strings, a hundred thousand would take several times that and be moved
// about by every collection.

import type { State } from '../define.ts';
import { shortIds } from '../short-id.ts';
import { displayWidth } from '../width.ts';
import { compareKeys } from './ordered.ts';

/** Between the cells of a row; no cell can hold it. */
const edge = '\u0000';

/** Bytes that are asked for at once. */
const portion = 1024 * 1024;

/** Texts by number. */
class Texts {
  private readonly portions: Buffer[] = [];
  private used = portion;
  /** Of each text: number of its portion, first byte, byte behind the last. */
  private places = new Uint32Array(3 * 256);
  private count = 0;

  add(text: string): void {
    // No character takes more bytes in UTF-8 than three for each unit.
    let last = this.portions.at(-1);
    if (last === undefined || this.used + text.length * 3 > last.length) {
      last = Buffer.allocUnsafeSlow(Math.max(portion, text.length * 3));
      this.portions.push(last);
      this.used = 0;
    }
    const from = this.used;
    this.used += last.write(text, from);
    const at = this.count * 3;
    if (at === this.places.length) {
      const places = new Uint32Array(at * 2);
      places.set(this.places);
      this.places = places;
    }
    this.places[at] = this.portions.length - 1;
    this.places[at + 1] = from;
    this.places[at + 2] = this.used;
    this.count += 1;
  }

  at(number: number): string {
    const [buffer, from, to] = this.place(number);
    return buffer.toString('utf8', from, to);
  }

  /** By their bytes. */
  compare(a: number, b: number): number {
    const [one, from, to] = this.place(a);
    const [other, begin, end] = this.place(b);
    return one.compare(other, begin, end, from, to);
  }

  private place(number: number): [Buffer, number, number] {
    const at = number * 3;
    const buffer = this.portions[this.places[at] ?? 0] ?? Buffer.alloc(0);
    return [buffer, this.places[at + 1] ?? 0, this.places[at + 2] ?? 0];
  }
}

/** From here on the order of UTF-8 is not that of code units. */
const beyond = /[\ud800-\uffff]/;

export interface Row {
  readonly cells: readonly string[];
  /** States of the cells; empty where nothing is colored. */
  readonly states: readonly (State | undefined)[];
  /** Every cell is one line of as many columns as it has characters. */
  readonly isPlain: boolean;
}

export class Rows {
  readonly widths: number[];
  count = 0;
  private texts = new Texts();
  private readonly keys = new Texts();
  /** In their place where one is a number, or cannot be compared by its bytes. */
  private looseKeys: (string | number)[] | undefined;
  private keyCount = 0;
  private readonly states: (readonly (State | undefined)[])[] = [];
  /** Numbers of the rows that are not plain. */
  private readonly others = new Set<number>();
  private order: Uint32Array | undefined;

  constructor(columns: number) {
    this.widths = Array.from({ length: columns }, () => 0);
  }

  /** `plainCells`: how many of the cells are printable ASCII. */
  add(cells: readonly string[], plainCells: number, key?: string | number): void {
    const isPlain = plainCells === cells.length;
    if (!isPlain) this.others.add(this.count);
    for (let at = 0; at < cells.length; at += 1) {
      const text = cells[at] ?? '';
      const width = isPlain ? text.length : widthOf(text);
      if (width > (this.widths[at] ?? 0)) this.widths[at] = width;
    }
    this.texts.add(cells.join(edge));
    this.count += 1;
    if (key !== undefined) this.addKey(key);
  }

  /** States of the cells of the row that was added last. */
  addStates(states: readonly (State | undefined)[]): void {
    this.states[this.count - 1] = states;
  }

  /** The row that stands at a place. */
  at(place: number): Row {
    const row = this.order?.[place] ?? place;
    return {
      cells: this.texts.at(row).split(edge),
      states: this.states[row] ?? [],
      isPlain: !this.others.has(row),
    };
  }

  /** By the keys that the rows were added with; rows without stay as they are. */
  sort(descending: boolean): void {
    if (this.keyCount === 0) return;
    const { keys, looseKeys: loose } = this;
    const sign = descending ? -1 : 1;
    const compare = (a: number, b: number) =>
      loose === undefined ? keys.compare(a, b) : compareKeys(loose[a] ?? '', loose[b] ?? '');
    // Equal keys keep the order in which they came.
    this.order = Uint32Array.from({ length: this.count }, (_, at) => at).sort((a, b) => compare(a, b) * sign || a - b);
  }

  /** Makes the ids of these columns as short as they can be told apart. */
  shorten(columns: readonly number[]): void {
    if (columns.length === 0) return;
    const all = Array.from({ length: this.count }, (_, row) => this.texts.at(row).split(edge));
    for (const at of columns) {
      const short = shortIds(all.map((cells) => cells[at] ?? ''));
      this.widths[at] = 0;
      for (const cells of all) {
        cells[at] = short(cells[at] ?? '');
        this.widths[at] = Math.max(this.widths[at] ?? 0, cells[at]?.length ?? 0);
      }
    }
    this.texts = new Texts();
    for (const cells of all) this.texts.add(cells.join(edge));
  }

  private addKey(key: string | number): void {
    if (this.looseKeys === undefined && (typeof key === 'number' || beyond.test(key))) {
      this.looseKeys = Array.from({ length: this.keyCount }, (_, at) => this.keys.at(at));
    }
    if (this.looseKeys === undefined) this.keys.add(String(key));
    else this.looseKeys.push(key);
    this.keyCount += 1;
  }
}

const widthOf = (text: string): number =>
  text.includes('\n') ? Math.max(...text.split('\n').map(displayWidth)) : displayWidth(text);
