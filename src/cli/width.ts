// The one measure of text on a terminal: wide characters count two columns, combining ones none, colors none.

import stringWidth from 'string-width';

/** Most text is plain ASCII, whose width needs no look at each character. */
export const displayWidth = (text: string): number => (/^[ -~]*$/.test(text) ? text.length : stringWidth(text));

/** The text, or as much of its beginning as fits with `…` behind it. Without colors in it. */
export function cut(text: string, columns: number): string {
  if (displayWidth(text) <= columns) return text;
  let kept = '';
  let width = 1;
  for (const { segment } of new Intl.Segmenter().segment(text)) {
    width += displayWidth(segment);
    if (width > columns) break;
    kept += segment;
  }
  return `${kept}…`;
}

/** The text, or as much of its end as fits with `…` before it. Without colours in it. */
export function cutStart(text: string, columns: number): string {
  if (displayWidth(text) <= columns) return text;
  let kept = '';
  let width = 1;
  for (const { segment } of [...new Intl.Segmenter().segment(text)].reverse()) {
    width += displayWidth(segment);
    if (width > columns) break;
    kept = `${segment}${kept}`;
  }
  return `…${kept}`;
}
