/**
 * Two gateways behind nginx under 200 viewers, 300 listeners and 50 requests a second: restarted in turns, three rounds;
 * then one is killed. Prints its figures as JSON (docs/reliability.md).
 */
import { afterAll, beforeAll, expect, it } from 'vitest';
import { figuresOf } from '../rolling-restart/report.ts';
import { type Load, type Result, Scenario } from '../rolling-restart/scenario.ts';
import { findWrongs } from '../rolling-restart/verdict.ts';

const LOAD: Load = { viewers: 200, listeners: 300, requestsPerSecond: 50, uploads: 3 };
const ROUNDS = 3;

let scenario: Scenario;
beforeAll(async () => {
  scenario = await Scenario.start();
}, 240_000);
afterAll(() => scenario.stop(), 60_000);

const print = (what: string, result: Result): void => console.log(JSON.stringify({ what, ...figuresOf(LOAD, result) }));

it('restarted in turns: no request fails, no picture stands still, nothing is lost or doubled', async () => {
  const result = await scenario.run(LOAD, 1, async (during) => {
    for (let round = 0; round < ROUNDS; round += 1) for (const gateway of scenario.gateways) await scenario.restart(gateway, during);
  });
  print('rolling restart', result);
  expect(result.tally.failures.slice(0, 5), scenario.edge.errors()).toEqual([]);
  expect(result.watched.stalls).toBe(0);
  expect(result.exits).toEqual(Array.from({ length: ROUNDS * 2 }, () => 0));
  expect(result.heard.filter(({ broken, resets }) => broken > 0 || resets > 0)).toEqual([]);
  expect(await findWrongs(scenario, result)).toEqual([]);
}, 900_000);

it('killed: what was in flight fails, everybody goes on within 5 s, nothing is lost or doubled', async () => {
  let killedAtMs = 0;
  const result = await scenario.run(LOAD, 2, async (during) => {
    killedAtMs = during.tally.nowMs;
    await scenario.restart(scenario.gateways[0], during, 'SIGKILL');
  });
  print('kill -9', result);
  const lastMs = Math.max(0, ...result.tally.failures.map(({ atMs }) => atMs - killedAtMs));
  console.log(JSON.stringify({ what: 'kill -9', failedForMs: lastMs }));
  expect(lastMs).toBeLessThan(5_000);
  expect(result.watched.stalls).toBe(0);
  expect(await findWrongs(scenario, result)).toEqual([]);
}, 900_000);
