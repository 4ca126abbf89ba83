import { defineConfig } from 'vitest/config';
import { RetryReporter } from './test/support/retry-reporter.mts';

// Whole stories through the built program and clients we did not write. One file at a time: they start browsers,
// platforms and registries, and two cores are all there is.
export default defineConfig({
  test: {
    include: ['test/e2e/**/*.test.ts'],
    globalSetup: 'test/support/shared-folder-setup.mts',
    setupFiles: 'test/support/setup.mts',
    testTimeout: 120_000,
    hookTimeout: 120_000,
    // Two cores in CI run more than one platform at a time. The reporter names each second try, and fails the run above two.
    retry: process.env['CI'] ? 1 : 0,
    reporters: ['default', new RetryReporter()],
    pool: 'forks',
    fileParallelism: false,
  },
});
