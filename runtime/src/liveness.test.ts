import { spawn, spawnSync } from 'node:child_process';
import { existsSync } from 'node:fs';
import { mkdtemp, rm, stat, utimes } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { createInterface } from 'node:readline';
import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import { Liveness } from './liveness.ts';
import { createLogger } from './log.ts';
import { ManualClock } from './testing.ts';

const logger = createLogger({ service: 'test', level: 'silent' });
let folder: string;
beforeAll(async () => {
  folder = await mkdtemp(join(tmpdir(), 'reelay-liveness-'));
});
afterAll(() => rm(folder, { recursive: true, force: true }));

describe('the file for health checks', () => {
  it('is there from ready on, is touched again and again, and goes at the end', async () => {
    const path = join(folder, 'alive');
    const clock = new ManualClock();
    const liveness = new Liveness({ env: { REELAY_ALIVE_FILE: path }, clock, logger });
    expect(existsSync(path)).toBe(false);
    liveness.ready();
    await expect.poll(() => existsSync(path)).toBe(true);
    await utimes(path, new Date(0), new Date(0));
    clock.advance(5_000);
    await expect.poll(async () => (await stat(path)).mtimeMs).toBe(clock.now().getTime());
    liveness.stopping();
    await liveness.stopped();
    expect(existsSync(path)).toBe(false);
  });
});

// A datagram socket as systemd has one: Node cannot make one, Python can.
const READ_DATAGRAMS = `
import os, socket, sys
s = socket.socket(socket.AF_UNIX, socket.SOCK_DGRAM)
s.bind(sys.argv[1])
print("bound", flush=True)
while True:
    data, fds, _, _ = socket.recv_fds(s, 4096, 8)
    for fd in fds: os.close(fd)
    print(data.decode().replace("\\n", " "), flush=True)
`;
const canListen = spawnSync('systemd-notify', ['--version']).status === 0 && spawnSync('python3', ['--version']).status === 0;

describe.skipIf(!canListen)('systemd', () => {
  it('hears ready, the watchdog, reloading and stopping, in order', async () => {
    const socket = join(folder, 'notify');
    const listener = spawn('python3', ['-c', READ_DATAGRAMS, socket], { stdio: ['ignore', 'pipe', 'ignore'] });
    const heard: string[] = [];
    createInterface({ input: listener.stdout }).on('line', (line) => heard.push(line));
    await expect.poll(() => heard).toContain('bound');
    const clock = new ManualClock();
    const liveness = new Liveness({ env: { PATH: process.env['PATH'], NOTIFY_SOCKET: socket, WATCHDOG_USEC: '20000000' }, clock, logger });
    liveness.ready();
    clock.advance(10_000);
    liveness.reloading(false);
    liveness.reloading(true);
    liveness.stopping();
    await liveness.stopped();
    const words = heard.join(' ').split(' ').filter((word) => /^(READY|WATCHDOG|RELOADING|STOPPING)=1$/.test(word));
    expect(words).toEqual(['READY=1', 'WATCHDOG=1', 'RELOADING=1', 'READY=1', 'STOPPING=1']);
    expect(heard.join(' ')).toContain(`MAINPID=${process.pid}`);
    listener.kill();
  });
});
