import { defineConfig } from 'vitest/config';

export default defineConfig({
  test: {
    include: ['test/**/*.test.ts'],
    // Only what hangs is to meet them: a test takes seconds, and a loaded host is many times slower.
    testTimeout: 600_000,
    hookTimeout: 600_000,
    pool: 'forks',
    // Most of a test's time is a child's: as many at a time as there are cores.
    maxWorkers: '100%',
    // Sessions look for broken invariants wherever the machine rests (src/timeline/rest-check.ts).
    env: { BACKSTUB_CHECK: '1' },
  },
});
