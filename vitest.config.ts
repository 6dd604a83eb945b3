import { defineConfig } from 'vitest/config';

const WORKSPACES = '{contracts,runtime,store,job-types,gateway,scheduler,node-agent,web,launcher}';

/** Each project begins when the one before it has ended: real encodes beside each other on two cores only wait. */
export default defineConfig({
  test: {
    // A process per file: supervisors belong to main threads, and nothing a test left can reach the next one.
    pool: 'forks',
    projects: [
      {
        extends: true,
        test: { name: 'unit', include: [`${WORKSPACES}/**/*.test.{ts,tsx}`, 'tests/checks/*.test.ts'], exclude: ['**/node_modules/**', '**/dist/**'], testTimeout: 30_000, hookTimeout: 60_000, sequence: { groupOrder: 0 } },
      },
      {
        extends: true,
        test: { name: 'integration', include: ['tests/system/**/*.test.ts'], testTimeout: 240_000, hookTimeout: 120_000, maxWorkers: 1, sequence: { groupOrder: 1 } },
      },
      {
        extends: true,
        test: { name: 'e2e', include: ['tests/e2e/**/*.test.ts'], testTimeout: 240_000, hookTimeout: 120_000, maxWorkers: 1, sequence: { groupOrder: 2 } },
      },
    ],
  },
});
