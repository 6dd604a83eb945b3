import { type LiveEvent, liveEventSchema } from '@reelay/contracts';

/** An event of the live stream; null when this release does not know it. */
export const parseLive = (event: string, data: string): LiveEvent | null => {
  try {
    const parsed = liveEventSchema.safeParse({ event, data: JSON.parse(data) });
    return parsed.success ? parsed.data : null;
  } catch {
    return null;
  }
};
