/** A short slice of tests/long/rolling-restart: one round with few clients. */
import { afterAll, beforeAll, expect, it } from 'vitest';
import { figuresOf } from '../rolling-restart/report.ts';
import { Scenario } from '../rolling-restart/scenario.ts';
import { findWrongs } from '../rolling-restart/verdict.ts';

let scenario: Scenario;
beforeAll(async () => {
  scenario = await Scenario.start();
}, 240_000);
afterAll(() => scenario.stop());

it('both gateways are restarted behind nginx: no request fails, no picture stands still, nothing is lost or doubled', async () => {
  const load = { viewers: 30, listeners: 20, requestsPerSecond: 10, uploads: 2 };
  const result = await scenario.run(load, 1, async (during) => {
    for (const gateway of scenario.gateways) await scenario.restart(gateway, during);
  });
  console.log(JSON.stringify(figuresOf(load, result)));
  expect(result.tally.failures.slice(0, 5), scenario.edge.errors()).toEqual([]);
  expect(result.watched.stalls).toBe(0);
  expect(result.exits).toEqual([0, 0]);
  expect(result.heard.filter(({ broken, resets }) => broken > 0 || resets > 0)).toEqual([]);
  expect(await findWrongs(scenario, result)).toEqual([]);
});
