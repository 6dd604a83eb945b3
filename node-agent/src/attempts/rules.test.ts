import { type JobOutcome, type LogLine, workOrderSchema, type WorkOrder } from '@reelay/contracts';
import { Ctx, MemoryPressure, newId, Shutdown } from '@reelay/runtime';
import { NoResponders, RemoteError } from '@reelay/runtime/bus';
import { ManualClock } from '@reelay/runtime/testing';
import { describe, expect, it } from 'vitest';
import { type NodeState, recognise, refuse } from './admission.ts';
import { mustStop, RUN_ON_MS } from './lease-fence.ts';
import { LogShipper } from './log-shipper.ts';
import { crashOf, outcomeOf } from './outcome.ts';
import { ProgressGate } from './progress-gate.ts';

const order = (more: Partial<WorkOrder> = {}): WorkOrder => workOrderSchema.parse({
  jobId: newId(), epoch: 1, type: 'reencode_streaming', category: 'gpu_encode', deviceId: 'software', vramMb: 4000, leaseMs: 30_000, timeLimitMs: 60_000, stallMs: 30_000,
  inputs: [], outputs: [], effectsUrl: '/e', order: {}, ...more,
});
const device = { id: 'software', index: 0, kind: 'software', name: 'Software encoding', totalMb: 16_000, freeMb: 16_000, utilization: null, temperatureC: null } as const;
const node = (more: Partial<NodeState> = {}): NodeState => ({
  draining: false, limits: { cpu: 5, gpu_encode: 2, gpu_ai: 1 }, running: { cpu: 0, gpu_encode: 0, gpu_ai: 0 }, devices: [device], bookedMb: () => 0,
  hasEncoder: true, freeBytes: 1e12, minFreeBytes: 1e8, mountsLibrary: true, memoryPressure: null, ...more,
});

const progress = (percent: number) => ({ percent, phase: 'encoding', message: '', fps: null, speed: null, etaSeconds: null });
const line = (text: string): LogLine => ({ at: '2026-01-01T00:00:00.000Z', stream: 'job', text });
const doNothing = (): void => {};

describe('admission', () => {
  it('takes what fits', () => expect(refuse(order(), node())).toBeNull());
  it('says the first thing that does not fit, with numbers', () => {
    expect(refuse(order(), node({ draining: true }))?.code).toBe('draining');
    expect(refuse(order(), node({ memoryPressure: '93% of 16 GB in use' }))).toEqual({ code: 'memory_pressure', detail: 'memory is short: 93% of 16 GB in use' });
    expect(refuse(order(), node({ running: { cpu: 5, gpu_encode: 2, gpu_ai: 0 } }))).toEqual({ code: 'no_slot', detail: '2 of 2 gpu_encode jobs are running' });
    expect(refuse(order(), node({ hasEncoder: false }))?.code).toBe('no_encoder');
    expect(refuse(order(), node({ bookedMb: () => 13_000 }))).toEqual({ code: 'no_vram', detail: '4000 MB needed, 3000 of 16000 MB free on Software encoding' });
    expect(refuse(order({ deviceId: 'GPU-gone' }), node())?.code).toBe('no_vram');
    const input = { name: 'source', path: 'a', sizeBytes: 5e9, mtimeMs: 0, inode: '1', url: '/f' };
    expect(refuse(order({ inputs: [input] }), node({ freeBytes: 4e9, mountsLibrary: false }))).toEqual({ code: 'no_disk', detail: '5100 MB of disk needed, 4000 MB free' });
    expect(refuse(order({ inputs: [input] }), node({ freeBytes: 4e9 }))).toBeNull();
  });
  it('knows duplicates, late ones, and newer ones', () => {
    expect(recognise(2, 2, 2).kind).toBe('current');
    expect(recognise(1, 2, 2).kind).toBe('stale');
    expect(recognise(2, null, 2).kind).toBe('stale');
    expect(recognise(3, 2, 2).kind).toBe('supersedes');
    expect(recognise(1, null, 0).kind).toBe('new');
  });
});

describe('the lease fence', () => {
  const attempt = { leaseMs: 30_000, renewedMs: 1_000 };
  it('ends jobs with effects at two thirds of the lease, encodes after ten minutes', () => {
    expect(mustStop({ ...attempt, effects: 'batches' }, 20_999)).toBe(false);
    expect(mustStop({ ...attempt, effects: 'batches' }, 21_000)).toBe(true);
    expect(mustStop({ ...attempt, effects: 'parts' }, RUN_ON_MS)).toBe(false);
    expect(mustStop({ ...attempt, effects: 'parts' }, RUN_ON_MS + 1_000)).toBe(true);
  });
});

describe('outcomes', () => {
  const exit = { kind: 'code', code: 0 } as const;
  const completed: JobOutcome = { kind: 'completed', files: [], result: {} };
  it('lets the job’s own word count, except when nothing counts', () => {
    expect(outcomeOf({ pid: 1, exit, outcome: completed, stderrTail: '' }, { kind: 'cancelled' })).toEqual(completed);
    expect(outcomeOf({ pid: 1, exit, outcome: completed, stderrTail: '' }, { kind: 'stale', why: 'x' })).toBeNull();
    expect(outcomeOf({ pid: 1, exit, outcome: null, stderrTail: '' }, { kind: 'cancelled' })).toEqual({ kind: 'cancelled' });
    expect(outcomeOf({ pid: 1, exit, outcome: null, stderrTail: '' }, { kind: 'stalled', stallMs: 30_000 })).toMatchObject({ error: { code: 'stalled', message: expect.stringContaining('30 s') } });
    expect(outcomeOf({ pid: 1, exit, outcome: null, stderrTail: '' }, { kind: 'time_limit', limitMs: 1_800_000 })).toMatchObject({ error: { message: expect.stringContaining('30 minutes') } });
  });
  it('knows who is to blame for memory: the host, or the job itself', () => {
    const end = { pid: 1, outcome: null, stderrTail: '' };
    const host = new MemoryPressure({ availableBytes: 2e8, totalBytes: 16e9 });
    expect(outcomeOf({ ...end, exit: { kind: 'code', code: 0, cause: host } }, null)).toMatchObject({ kind: 'released', cause: 'memory' });
    const own = new MemoryPressure({ rssBytes: 5e9, limitBytes: 4e9 });
    expect(outcomeOf({ ...end, exit: { kind: 'signal', signal: 'SIGKILL', cause: own } }, null)).toMatchObject({ kind: 'failed', error: { code: 'out_of_memory', retryable: true } });
  });
  it('does not start again by itself what a person ended', () => {
    const end = { pid: 1, exit, outcome: null, stderrTail: '' };
    expect(outcomeOf(end, { kind: 'killed_by_hand', by: 'ann', reason: 'eats the host' })).toEqual({
      kind: 'failed', error: { code: 'killed_by_hand', message: 'Ended by hand by ann: eats the host.', retryable: false },
    });
    expect(outcomeOf(end, { kind: 'killed_by_hand', by: 'ann', reason: null })).toMatchObject({ error: { message: 'Ended by hand by ann.' } });
  });
  it('explains a crash', () => {
    expect(crashOf({ kind: 'signal', signal: 'SIGKILL' }, '').code).toBe('killed');
    expect(crashOf({ kind: 'signal', signal: 'SIGABRT' }, 'FATAL ERROR: Reached heap limit Allocation failed - JavaScript heap out of memory').code).toBe('out_of_memory');
    expect(crashOf({ kind: 'code', code: 70 }, 'TypeError: x is not a function\n    at y (z.js:1:1)\n')).toEqual({
      code: 'job_crashed', message: 'The job’s process ended unexpectedly with exit code 70: TypeError: x is not a function.', retryable: true,
    });
  });
});

describe('ProgressGate', () => {
  it('lets four a second through, the latest wins, and marks checkpoints', () => {
    const clock = new ManualClock();
    const sent: [number, boolean][] = [];
    const gate = new ProgressGate(clock, ({ percent }, checkpoint) => sent.push([percent, checkpoint]));
    for (const percent of [1, 2, 3]) gate.offer(progress(percent));
    clock.advance(250);
    gate.offer(progress(6));
    gate.offer(progress(7));
    clock.advance(250);
    gate.offer(progress(8));
    clock.advance(5_000);
    gate.offer(progress(9));
    gate.offer(progress(10));
    gate.close();
    clock.advance(1_000);
    expect(sent).toEqual([[1, false], [3, false], [7, true], [8, false], [9, true]]);
    expect(clock.pending).toBe(0);
  });
});

describe('LogShipper', () => {
  it('sends in batches, in order, counting lines', async () => {
    const clock = new ManualClock();
    const sent: [number, string[]][] = [];
    const shipper = new LogShipper({ ctx: Ctx.root(), clock, deliver: (offset, lines) => Promise.resolve(void sent.push([offset, lines.map(({ text }) => text)])) });
    shipper.add(line('a'));
    shipper.add(line('b'));
    clock.advance(250);
    await shipper.flush();
    shipper.add(line('c'));
    await shipper.flush();
    expect(sent).toEqual([[0, ['a', 'b']], [2, ['c']]]);
    expect(clock.pending).toBe(0);
  });
  it('gives up lines that the hub refuses, but not for an absent hub', async () => {
    const verdicts: unknown[] = [];
    const shipper = new LogShipper({
      ctx: Ctx.root(), clock: new ManualClock(),
      deliver: (_offset, _lines, onFailure) => {
        onFailure(new NoResponders('x'));
        verdicts.push('kept');
        onFailure(new RemoteError('x', 'bad_message', 'no'));
        return Promise.resolve();
      },
    });
    shipper.add(line('a'));
    await shipper.flush();
    await shipper.flush();
    expect(verdicts).toEqual(['kept']);
  });
  it('keeps a bounded number of lines, and says how many it lost', async () => {
    const ctx = Ctx.root();
    let deliver = doNothing;
    const sent: string[] = [];
    const shipper = new LogShipper({
      ctx, clock: new ManualClock(),
      deliver: async (_offset, lines) => {
        await new Promise<void>((resolve) => {
          deliver = resolve;
        });
        sent.push(...lines.map(({ text }) => text));
      },
    });
    for (let n = 0; n < 10_005; n += 1) shipper.add(line(String(n)));
    const flushed = shipper.flush();
    while (sent.length < 10_000) {
      deliver();
      await Promise.resolve();
    }
    await flushed;
    shipper.add(line('after'));
    const rest = shipper.flush();
    await Promise.resolve();
    deliver();
    await rest;
    expect(sent.slice(-2)).toEqual(['(5 lines were not kept while the hub was away)', 'after']);
    ctx.cancel(new Shutdown('test'));
  });
});
