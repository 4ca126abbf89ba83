import { defineConfig } from 'vitest/config';

export default defineConfig({
  test: {
    include: ['test/{unit,commands,contract,golden,platform}/**/*.test.ts'],
    testTimeout: 20_000,
    hookTimeout: 30_000,
    // Every test has a home, ports and a clock of its own, so files may run side by side.
    // Two cores in CI run more than one platform at a time; a second failure of the same test is not chance.
    retry: process.env['CI'] ? 1 : 0,
    pool: 'forks',
    sequence: { hooks: 'stack' },
    env: { NO_COLOR: '' },
    unstubEnvs: true,
  },
});
