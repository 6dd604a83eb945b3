import { mkdtempSync, renameSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { afterAll, beforeEach, expect, test } from 'vitest';
import { type Clock, systemClock } from './clock.ts';
import { TokenInvalid } from './signed-url.ts';
import { SigningKeys } from './signing-keys.ts';

const dir = mkdtempSync(join(tmpdir(), 'reelay-keys-'));
afterAll(() => rmSync(dir, { recursive: true }));
const path = join(dir, 'secret.key');
const DAY_MS = 86_400_000;
const key = (letter: string): string => letter.repeat(40);
const inAnHour = (): number => Date.now() + 3_600_000;
const write = (...keys: string[]): void => {
  writeFileSync(`${path}.new`, `${keys.join('\n')}\n`, { mode: 0o600 });
  renameSync(`${path}.new`, path);
};

let monotonicMs: number;
const clock: Clock = { ...systemClock, monotonicMs: () => monotonicMs };
beforeEach(() => {
  monotonicMs = 0;
  write(key('a'));
});

test('a token of the key before is accepted after a reload, for a week', () => {
  const keys = SigningKeys.open(path, clock);
  const old = keys.sign({ n: 1 }, inAnHour());
  write(key('b'));
  const { changed, commit } = keys.prepare(path);
  expect(changed).toEqual(['the keys in REELAY_SECRET_FILE']);
  commit?.();
  expect(keys.verify(old)).toEqual({ n: 1 });
  expect(SigningKeys.open(path, clock).verify(keys.sign({ n: 2 }, inAnHour()))).toEqual({ n: 2 });
  monotonicMs += 8 * DAY_MS;
  expect(() => keys.verify(old)).toThrow(TokenInvalid);
});

test('two processes that reload at different times understand each other', () => {
  const [scheduler, gateway] = [SigningKeys.open(path, clock), SigningKeys.open(path, clock)];
  write(key('b'));
  scheduler.prepare(path).commit?.();
  const fresh = scheduler.sign({ n: 1 }, inAnHour());
  expect(gateway.verify(fresh)).toEqual({ n: 1 });
  // It signs with its own key until it reloads.
  expect(scheduler.verify(gateway.sign({ n: 2 }, inAnHour()))).toEqual({ n: 2 });
  gateway.prepare(path).commit?.();
  expect(gateway.verify(fresh)).toEqual({ n: 1 });
});

test('a key on a further line verifies, and is dropped with its line', () => {
  const old = SigningKeys.open(path, clock).sign({ n: 1 }, inAnHour());
  write(key('b'), key('a'));
  const keys = SigningKeys.open(path, clock);
  expect(keys.verify(old)).toEqual({ n: 1 });
  write(key('b'));
  keys.prepare(path).commit?.();
  expect(() => keys.verify(old)).toThrow(TokenInvalid);
});

test('rubbish makes nobody read the file more than once a second, and a bad file changes nothing', () => {
  const keys = SigningKeys.open(path, clock);
  expect(() => keys.verify('rubbish')).toThrow(TokenInvalid);
  write(key('b'));
  const fresh = SigningKeys.open(path, clock).sign({ n: 1 }, inAnHour());
  expect(() => keys.verify(fresh)).toThrow(TokenInvalid);
  monotonicMs += 1_000;
  expect(keys.verify(fresh)).toEqual({ n: 1 });
  const mine = keys.sign({ n: 2 }, inAnHour());
  write('short');
  expect(() => keys.prepare(path)).toThrow('fewer than 32');
  rmSync(path);
  expect(() => keys.prepare(path)).toThrow('cannot be read');
  expect(keys.verify(mine)).toEqual({ n: 2 });
  expect(keys.verify(fresh)).toEqual({ n: 1 });
});

test('the same file is no change', () => {
  const keys = SigningKeys.open(path, clock);
  write(key('a'));
  expect(keys.prepare(path).changed).toEqual([]);
});
