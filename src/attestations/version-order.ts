/** Order of apk's versions such as `1.2.3_rc1-r4`, as far as advisories need it: below zero when `a` is the older. */
export function compareVersions(a: string, b: string): number {
  const left = partsOf(a);
  const right = partsOf(b);
  return (
    compareLists(left.numbers, right.numbers) ||
    compareTexts(left.letter, right.letter) ||
    compareLists(left.suffixes, right.suffixes) ||
    left.epoch - right.epoch
  );
}

/** Suffixes below zero come before the version itself, those above after it. */
const suffixRanks: Readonly<Record<string, number>> = {
  alpha: -4,
  beta: -3,
  pre: -2,
  rc: -1,
  cvs: 1,
  svn: 2,
  git: 3,
  hg: 4,
  p: 5,
};

function partsOf(version: string) {
  const [, main = '', letter = '', suffixes = '', epoch = '0'] =
    /^([0-9]*(?:\.[0-9]+)*)([a-z]?)((?:_[a-z]+[0-9]*)*).*?(?:-r([0-9]+))?$/.exec(version) ?? [];
  return {
    numbers: main.split('.').map(Number),
    letter,
    suffixes: [...suffixes.matchAll(/_([a-z]+)([0-9]*)/g)].flatMap(([, word = '', number = '']) => [
      suffixRanks[word] ?? 0,
      Number(number),
    ]),
    epoch: Number(epoch),
  };
}

function compareLists(a: readonly number[], b: readonly number[]): number {
  for (let at = 0; at < Math.max(a.length, b.length); at += 1) {
    const difference = (a[at] ?? 0) - (b[at] ?? 0);
    if (difference !== 0) return difference;
  }
  return a.length - b.length;
}

const compareTexts = (a: string, b: string) => (a < b ? -1 : a > b ? 1 : 0);
