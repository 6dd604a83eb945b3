import { expect, test } from 'vitest';
import { vramParts } from './vram.ts';

test('used, booked and free add up to the device', () => {
  expect(vramParts({ totalMb: 16_000, freeMb: 16_000, bookedMb: 4000 })).toEqual({ usedMb: 0, bookedMb: 4000, freeMb: 12_000 });
  expect(vramParts({ totalMb: 16_000, freeMb: 13_000, bookedMb: 4000 })).toEqual({ usedMb: 3000, bookedMb: 1000, freeMb: 12_000 });
  expect(vramParts({ totalMb: 8000, freeMb: 1000, bookedMb: 12_000 })).toEqual({ usedMb: 7000, bookedMb: 1000, freeMb: 0 });
  expect(vramParts({ totalMb: 0, freeMb: 100, bookedMb: 100 })).toEqual({ usedMb: 0, bookedMb: 0, freeMb: 0 });
});
