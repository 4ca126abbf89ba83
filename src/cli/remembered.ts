// Answers that hold as long as one run of a command. Guarantees: each is asked for once, also by two who ask at once, and what
// one function remembers no other can read.

/** Stands for one run: what is remembered under it goes when it goes. */
export interface Remembering {
  readonly memory: object;
}

/**
 * Returns the function such that it runs once for each run of a command and each key of its arguments; without a key, once.
 * A failure is remembered too.
 */
export function remembered<C extends Remembering, A extends readonly unknown[], T>(
  load: (context: C, ...args: A) => Promise<T>,
  keyOf: (...args: A) => string = () => '',
): (context: C, ...args: A) => Promise<T> {
  const runs = new WeakMap<object, Map<string, Promise<T>>>();
  return (context, ...args) => {
    const answers = runs.get(context.memory) ?? new Map<string, Promise<T>>();
    runs.set(context.memory, answers);
    const key = keyOf(...args);
    const known = answers.get(key) ?? load(context, ...args);
    answers.set(key, known);
    return known;
  };
}
