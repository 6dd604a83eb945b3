import { mkdir, writeFile } from 'node:fs/promises';
import { createServer } from 'node:http';
import type { AddressInfo } from 'node:net';
import { join } from 'node:path';
import { afterEach, beforeEach, describe, expect, it } from 'vitest';
import { EXIT } from './exit-codes.ts';
import { EmptyHome } from './testing.ts';

let home: EmptyHome;
beforeEach(async () => {
  home = await EmptyHome.make();
});
afterEach(() => home.remove());

/** A port where nothing listens. */
const deadUrl = async (): Promise<string> => {
  const server = createServer();
  await new Promise<void>((listening) => void server.listen(0, '127.0.0.1', () => listening()));
  const { port } = server.address() as AddressInfo;
  await new Promise((closed) => server.close(closed));
  return `http://127.0.0.1:${port}`;
};

describe('a command line', () => {
  it('that is wrong ends with 2, says why on stderr, and prints nothing', async () => {
    for (const argv of [['bogus'], ['jobs'], ['jobs', 'show'], ['jobs', 'ls', '--limit', '101'], ['jobs', 'ls', '--status', 'gone'], ['jobs', 'create', 'nonsense'], ['stop', '--timeout', 'soon'], ['status', '--bogus'], ['--url', 'nonsense', 'whoami'], ['whoami', '--token-file', '/nonexistent', '--url', 'http://127.0.0.1:9']]) {
      const { code, out, err } = await home.run(argv);
      expect([code, out], argv.join(' ')).toEqual([EXIT.usage, '']);
      expect(err, argv.join(' ')).not.toMatch(/^\s+at /m);
      expect(err.length).toBeGreaterThan(10);
    }
  });
  it('asks for help where it is wanted', async () => {
    for (const argv of [['--help'], ['help'], ['jobs', '--help'], ['help', 'jobs'], ['jobs', 'help', 'create']]) {
      const { code, out, err } = await home.run(argv);
      expect([code, err], argv.join(' ')).toEqual([0, '']);
      expect(out).toContain('Usage: reelay');
    }
    expect((await home.run(['--version'])).out).toMatch(/^\d+\.\d+\.\d+\n$/);
    expect(JSON.parse((await home.run(['version', '--json'])).out)).toMatchObject({ node: process.versions.node });
  });
  it('that needs a gateway says 3 where none was named, 6 where it was', async () => {
    const url = await deadUrl();
    expect(await home.run(['jobs', 'ls'], { PORT: new URL(url).port })).toMatchObject({ code: EXIT.notRunning, out: '', err: expect.stringContaining('reelay start') as string });
    expect(await home.run(['jobs', 'ls', '--url', url])).toMatchObject({ code: EXIT.unreachable });
    expect(await home.run(['jobs', 'ls', '--json'], { REELAY_URL: url, REELAY_TOKEN: 'x' })).toMatchObject({ code: EXIT.unreachable, out: '' });
  });
  it('that needs a sign-in says 5', async () => {
    const server = createServer((_request, response) => response.end('{"status":"ok"}')).listen(0, '127.0.0.1');
    await new Promise((listening) => server.once('listening', listening));
    const { port } = server.address() as AddressInfo;
    expect(await home.run(['jobs', 'ls', '--url', `http://127.0.0.1:${port}`])).toMatchObject({ code: EXIT.notPermitted, err: expect.stringContaining('reelay login') as string });
    server.closeAllConnections();
    server.close();
  });
  it('never shows a token', async () => {
    const url = await deadUrl();
    const { out, err } = await home.run(['whoami', '--url', url], { REELAY_TOKEN: 'a-very-secret-token' });
    expect(out + err).not.toContain('a-very-secret-token');
    expect((await home.run(['whoami', '--url', url], { REELAY_TOKEN: 'se cret' })).err).not.toContain('se cret');
  });
});

describe('what runs here', () => {
  it('is nothing: status, stop and reload say 3', async () => {
    const env = { PORT: new URL(await deadUrl()).port };
    for (const command of ['status', 'stop', 'reload']) expect((await home.run([command], env)).code, command).toBe(EXIT.notRunning);
    expect(JSON.parse((await home.run(['status', '--json'], env)).out)).toMatchObject({ state: 'not running', process: null });
  });
  it('is never another process: a pid file of a dead one, or of a reused pid, is left alone', async () => {
    const data = join(home.folder, 'data');
    await mkdir(data, { recursive: true });
    // This very process, but not the one that the file is about.
    await writeFile(join(data, 'launcher.pid'), `${process.pid}\nstart-ticks 1\nrun x\nsince 2026-01-01T00:00:00Z\n`);
    expect((await home.run(['stop'])).code).toBe(EXIT.notRunning);
    expect((await home.run(['reload'])).code).toBe(EXIT.notRunning);
    await writeFile(join(data, 'launcher.pid'), 'nonsense');
    expect((await home.run(['stop'])).code).toBe(EXIT.notRunning);
  });
});

it('start and the services become other programs, or say what is missing', async () => {
  for (const command of ['start', 'gateway', 'scheduler', 'agent']) expect((await home.run([command])).code, command).toBe(EXIT.failure);
  await mkdir(join(home.folder, 'dist'), { recursive: true });
  await writeFile(join(home.folder, 'dist', 'gateway.js'), '');
  expect((await home.run(['gateway'])).code).toBe('another program');
});
