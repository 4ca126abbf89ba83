import { expect, test } from 'vitest';
import { rowsOf } from '../../src/cli/prompts/hooks.ts';

test.each([
  ['a short line stays one', 'Which? ', 80, 40, 1],
  ['a full row has the cursor on the next', 'x'.repeat(80), 80, 80, 2],
  ['what was one row is two on half the columns', 'x'.repeat(60), 80, 40, 2],
  ['what was broken stays broken on more columns', 'x'.repeat(90), 80, 160, 2],
  ['what was broken is broken once more on fewer', 'x'.repeat(90), 80, 50, 3],
  ['each line of a message counts', `${'x'.repeat(90)}\n\ny`, 80, 80, 4],
  ['wide characters take two columns', '日'.repeat(30), 80, 40, 2],
  ['colors take none', `\u001b[1m${'x'.repeat(30)}\u001b[22m`, 80, 40, 1],
])('%s', (_, text, drawnAt, columns, rows) => {
  expect(rowsOf(text, drawnAt, columns)).toBe(rows);
});
