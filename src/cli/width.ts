// The one measure of text on a terminal: wide characters count two columns, combining ones none, colors none. Guarantees: the
// time is that of reading the text once, however long it is; the library's measure takes minutes for a million letters.

import { stripVTControlCharacters } from 'node:util';
import stringWidth from 'string-width';

/** Longer texts are measured in pieces of this many units: the time of a segmenter grows with the square of its text. */
const piece = 512;

const segmenter = new Intl.Segmenter();

/** Columns of what readers see as one character, for those that were met; most texts have few of them. */
const known = new Map<string, number>();

/** Most text is plain ASCII, whose width needs no look at each character. */
export const displayWidth = (text: string): number =>
  /^[ -~]*$/.test(text) ? text.length : text.length <= piece ? stringWidth(text) : widthOfLong(text);

function widthOfLong(text: string): number {
  const plain = stripVTControlCharacters(text);
  let width = 0;
  for (let from = 0; from < plain.length; ) {
    const to = isLowSurrogate(plain, from + piece) ? from + piece - 1 : from + piece;
    const characters = [...segmenter.segment(plain.slice(from, to))];
    // The last one may go on behind the piece, so it is left to the next; unless it is as long as the piece.
    if (to < plain.length && characters.length > 1) characters.pop();
    for (const { segment } of characters) {
      width += widthOfCharacter(segment);
      from += segment.length;
    }
  }
  return width;
}

function widthOfCharacter(text: string): number {
  let width = known.get(text);
  if (width === undefined) {
    width = stringWidth(text);
    if (known.size < 4096) known.set(text, width);
  }
  return width;
}

const isLowSurrogate = (text: string, at: number): boolean => (text.charCodeAt(at) & 0xfc00) === 0xdc00;

/** As many units as the text of that many columns has, unless it is made of marks. */
const enough = (columns: number): number => Math.max(1024, columns * 16);

/** The text, or so much of its beginning that it still has to be cut to fit, in time that its length does not matter for. */
export const beginning = (text: string, columns: number): string =>
  text.length <= enough(columns) ? text : `${head(text, enough(columns))}…`;

const head = (text: string, units: number): string => text.slice(0, isLowSurrogate(text, units) ? units - 1 : units);

/** The text, or as much of its beginning as fits with `…` behind it. Without colors in it. */
export function cut(text: string, columns: number): string {
  if (text.length <= enough(columns) && displayWidth(text) <= columns) return text;
  let kept = '';
  let width = 1;
  for (const { segment } of segmenter.segment(head(text, enough(columns)))) {
    width += displayWidth(segment);
    if (width > columns) break;
    kept += segment;
  }
  return `${kept}…`;
}

/** The text, or as much of its end as fits with `…` before it. Without colors in it. */
export function cutStart(text: string, columns: number): string {
  if (text.length <= enough(columns) && displayWidth(text) <= columns) return text;
  const from = Math.max(0, text.length - enough(columns));
  const tail = text.slice(isLowSurrogate(text, from) ? from + 1 : from);
  let kept = '';
  let width = 1;
  for (const { segment } of [...segmenter.segment(tail)].reverse()) {
    width += displayWidth(segment);
    if (width > columns) break;
    kept = `${segment}${kept}`;
  }
  return `…${kept}`;
}
