import { EventEmitter } from 'node:events';
import { mkdtempSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { afterAll, beforeEach, expect, test, vi } from 'vitest';
import { z } from 'zod';
import { systemClock } from './clock.ts';
import { defineSettings } from './config.ts';
import { LiveSettings } from './live-settings.ts';
import { createLogger, setLogLevel } from './log.ts';
import { answerReloads, ReloadAsker } from './reload-channel.ts';

const definition = defineSettings({
  LIMIT: { schema: z.coerce.number().int().min(0).default(5), doc: 'Limit.', reloadable: true },
  LEAST: { schema: z.coerce.number().int().min(0).default(0), doc: 'Least.' },
  PASSWORD: { schema: z.string().min(4).optional(), doc: 'Password.', secret: true, reloadable: true },
  CERT: { schema: z.string().optional(), doc: 'Certificate.', reloadable: (before, after) => (before === undefined) === (after === undefined) },
  FIRST: { schema: z.string().default('x'), doc: 'First.', firstStartOnly: true },
});

const dir = mkdtempSync(join(tmpdir(), 'reelay-live-'));
afterAll(() => rmSync(dir, { recursive: true }));
const file = join(dir, 'reelay.json');
const logger = createLogger({ service: 'test', level: 'silent' });
const write = (settings: object): void => writeFileSync(file, JSON.stringify(settings));
const open = (env: Record<string, string> = {}): LiveSettings<typeof definition> =>
  new LiveSettings(definition, {
    env, file, logger,
    check: ({ LIMIT, LEAST }) => (LIMIT < LEAST ? [{ name: 'LIMIT', message: 'is less than LEAST' }] : []),
  });
beforeEach(() => write({ LIMIT: 1, PASSWORD: 'S3CRET' }));

test('what may change changes, the rest is named, and no value is', async () => {
  const live = open();
  const { values } = live;
  write({ LIMIT: 2, LEAST: 1, PASSWORD: 'S3CRET-2', FIRST: 'y', CERT: 'c' });
  const difference = await live.reload();
  expect(difference).toEqual({ changed: ['LIMIT', 'PASSWORD'], needsRestart: ['LEAST', 'CERT'], withoutEffect: ['FIRST'] });
  expect(live.current).toEqual({ LIMIT: 2, LEAST: 0, PASSWORD: 'S3CRET-2', FIRST: 'x', CERT: undefined });
  expect({ ...values }).toEqual(live.current);
  expect(Object.isFrozen(live.current)).toBe(true);
  // It goes on to differ, so it is said again.
  expect(await live.reload()).toEqual({ changed: [], needsRestart: ['LEAST', 'CERT'], withoutEffect: ['FIRST'] });
  expect(live.stats).toMatchObject({ changed: 1, unchanged: 1, refused: 0, lastRefused: false });
});

test('what the environment says is not changed by the file, and a key that is gone is the default again', async () => {
  const live = open({ LIMIT: '7' });
  write({ LIMIT: 2 });
  expect(await live.reload()).toMatchObject({ changed: ['PASSWORD'] });
  expect(live.current).toMatchObject({ LIMIT: 7, PASSWORD: undefined });
  const other = open();
  write({});
  expect(await other.reload()).toMatchObject({ changed: ['LIMIT'] });
  expect(other.current.LIMIT).toBe(5);
});

test('a bad file changes nothing and names all faults', async () => {
  const live = open();
  const before = live.current;
  write({ LIMIT: -1, PASSWORD: 'abc' });
  await expect(live.reload()).rejects.toMatchObject({ problems: [{ name: 'LIMIT' }, { name: 'PASSWORD' }] });
  writeFileSync(file, '{"LIMIT": 2');
  await expect(live.reload()).rejects.toMatchObject({ code: 'config_invalid' });
  rmSync(file);
  await expect(live.reload()).rejects.toMatchObject({ code: 'config_invalid' });
  expect(live.current).toBe(before);
  expect(live.stats).toMatchObject({ changed: 0, refused: 3, lastRefused: true });
});

test('new values must fit what stays until a restart', async () => {
  write({ LIMIT: 5, LEAST: 3 });
  const live = open();
  write({ LIMIT: 1, LEAST: 0 });
  await expect(live.reload()).rejects.toMatchObject({ problems: [{ name: 'LIMIT' }] });
  expect(live.current.LIMIT).toBe(5);
});

test('one who refuses keeps all others from changing', async () => {
  const live = open();
  const seen: string[] = [];
  live.use((next) => ({ changed: ['a file'], commit: () => seen.push(`limit ${live.values.LIMIT} of ${next.LIMIT}`) }));
  const endRefusal = live.use(async () => Promise.reject(new Error('the certificate does not fit')));
  write({ LIMIT: 3 });
  await expect(live.reload()).rejects.toThrow('the certificate does not fit');
  expect(seen).toEqual([]);
  endRefusal();
  expect(await live.reload()).toMatchObject({ changed: ['LIMIT', 'PASSWORD', 'a file'] });
  expect(seen).toEqual(['limit 3 of 3']);
});

test('one who fails to change does not keep the others from it', async () => {
  const live = open();
  const committed = vi.fn<() => void>();
  live.use(() => ({
    commit: () => {
      throw new Error('boom');
    },
  }));
  live.use(() => ({ commit: committed }));
  await live.reload();
  expect(committed).toHaveBeenCalledOnce();
});

test('of two reloads at once, the one that commits second is refused', async () => {
  const live = open();
  write({ LIMIT: 2 });
  const first = await live.prepare();
  write({ LIMIT: 3 });
  const second = await live.prepare();
  second.commit();
  expect(() => first.commit()).toThrow('another reload');
  expect(live.current.LIMIT).toBe(3);
});

test('the level of a logger changes for the children it has already', () => {
  const lines: string[] = [];
  const root = createLogger({ service: 'test', level: 'warn', destination: { write: (line) => lines.push(line) } });
  const child = root.child({ part: 'x' }).child({ deeper: 1 });
  child.info('no');
  setLogLevel(root, 'debug');
  child.debug('yes');
  setLogLevel(root, 'silent');
  child.fatal('no');
  expect(lines.map((line) => (JSON.parse(line) as { msg: string }).msg)).toEqual(['yes']);
});

const ask = (asker: ReloadAsker, step: 'prepare' | 'commit', id: string) => asker.ask(step, id, 1_000, systemClock);

/** A service and its parent, joined without a process between them. */
function pair(live: LiveSettings<typeof definition>): ReloadAsker {
  const toService = new EventEmitter();
  const toParent = new EventEmitter();
  const service = { on: (event: 'message', fn: (message: unknown) => void) => toService.on(event, fn), send: (message: object) => toParent.emit('message', message) };
  answerReloads(service, live, logger);
  return new ReloadAsker({ send: (message) => toService.emit('message', message), onMessage: (fn) => toParent.on('message', fn) });
}

test('a parent reloads several as one', async () => {
  const [a, b] = [open(), open({ LIMIT: '7' })];
  const [askA, askB] = [pair(a), pair(b)];
  write({ LIMIT: 2, PASSWORD: 'S3CRET' });
  expect(await ask(askA, 'prepare', '1')).toMatchObject({ reloadAnswer: 'prepared', changed: ['LIMIT'] });
  expect(await ask(askB, 'prepare', '1')).toMatchObject({ reloadAnswer: 'prepared', changed: [] });
  expect(a.current.LIMIT).toBe(1);
  expect(await ask(askA, 'commit', '1')).toMatchObject({ reloadAnswer: 'done' });
  expect(a.current.LIMIT).toBe(2);
  askB.drop('1');
  expect(await ask(askB, 'commit', '1')).toMatchObject({ reloadAnswer: 'refused' });
  write({ LIMIT: -2, PASSWORD: 'S3' });
  const refused = await ask(askA, 'prepare', '2');
  expect(refused).toMatchObject({ reloadAnswer: 'refused', problems: [expect.stringContaining('LIMIT'), expect.stringContaining('PASSWORD')] });
  expect(JSON.stringify(refused)).not.toContain('S3');
});

test('a service that does not answer is not waited for', async () => {
  const silent = new ReloadAsker({ send: () => true, onMessage: () => {} });
  expect(await silent.ask('prepare', '1', 20, systemClock)).toBeNull();
  const gone = new ReloadAsker({ send: () => false, onMessage: () => {} });
  expect(await gone.ask('prepare', '1', 60_000, systemClock)).toBeNull();
});
