/**
 * A device's memory in three parts that add up to its total. What is used and what is booked overlap: a running job
 * uses what was booked for it. So `booked` here is the part of the booking that is not yet seen as used.
 */
export interface VramParts {
  readonly usedMb: number;
  readonly bookedMb: number;
  readonly freeMb: number;
}

export function vramParts(device: { readonly totalMb: number; readonly freeMb: number; readonly bookedMb: number }): VramParts {
  const usedMb = clamp(device.totalMb - device.freeMb, device.totalMb);
  const bookedMb = clamp(device.bookedMb - usedMb, device.totalMb - usedMb);
  return { usedMb, bookedMb, freeMb: device.totalMb - usedMb - bookedMb };
}

const clamp = (value: number, most: number): number => Math.max(0, Math.min(most, value));
