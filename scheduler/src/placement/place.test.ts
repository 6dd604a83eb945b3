import type { JobType } from '@reelay/contracts';
import { CATALOGUE } from '@reelay/contracts';
import type { FleetDevice, FleetNode, WaitingJob } from '@reelay/store';
import * as fc from 'fast-check';
import { describe, expect, it } from 'vitest';
import { freeMb } from './room.ts';
import { place } from './place.ts';
import type { Policy, Verdict } from './types.ts';

const NOW = new Date('2026-01-01T12:00:00Z');
const policy: Policy = { libraryId: 'lib', ageStepMs: 600_000, reserveAfterMs: Infinity, minDiskFreeBytes: 500e6, sessionVramMb: 1_500, heldOff: [] };
let made = 0;

const job = (type: JobType, over: Partial<WaitingJob> = {}): WaitingJob => {
  made += 1;
  const { category, vramMb } = CATALOGUE[type];
  const row = {
    id: `job-${String(made).padStart(6, '0')}`, type, priority: 5, resourceCategory: category, vramRequired: vramMb,
    createdAt: new Date(NOW.getTime() - 1000 + made), excludedNodes: [], ...over,
  };
  return { requirementClass: [row.resourceCategory, row.vramRequired, row.type, ...row.excludedNodes].join(':'), ...row };
};
const device = (over: Partial<FleetDevice> = {}): FleetDevice => ({
  id: 'gpu-0', index: 0, kind: 'nvidia', name: 'GPU', totalMb: 16_000, freeMb: 16_000, bookedMb: 0, unseenMb: 0, jobs: 0, ...over,
});
const node = (id: string, over: Partial<FleetNode> = {}): FleetNode => ({
  id, name: id, incarnation: `inc-${id}`, adminState: 'active', health: 'healthy', encoder: 'libx264', limits: { cpu: 5, gpu_encode: 2, gpu_ai: 1 },
  slots: { cpu: 0, gpu_encode: 0, gpu_ai: 0 }, libraryId: 'lib', diskFreeBytes: null, devices: [device()], ...over,
});
const run = (jobs: WaitingJob[], fleet: FleetNode[], over: Partial<Policy> = {}): Verdict[] => place({ jobs, fleet, policy: { ...policy, ...over }, now: NOW });
/** A GPU that somebody's stream is encoded on. */
const watched = (over: Partial<FleetNode> = {}): FleetNode[] => [node('a', { encoder: 'h264_nvenc', sessions: 1, devices: [device({ bookedMb: 7_000 })], ...over })];
const where = (verdicts: Verdict[], id: string): string => {
  const verdict = verdicts.find(({ jobId }) => jobId === id);
  if (verdict === undefined) return 'nothing';
  return verdict.kind === 'place' ? `${verdict.placement.nodeId}/${verdict.placement.deviceId}` : verdict.reason;
};
const one = (waiting: WaitingJob, fleet: FleetNode[], over: Partial<Policy> = {}): string => where(run([waiting], fleet, over), waiting.id);

describe('reasons', () => {
  const encode = (): WaitingJob => job('reencode_streaming', { vramRequired: 8000 });
  it.each<[string, FleetNode[], WaitingJob, string]>([
    ['no node', [], encode(), 'No node is connected'],
    ['lost nodes', [node('a', { health: 'lost' }), node('b', { health: 'silent' })], encode(), 'No node is connected; 2 known nodes not heard from'],
    ['drained', [node('a', { adminState: 'draining' }), node('b', { adminState: 'cordoned' })], encode(), 'No connected node takes new jobs: 1 draining, 1 cordoned'],
    ['no encoder', [node('a', { encoder: null })], encode(), 'Needs a working H.264 encoder; none of 1 node has one'],
    ['no library', [node('a', { libraryId: 'other' }), node('b', { libraryId: null })], job('scan'), 'Needs a node that holds the library itself; none of 2 nodes does'],
    ['memory', [node('a', { memoryPressure: '93% of 16 GB in use' })], encode(), 'Memory is short on a: 93% of 16 GB in use; no new jobs until it is not'],
    ['disk', [node('a', { diskFreeBytes: 20e6 })], encode(), 'Needs 500 MB of free disk; the freest of 1 node has 20 MB'],
    ['slots', [node('a', { slots: { cpu: 0, gpu_encode: 2, gpu_ai: 0 } })], encode(), 'All 2 GPU encode slots of 1 node are taken'],
    ['one slot', [node('a', { slots: { cpu: 0, gpu_encode: 0, gpu_ai: 1 } })], job('scene_extract'), 'The only GPU AI slot of 1 node is taken'],
    ['too big', [node('a'), node('b', { devices: [device({ totalMb: 12_000 })] })], job('reencode_streaming', { vramRequired: 24_000 }), 'Needs 24,000 MB of GPU memory; the largest of 2 devices has 16,000 MB (a)'],
    ['memory', [node('a', { devices: [device({ bookedMb: 12_800, freeMb: 9000, jobs: 3 }), device({ id: 'gpu-1', index: 1, freeMb: 100 })] })], encode(),
      'Needs 8,000 MB of GPU memory; the freest of 2 devices has 3,200 MB free of 16,000 MB (a, booked for 3 jobs)'],
    ['nearest', [node('a', { health: 'lost' }), node('b', { slots: { cpu: 0, gpu_encode: 2, gpu_ai: 0 } })], encode(), 'All 2 GPU encode slots of 1 node are taken'],
  ])('%s', (_name, fleet, waiting, reason) => {
    expect(one(waiting, fleet)).toBe(reason);
  });

  it('a refused offer is not repeated at once', () => {
    const waiting = job('validate');
    const other = job('validate');
    const heldOff = [{ nodeId: 'a', jobId: waiting.id, reason: 'disk is full' }];
    const verdicts = run([waiting, other], [node('a')], { heldOff });
    expect(where(verdicts, waiting.id)).toBe('a did not take the job a moment ago: disk is full; it is offered again shortly');
    expect(where(verdicts, other.id)).toBe('a/gpu-0');
    expect(one(waiting, [node('a'), node('b')], { heldOff })).toBe('b/gpu-0');
  });
});

it('a full disk stops only work that writes files', () => {
  expect(one(job('validate'), [node('a', { diskFreeBytes: 1e6 })])).toBe('a/gpu-0');
  expect(one(job('thumbnail_generate'), [node('a', { diskFreeBytes: 1e6 })])).toMatch(/^Needs 500 MB of free disk/);
});

describe('free memory', () => {
  it('is what is neither used nor booked, and what a report cannot show yet is counted as used', () => {
    expect(freeMb(device({ freeMb: 10_000, bookedMb: 4000 }))).toBe(10_000);
    expect(freeMb(device({ freeMb: 15_000, bookedMb: 8000 }))).toBe(8000);
    expect(freeMb(device({ freeMb: 10_000, bookedMb: 4000, unseenMb: 4000 }))).toBe(6000);
    expect(freeMb(device({ kind: 'software', freeMb: 0, bookedMb: 4000 }))).toBe(12_000);
    expect(freeMb(device({ freeMb: 0, bookedMb: 4000, unseenMb: 4000 }))).toBe(0);
  });

  it('is per device, never summed', () => {
    const halves = [device({ totalMb: 4000, freeMb: 4000 }), device({ id: 'gpu-1', index: 1, totalMb: 4000, freeMb: 4000 })];
    expect(one(job('reencode_streaming', { vramRequired: 5000 }), [node('a', { devices: halves })])).toMatch(/^Needs 5,000 MB/);
  });
});

describe('choice', () => {
  it('keeps small jobs off the biggest device, and prefers a real GPU', () => {
    const big = node('big', { devices: [device({ totalMb: 48_000, freeMb: 48_000 })] });
    const small = node('small', { devices: [device({ totalMb: 8000, freeMb: 8000 })] });
    const software = node('soft', { devices: [device({ id: 'software', kind: 'software' })] });
    expect(one(job('reencode_streaming'), [big, small, software])).toBe('small/gpu-0');
    expect(one(job('reencode_streaming', { vramRequired: 20_000 }), [big, small, software])).toBe('big/gpu-0');
    expect(one(job('reencode_streaming'), [software])).toBe('soft/software');
  });

  it('spreads CPU work', () => {
    expect(one(job('validate'), [node('a', { slots: { cpu: 2, gpu_encode: 0, gpu_ai: 0 } }), node('b')])).toBe('b/gpu-0');
  });

  it('stays away from a node that lost the job, unless there is no other', () => {
    const waiting = job('validate', { excludedNodes: ['a'] });
    expect(one(waiting, [node('a'), node('b')])).toBe('b/gpu-0');
    expect(one(waiting, [node('a')])).toBe('a/gpu-0');
    expect(one(waiting, [node('a'), node('b', { slots: { cpu: 5, gpu_encode: 0, gpu_ai: 0 } })])).toBe('All 5 CPU slots of 1 node are taken');
  });
});

describe('order', () => {
  const scarce = [node('a', { limits: { cpu: 1, gpu_encode: 1, gpu_ai: 1 } })];
  it('is priority, then age', () => {
    const [late, early, urgent] = [job('validate', { createdAt: new Date(NOW.getTime() - 10) }), job('validate', { createdAt: new Date(NOW.getTime() - 20) }), job('validate', { priority: 1 })];
    expect(where(run([late, early, urgent], scarce), urgent.id)).toBe('a/gpu-0');
    expect(where(run([late, early], scarce), early.id)).toBe('a/gpu-0');
  });

  it('lets nothing starve: ten minutes of waiting weigh one step of priority', () => {
    const old = job('validate', { priority: 10, createdAt: new Date(NOW.getTime() - 100 * 60_000) });
    const urgent = job('validate', { priority: 1 });
    expect(where(run([urgent, old], scarce), old.id)).toBe('a/gpu-0');
  });

  it('a blocked GPU job never stops CPU work', () => {
    const [gpu, cpu] = [job('digest_generate', { priority: 1, vramRequired: 99_000 }), job('validate', { priority: 10 })];
    expect(where(run([gpu, cpu], [node('a')]), cpu.id)).toBe('a/gpu-0');
  });

  it('leaves room for one viewer more on the GPU of a node where somebody watches', () => {
    const big = job('digest_generate');
    expect(one(big, watched())).toBe('Needs 8,000 MB of GPU memory; the freest of 1 device has 7,500 MB free of 16,000 MB (a, booked for 0 jobs, 1,500 MB kept for viewers)');
    expect(one(big, watched({ sessions: 0 }))).toBe('a/gpu-0');
    expect(one(big, watched({ encoder: 'libx264' }))).toBe('a/gpu-0');
    expect(one(job('compile_mega'), watched())).toBe('a/gpu-0');
  });

  it('keeps a device for a big job that has waited long', () => {
    const fleet = [node('a', { devices: [device({ bookedMb: 6000, jobs: 1 })] }), node('b', { devices: [device({ totalMb: 8000, freeMb: 8000 })] })];
    const big = job('digest_generate', { vramRequired: 12_000, createdAt: new Date(NOW.getTime() - 120_000) });
    const small = [job('reencode_streaming'), job('reencode_streaming'), job('reencode_streaming')];
    const verdicts = run([big, ...small], fleet, { reserveAfterMs: 60_000 });
    expect(small.map(({ id }) => where(verdicts, id))).toEqual([
      'b/gpu-0', 'b/gpu-0', 'Needs 4,000 MB of GPU memory; a has 10,000 MB free, kept for a larger job that has waited longer',
    ]);
    expect(where(run([big, ...small], fleet, { reserveAfterMs: 600_000 }), small[2]?.id ?? '')).toBe('a/gpu-0');
  });
});

/** The fleet as it is after the verdicts. */
const after = (nodes: FleetNode[], waiting: WaitingJob[], verdicts: Verdict[]): FleetNode[] => {
  const next = structuredClone(nodes);
  for (const verdict of verdicts) {
    if (verdict.kind !== 'place') continue;
    const row = waiting.find(({ id }) => id === verdict.jobId);
    const target = next.find(({ id }) => id === verdict.placement.nodeId);
    const on = target?.devices.find(({ id }) => id === verdict.placement.deviceId);
    if (!row || !target || !on) throw new Error('placed on something that does not exist');
    target.slots[row.resourceCategory] += 1;
    on.bookedMb += row.vramRequired;
    on.freeMb -= row.vramRequired;
  }
  return next;
};

const byId = (verdicts: Verdict[]): Verdict[] => verdicts.toSorted((a, b) => (a.jobId < b.jobId ? -1 : 1));

describe('properties', () => {
  const TYPES = ['validate', 'scan', 'reencode_streaming', 'digest_generate'] as const;
  const jobs = fc.array(fc.record({
    type: fc.constantFrom(...TYPES), priority: fc.integer({ min: 1, max: 10 }), ageMs: fc.integer({ min: 0, max: 7_200_000 }),
    vram: fc.integer({ min: 1, max: 20_000 }), excluded: fc.subarray(['n0', 'n1']),
  }), { maxLength: 40 }).map((rows) => rows.map(({ type, priority, ageMs, vram, excluded }) => job(type, {
    priority, createdAt: new Date(NOW.getTime() - ageMs), excludedNodes: excluded, vramRequired: CATALOGUE[type].category === 'cpu' ? 0 : vram,
  })));
  const fleet = fc.array(fc.record({
    health: fc.constantFrom('healthy' as const, 'healthy' as const, 'lost' as const), admin: fc.constantFrom('active' as const, 'active' as const, 'draining' as const),
    encoder: fc.constantFrom('libx264', null), library: fc.constantFrom('lib', null), slots: fc.integer({ min: 0, max: 3 }),
    devices: fc.array(fc.record({ total: fc.integer({ min: 0, max: 24_000 }), used: fc.integer({ min: 0, max: 24_000 }), booked: fc.integer({ min: 0, max: 24_000 }) }), { minLength: 1, maxLength: 3 }),
  }), { maxLength: 4 }).map((rows) => rows.map(({ health, admin, encoder, library, slots, devices }, n) => node(`n${n}`, {
    health, adminState: admin, encoder, libraryId: library, slots: { cpu: slots, gpu_encode: Math.min(slots, 2), gpu_ai: Math.min(slots, 1) },
    devices: devices.map(({ total, used, booked }, d) => device({ id: `gpu-${d}`, index: d, totalMb: total, freeMb: Math.max(0, total - used), bookedMb: Math.min(booked, total) })),
  })));

  it('never overbooks a device or a category, and only uses nodes that may', () => {
    fc.assert(fc.property(jobs, fleet, (waiting, nodes) => {
      const verdicts = run(waiting, nodes);
      expect(verdicts.map(({ jobId }) => jobId).toSorted()).toEqual(waiting.map(({ id }) => id).toSorted());
      for (const [n, grown] of after(nodes, waiting, verdicts).entries()) {
        const before = nodes[n];
        for (const category of ['cpu', 'gpu_encode', 'gpu_ai'] as const) {
          if (grown.slots[category] === before?.slots[category]) continue;
          expect(grown.slots[category]).toBeLessThanOrEqual(grown.limits[category]);
          expect([grown.health, grown.adminState]).toEqual(['healthy', 'active']);
        }
        for (const [d, on] of grown.devices.entries()) {
          if (on.bookedMb === before?.devices[d]?.bookedMb) continue;
          expect(on.bookedMb).toBeLessThanOrEqual(on.totalMb);
          expect(on.freeMb).toBeGreaterThanOrEqual(0);
        }
      }
    }), { numRuns: 300 });
  });

  it('leaves nothing unplaced that would still fit', () => {
    fc.assert(fc.property(jobs, fleet, (waiting, nodes) => {
      const verdicts = run(waiting, nodes);
      const left = after(nodes, waiting, verdicts);
      for (const verdict of verdicts) {
        const row = waiting.find(({ id }) => id === verdict.jobId);
        if (verdict.kind === 'wait' && row) expect(run([row], left)[0]?.kind).toBe('wait');
      }
    }), { numRuns: 300 });
  });

  it('keeps the order among jobs that need the same', () => {
    fc.assert(fc.property(fc.array(fc.integer({ min: 1, max: 10 }), { minLength: 2, maxLength: 20 }), fleet, (priorities, nodes) => {
      const waiting = priorities.map((priority) => job('validate', { priority, createdAt: NOW }));
      const verdicts = run(waiting, nodes);
      const rank = (kind: Verdict['kind']): number[] => waiting.filter(({ id }) => verdicts.some((v) => v.jobId === id && v.kind === kind)).map(({ priority }) => priority);
      expect(Math.max(0, ...rank('place'))).toBeLessThanOrEqual(Math.min(10, ...rank('wait')));
    }));
  });

  it('decides the same, however the rows arrive', () => {
    fc.assert(fc.property(jobs, fleet, (waiting, nodes) => {
      expect(byId(run(waiting.toReversed(), nodes))).toEqual(byId(run(waiting, nodes)));
    }));
  });
});
