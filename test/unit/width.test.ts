import stringWidth from 'string-width';
import { expect, test } from 'vitest';
import { beginning, cut, cutStart, displayWidth } from '../../src/cli/width.ts';

const units = [
  'a',
  'ä',
  '漢',
  'e\u0301',
  '👩‍👩‍👧',
  '🇩🇪',
  'กำ',
  '\u1100\u1161\u11a8',
  '한',
  'م',
  'ｶﾞ',
  '1️⃣',
  'क्षि',
  '\u0301',
];

test.each([...units, units.join(' ')])('of %j as often as one likes, the width is what the library says', (unit) => {
  for (const times of [1, 60, 131, 299]) {
    const text = `x${unit.repeat(times)}y ${unit.repeat(times)}`;
    expect(displayWidth(text), `${times}`).toBe(stringWidth(text));
  }
});

test('colors take no column, however long the text', () => {
  expect(displayWidth(`\u001b[31m${'ä'.repeat(600)}\u001b[39m`)).toBe(600);
});

test('what is cut fits, from either end, and no half of a character is left', () => {
  for (const unit of units.slice(0, -1)) {
    const text = unit.repeat(100_000);
    for (const short of [cut(text, 20), cutStart(text, 20), cut(beginning(text, 20), 20)]) {
      expect(displayWidth(short), unit).toBeLessThanOrEqual(20);
      expect(short.replace('…', '').replaceAll(unit, ''), unit).toBe('');
    }
    expect(cut(text, 20).endsWith('…') && cutStart(text, 20).startsWith('…')).toBe(true);
    expect(beginning(text, 20).length).toBeLessThan(1100);
  }
  expect([cut('ä', 1), beginning('ä'.repeat(1000), 20)]).toEqual(['ä', 'ä'.repeat(1000)]);
});
