/** Returns the words of the page that a command line asks for, with blanks between; undefined for any other line. */
export function pageAskedFor(words: readonly string[]): string | undefined {
  const last = words.at(-1);
  if (words.length > 0 && last !== '--help' && last !== '-h') return undefined;
  return words.slice(0, -1).join(' ');
}
