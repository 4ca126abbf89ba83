export interface Lazily<T> {
  (): Promise<T>;
  /** Undefined before the first call. */
  readonly made: Promise<T> | undefined;
}

/** Makes the value at the first call, once; after a failure the next call tries again. */
export function lazily<T>(make: () => Promise<T>): Lazily<T> {
  let made: Promise<T> | undefined;
  const get = (): Promise<T> => {
    made ??= make().catch((error: unknown) => {
      made = undefined;
      throw error;
    });
    return made;
  };
  return Object.defineProperty(get, 'made', { get: () => made }) as Lazily<T>;
}
