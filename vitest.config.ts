import { defineConfig } from 'vitest/config'

export default defineConfig({
  test: {
    include: ['src/**/*.test.ts', 'test/**/*.test.ts'],
    pool: 'threads',
    // Tests start real servers: more at a time than there are cores only makes them slow.
    maxWorkers: 2,
    testTimeout: 30_000,
    hookTimeout: 60_000,
    globalSetup: './test/warnings/run.ts',
    setupFiles: './test/warnings/setup.ts',
    reporters: ['default', './test/plain-reporter.ts'],
  },
})
