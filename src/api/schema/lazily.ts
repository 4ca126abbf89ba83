/**
 * Returns the tables that the texts hold as JSON, each read when it is first looked at. A command needs a dozen of a
 * thousand, and text is the cheapest thing to load.
 */
export function lazily<T, Name extends string = string>(
  texts: Readonly<Record<Name, string>>,
): Readonly<Record<Name, T>> {
  const tables = {};
  for (const name of Object.keys(texts) as Name[]) {
    const settle = (value: unknown) => Object.defineProperty(tables, name, { value, enumerable: true });
    Object.defineProperty(tables, name, {
      enumerable: true,
      configurable: true,
      get() {
        const value: unknown = JSON.parse(texts[name]);
        settle(value);
        return value;
      },
    });
  }
  // Every name of the texts has its getter.
  return tables as Readonly<Record<Name, T>>;
}

/** Returns one table of several. A spread would read every entry of each. */
export function together<T>(...tables: readonly Readonly<Record<string, T>>[]): Readonly<Record<string, T>> {
  const all: Record<string, T> = {};
  for (const table of tables) {
    for (const name of Object.keys(table))
      Object.defineProperty(all, name, { enumerable: true, configurable: true, get: () => table[name] });
  }
  return all;
}
