/** Lines of two texts: `+` for what came, `-` for what went, a blank for what stayed. Takes time and room of rows × columns. */
export function lineDifference(before: string, after: string): string[] {
  const [old, fresh] = [before, after].map((text) => text.replace(/\n$/, '').split('\n')) as [string[], string[]];
  const width = fresh.length + 1;
  // The length of the longest common rest, from behind.
  const common = new Uint32Array((old.length + 1) * width);
  for (let row = old.length - 1; row >= 0; row -= 1) {
    for (let column = fresh.length - 1; column >= 0; column -= 1) {
      common[row * width + column] =
        old[row] === fresh[column]
          ? (common[(row + 1) * width + column + 1] ?? 0) + 1
          : Math.max(common[(row + 1) * width + column] ?? 0, common[row * width + column + 1] ?? 0);
    }
  }
  const lines: string[] = [];
  let [row, column] = [0, 0];
  while (row < old.length || column < fresh.length) {
    if (row < old.length && old[row] === fresh[column]) {
      lines.push(` ${old[row]}`);
      row += 1;
      column += 1;
    } else if (
      column < fresh.length &&
      (row === old.length || (common[row * width + column + 1] ?? 0) > (common[(row + 1) * width + column] ?? 0))
    ) {
      lines.push(`+${fresh[column]}`);
      column += 1;
    } else {
      lines.push(`-${old[row]}`);
      row += 1;
    }
  }
  return lines;
}
