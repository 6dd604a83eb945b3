import { Hono } from 'hono';
import { expect, test } from 'vitest';
import { addressGroup, isLoopback } from './client-address.ts';
import type { AppEnv } from './env.ts';

test.each([
  ['203.0.113.7', '203.0.113.7'],
  ['::ffff:203.0.113.7', '203.0.113.7'],
  ['2001:db8:1:2:3:4:5:6', '2001:db8:1:2'],
  ['2001:DB8:1:2::9', '2001:db8:1:2'],
  ['2001:0db8:0001::1', '2001:db8:1:0'],
  ['::1', '0:0:0:0'],
  ['fe80::1%eth0', 'fe80:0:0:0'],
  ['', ''],
])('%s is counted as %s', (address, group) => {
  expect(addressGroup(address)).toBe(group);
});

const local = async (remoteAddress: string, headers: Record<string, string>, trustProxy = false): Promise<boolean> => {
  const app = new Hono<AppEnv>().get('/', (c) => c.json(isLoopback(c, trustProxy)));
  const incoming = { socket: { remoteAddress } } as NonNullable<AppEnv['Bindings']['incoming']>;
  return (await (await app.request('/', { headers }, { incoming })).json()) as boolean;
};

test.each(['127.0.0.1', '::1', '::ffff:127.0.0.1', '127.8.8.8'])('%s is this machine, unless a proxy on it asks for somebody', async (address) => {
  expect(await local(address, {})).toBe(true);
  for (const header of ['x-forwarded-for', 'X-Real-IP', 'forwarded', 'via', 'x-forwarded-proto', 'cf-connecting-ip']) expect(await local(address, { [header]: '127.0.0.1' }), header).toBe(false);
});

test('a trusted proxy says whose request it is; who comes from elsewhere cannot say that he is here', async () => {
  expect(await local('127.0.0.1', { 'x-forwarded-for': '203.0.113.7' }, true)).toBe(false);
  expect(await local('127.0.0.1', { 'x-forwarded-for': '127.0.0.1, 203.0.113.7' }, true)).toBe(false);
  expect(await local('127.0.0.1', { 'x-forwarded-for': '127.0.0.1' }, true)).toBe(true);
  expect(await local('127.0.0.1', { 'x-real-ip': '127.0.0.1' }, true)).toBe(false);
  expect(await local('203.0.113.7', { 'x-forwarded-for': '127.0.0.1' }, true)).toBe(false);
  for (const address of ['203.0.113.7', '', '127.evil.example', '10.0.0.1']) expect(await local(address, {})).toBe(false);
});
