import { defineConfig, type Plugin } from 'vitest/config';
import { DRIVER_FILE, fixDriver } from './launcher/driver-fix.mjs';

const driverFix: Plugin = { name: 'postgres driver fix', transform: (code, id) => (DRIVER_FILE.test(id) ? fixDriver(code) : undefined) };

/**
 * unit: beside the code, on real Postgres, NATS and ffmpeg where the code speaks to them.
 * long: each fault of a bad day, and minutes of random ones; on request only (npm run test:long).
 * system: the whole system as processes. e2e: the whole system in Chromium.
 * conformance: streams against the rules of HLS and CMAF, their behaviour, and other people's players.
 * One file at a time where a file runs a system of its own: two cores.
 */
export default defineConfig({
  test: {
    projects: [
      {
        oxc: { jsx: { runtime: 'automatic', importSource: 'preact' } },
        plugins: [driverFix],
        test: {
          name: 'unit',
          server: { deps: { inline: ['postgres'] } },
          include: ['{contracts,runtime,store,job-types,gateway,scheduler,node-agent,web,launcher,cli}/**/*.test.{ts,tsx}', 'tests/*.test.ts', 'tests/deploy/*.test.ts'],
          exclude: ['**/node_modules/**', '**/dist/**', '**/*.e2e.test.ts'],
          pool: 'forks',
          testTimeout: 60_000,
          hookTimeout: 60_000,
        },
      },
      {
        plugins: [driverFix],
        test: {
          name: 'system',
          server: { deps: { inline: ['postgres'] } },
          include: ['tests/system/**/*.system.test.ts'],
          pool: 'forks',
          fileParallelism: false,
          testTimeout: 240_000,
          hookTimeout: 120_000,
        },
      },
      {
        plugins: [driverFix],
        test: {
          name: 'long',
          server: { deps: { inline: ['postgres'] } },
          include: ['tests/long/**/*.long.test.ts'],
          pool: 'forks',
          fileParallelism: false,
          testTimeout: 240_000,
          hookTimeout: 120_000,
        },
      },
      {
        plugins: [driverFix],
        test: {
          name: 'conformance',
          server: { deps: { inline: ['postgres'] } },
          include: ['tests/conformance/**/*.test.ts'],
          pool: 'forks',
          fileParallelism: false,
          testTimeout: 120_000,
          hookTimeout: 120_000,
        },
      },
      {
        test: {
          name: 'e2e',
          include: ['tests/e2e/**/*.e2e.test.ts', '{gateway,web}/**/*.e2e.test.ts'],
          pool: 'forks',
          fileParallelism: false,
          testTimeout: 180_000,
          hookTimeout: 120_000,
        },
      },
    ],
  },
});
