import { availableParallelism } from 'node:os';
import { defineConfig } from 'vitest/config';
import { RetryReporter } from './test/support/retry-reporter.mts';

export default defineConfig({
  test: {
    include: ['test/{unit,commands,contract,golden,platform}/**/*.test.ts'],
    globalSetup: 'test/support/shared-folder-setup.mts',
    setupFiles: 'test/support/setup.mts',
    // Ends only what hangs: a busy machine is many times slower than an idle one, and speed is for the benchmarks.
    testTimeout: 60_000,
    hookTimeout: 60_000,
    // Every test has a home, ports and a clock of its own, and the program keeps nothing at module level, so files run side by
    // side, and one after the other in one process: loading the program anew for each took a third of the time. Stryker
    // switches faults on that modules have met while they loaded.
    isolate: process.env['STRYKER_MUTATOR_WORKER'] !== undefined,
    // Two cores in CI run more than one platform at a time. The reporter names each second try, and fails the run above two.
    retry: process.env['CI'] ? 1 : 0,
    reporters: ['default', new RetryReporter()],
    pool: 'forks',
    // By default two cores get one worker; but a third of a file's time is waiting for processes, clocks and other sides.
    maxWorkers: Math.max(2, Math.ceil(availableParallelism() * 1.5)),
    sequence: { hooks: 'stack' },
    env: { NO_COLOR: '' },
    unstubEnvs: true,
  },
});
