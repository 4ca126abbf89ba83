// What test support cleans up after every test. Several test files share a process (vitest.config.mts), in which a module is
// loaded once: an `afterEach` at its top level would count for the first of them alone.

type CleanUp = () => Promise<void> | void;

const cleanups: CleanUp[] = [];

/** Calls `cleanUp` after every test of every file of this process, from now on. */
export function afterEachTest(cleanUp: CleanUp): void {
  cleanups.push(cleanUp);
}

/** Runs them all, the latest first. Throws what they threw. */
export async function cleanUpAfterTest(): Promise<void> {
  const errors: unknown[] = [];
  for (const cleanUp of cleanups.toReversed()) {
    try {
      await cleanUp();
    } catch (error) {
      errors.push(error);
    }
  }
  if (errors.length > 1) throw new AggregateError(errors, errors.map(String).join('; '));
  if (errors.length === 1) throw errors[0];
}
