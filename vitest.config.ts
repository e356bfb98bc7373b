import { defineConfig } from 'vitest/config'

export default defineConfig({
  test: {
    include: ['**/*.test.ts'],
    exclude: ['node_modules/**', 'dist/**'],
    // Tests with real processes and databases wait for conditions, each with a deadline of its own.
    testTimeout: 60_000,
    hookTimeout: 60_000,
    pool: 'forks',
    // One more than cores: most of them wait for other processes, much of the time.
    maxWorkers: 3,
  },
})
