import { defineConfig } from 'vitest/config';

// Whole stories through the built program and clients we did not write. One file at a time: they start browsers,
// platforms and registries, and two cores are all there is.
export default defineConfig({
  test: {
    include: ['test/e2e/**/*.test.ts'],
    testTimeout: 120_000,
    hookTimeout: 120_000,
    // Two cores in CI run more than one platform at a time; a second failure of the same test is not chance.
    retry: process.env['CI'] ? 1 : 0,
    pool: 'forks',
    fileParallelism: false,
  },
});
