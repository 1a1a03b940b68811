import { defineConfig } from 'vitest/config';

export default defineConfig({
  test: {
    include: ['test/**/*.test.ts'],
    // Only what hangs is to meet them: a test takes seconds, and a loaded host is ten times slower.
    testTimeout: 180_000,
    hookTimeout: 180_000,
    pool: 'forks',
    // Sessions look for broken invariants wherever the machine rests (src/timeline/rest-check.ts).
    env: { BACKSTUB_CHECK: '1' },
  },
});
