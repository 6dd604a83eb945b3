import { describe, expect, it } from 'vitest';
import { merge } from './inventory.ts';
import { parseNvidiaSmi } from './nvidia-smi.ts';

const RECORDED = `GPU-4f2c1f3e-8d8b-9a9e-1b1c-52a0d6a4c001, 1, NVIDIA GeForce RTX 3090, 24576, 24250, 2, 38
GPU-4f2c1f3e-8d8b-9a9e-1b1c-52a0d6a4c000, 0, NVIDIA GeForce RTX 3090, 24576, 120, 97, 71
`;

describe('parseNvidiaSmi', () => {
  it('reads recorded output, by index', () => {
    expect(parseNvidiaSmi(RECORDED)).toEqual([
      { id: 'GPU-4f2c1f3e-8d8b-9a9e-1b1c-52a0d6a4c000', index: 0, kind: 'nvidia', name: 'NVIDIA GeForce RTX 3090', totalMb: 24_576, freeMb: 120, utilization: 97, temperatureC: 71 },
      { id: 'GPU-4f2c1f3e-8d8b-9a9e-1b1c-52a0d6a4c001', index: 1, kind: 'nvidia', name: 'NVIDIA GeForce RTX 3090', totalMb: 24_576, freeMb: 24_250, utilization: 2, temperatureC: 38 },
    ]);
  });
  it('takes what the driver does not tell as unknown', () => {
    const [mig, shared] = parseNvidiaSmi('GPU-a, 0, NVIDIA A100-SXM4-40GB, 40960, 40336, [N/A], 33\r\nGPU-b, 1, NVIDIA GB10, [N/A], [N/A], [Not Supported], [Insufficient Permissions]\r\n');
    expect(mig).toMatchObject({ freeMb: 40_336, utilization: null, temperatureC: 33 });
    expect(shared).toMatchObject({ totalMb: 16_000, freeMb: 16_000, utilization: null, temperatureC: null });
  });
  it('keeps a comma in a name, and the first of two lines for one device', () => {
    expect(parseNvidiaSmi('GPU-a, 0, Quadro K600, rev. 2, 981, 900, 0, 40\nGPU-a, 0, again, 1, 1, 1, 1')).toMatchObject([{ name: 'Quadro K600, rev. 2', totalMb: 981 }]);
  });
  it.each([
    'No devices were found', 'NVIDIA-SMI has failed because it couldn\'t communicate with the NVIDIA driver.', '', '  MIG 1g.5gb Device 0: (UUID: MIG-1)',
    'Unable to determine the device handle for GPU0000:01:00.0: Unknown Error',
  ])('finds nothing in %j', (text) => {
    expect(parseNvidiaSmi(text)).toEqual([]);
  });
  it('takes many devices', () => {
    const lines = Array.from({ length: 80 }, (_, index) => `GPU-${index}, ${index}, NVIDIA H100, 81559, 81000, 0, 30`);
    expect(parseNvidiaSmi(lines.join('\n'))).toHaveLength(64);
  });
});

describe('merge', () => {
  it('shows a device that dropped out as full', () => {
    const known = parseNvidiaSmi(RECORDED);
    expect(merge(known, known.slice(1)).map(({ index, freeMb }) => [index, freeMb])).toEqual([[0, 0], [1, 24_250]]);
  });
});
