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
