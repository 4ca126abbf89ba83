/**
 * Orders two apk versions, `1.29.3-r0`: below zero when `a` is older. Numbers by value, then a letter, then suffixes
 * (`_alpha _beta _pre _rc` before the release, `_cvs _svn _git _hg _p` after it), then the epoch.
 */
export function compareApkVersions(a: string, b: string): number {
  const left = split(a);
  const right = split(b);
  for (let position = 0; position < Math.max(left.numbers.length, right.numbers.length); position++) {
    const one = left.numbers[position];
    const other = right.numbers[position];
    // 1.2 is older than 1.2.0: what is longer goes on.
    if (one === undefined || other === undefined) return one === undefined ? -1 : 1;
    const difference = compareDigits(one, other, position === 0);
    if (difference !== 0) return difference;
  }
  if (left.letter !== right.letter) return left.letter < right.letter ? -1 : 1;
  for (let position = 0; position < Math.max(left.suffixes.length, right.suffixes.length); position++) {
    const [word = '', number = '0'] = left.suffixes[position] ?? [];
    const [otherWord = '', otherNumber = '0'] = right.suffixes[position] ?? [];
    const difference = rank(word) - rank(otherWord) || compareDigits(number, otherNumber, true);
    if (difference !== 0) return difference;
  }
  return compareDigits(left.epoch, right.epoch, true);
}

const suffixOrder: readonly string[] = ['alpha', 'beta', 'pre', 'rc', '', 'cvs', 'svn', 'git', 'hg', 'p'];

function rank(word: string): number {
  return suffixOrder.indexOf(word);
}

function split(version: string) {
  const [, main = '', letter = '', suffixes = '', epoch = '0'] =
    /^([0-9]+(?:\.[0-9]+)*)([a-z]?)((?:_[a-z]+[0-9]*)*)(?:-r([0-9]+))?$/.exec(version) ?? ['', version, '', '', '0'];
  return {
    numbers: main.split('.'),
    letter,
    suffixes: [...suffixes.matchAll(/_([a-z]+)([0-9]*)/g)].map(
      ([, word = '', number = '']) => [word, number || '0'] as const,
    ),
    epoch,
  };
}

/** Text of digits. Behind the first dot, a leading zero makes it a fraction, as apk reads it. */
function compareDigits(a: string, b: string, isFirst: boolean): number {
  if (!isFirst && (a.startsWith('0') || b.startsWith('0'))) return a < b ? -1 : a > b ? 1 : 0;
  const one = BigInt(/^[0-9]+$/.test(a) ? a : '0');
  const other = BigInt(/^[0-9]+$/.test(b) ? b : '0');
  return one < other ? -1 : one > other ? 1 : 0;
}
