import { availableParallelism } from 'node:os';
import { defineConfig } from 'vitest/config';
import { RetryReporter } from './test/support/retry-reporter.mts';

export default defineConfig({
  test: {
    include: ['test/{unit,commands,contract,golden,platform}/**/*.test.ts'],
    globalSetup: 'test/support/shared-keys-setup.mts',
    // Ends only what hangs: a busy machine is many times slower than an idle one, and speed is for the benchmarks.
    testTimeout: 60_000,
    hookTimeout: 60_000,
    // Every test has a home, ports and a clock of its own, so files may run side by side.
    // Two cores in CI run more than one platform at a time. The reporter names each second try, and fails the run above two.
    retry: process.env['CI'] ? 1 : 0,
    reporters: ['default', new RetryReporter()],
    pool: 'forks',
    // By default two cores get one worker, and half of each file is waiting for something.
    maxWorkers: Math.max(2, availableParallelism()),
    sequence: { hooks: 'stack' },
    env: { NO_COLOR: '' },
    unstubEnvs: true,
  },
});
