/** The value as one word for a POSIX shell; quotes only what it would read as more than one plain word. */
export function shellWord(value: string): string {
  // zsh reads a leading `=` as the path of a command.
  return /^[A-Za-z0-9_@%+:,./-][A-Za-z0-9_@%+=:,./-]*$/.test(value) ? value : `'${value.replaceAll("'", `'\\''`)}'`;
}
