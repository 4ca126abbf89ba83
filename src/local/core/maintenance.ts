export interface Maintenance {
  /** Waits for the round that is running. */
  stop(): Promise<void>;
}

const hour = 60 * 60 * 1000;
/** Whoever starts a platform asks it something, and comes first. */
const firstRound = 1000;

/** Runs the tasks one after the other in a second and every hour. A task that fails is tried again in the next round. */
export function startMaintenance(
  tasks: readonly (() => Promise<unknown>)[],
  onDefect: (error: unknown) => void,
): Maintenance {
  let stopped = false;
  let running: Promise<void> | undefined;
  const round = async (): Promise<void> => {
    for (const task of tasks) {
      if (stopped) return;
      await task().catch(onDefect);
    }
  };
  const start = (): void => {
    running ??= round().finally(() => {
      running = undefined;
    });
  };
  const timer = setInterval(start, hour).unref();
  const first = setTimeout(start, firstRound).unref();
  return {
    async stop() {
      stopped = true;
      clearInterval(timer);
      clearTimeout(first);
      await running;
    },
  };
}
