import type { FleetDevice, FleetNode } from '@reelay/store';
import { describe, expect, it } from 'vitest';
import { placeSession } from './session.ts';

const device = (over: Partial<FleetDevice> = {}): FleetDevice => ({ id: 'software', index: 0, kind: 'software', name: 'CPU', totalMb: 16_000, freeMb: 16_000, bookedMb: 0, unseenMb: 0, jobs: 0, ...over });
const gpu = (over: Partial<FleetDevice> = {}): FleetDevice => device({ id: 'GPU-a', kind: 'nvidia', name: 'GPU', totalMb: 8_000, freeMb: 8_000, ...over });
const node = (id: string, over: Partial<FleetNode> = {}): FleetNode => ({
  id, name: id, incarnation: `start of ${id}`, adminState: 'active', health: 'healthy', encoder: 'libx264', limits: { cpu: 5, gpu_encode: 2, gpu_ai: 1 }, slots: { cpu: 5, gpu_encode: 2, gpu_ai: 1 },
  sessionLimit: 2, sessions: 0, libraryId: null, diskFreeBytes: null, devices: [device()], ...over,
});
const need = { vramMb: 600, excludeNodes: [] };
const nodes = (fleet: FleetNode[], over = {}) => {
  const verdict = placeSession({ ...need, ...over }, fleet);
  return verdict.kind === 'places' ? verdict.candidates.map(({ nodeId }) => nodeId) : verdict.reason;
};

describe('the place of a session', () => {
  it('does not wait for jobs: a node full of them takes it', () => {
    expect(nodes([node('a')])).toEqual(['a']);
  });
  it('is on a GPU first, then where the fewest watch', () => {
    const fleet = [node('a', { sessions: 1 }), node('b'), node('c', { encoder: 'h264_nvenc', devices: [gpu()], sessions: 1 })];
    expect(nodes(fleet)).toEqual(['c', 'b', 'a']);
    expect(placeSession(need, fleet)).toMatchObject({ candidates: [{ deviceId: 'GPU-a', vramMb: 600 }, { vramMb: 0 }, {}] });
  });
  it('is on the processor where the GPU is full, after hosts that have nothing else', () => {
    const full = node('a', { encoder: 'h264_nvenc', devices: [gpu({ bookedMb: 7_900 })] });
    expect(placeSession(need, [full])).toMatchObject({ candidates: [{ nodeId: 'a', deviceId: 'software', vramMb: 0 }] });
    expect(nodes([full, node('b')])).toEqual(['b', 'a']);
  });
  it('is not on a node that failed just now, unless there is no other', () => {
    expect(nodes([node('a'), node('b')], { excludeNodes: ['a'] })).toEqual(['b']);
    expect(nodes([node('a')], { excludeNodes: ['a'] })).toEqual(['a']);
  });
  it('there is none, and why', () => {
    expect(nodes([])).toBe('No node is connected that can encode.');
    expect(nodes([node('a', { health: 'lost' }), node('b', { sessionLimit: 0 })])).toBe('No node is connected that can encode.');
    expect(nodes([node('a', { adminState: 'draining' })])).toBe('1 node that can encode is being drained.');
    expect(nodes([node('a', { sessions: 2 }), node('b', { sessions: 2 })])).toBe('All 4 places for encoding while somebody watches are taken.');
    expect(nodes([node('a', { devices: [] })])).toBe('No node reports a device to encode on.');
  });
});
