import type { SigningKeys } from '@reelay/runtime';
import { z } from 'zod';

const HOUR_MS = 3_600_000;

const viewToken = z.object({
  k: z.literal('view'),
  /** The one video it opens. */
  v: z.string(),
  /** Who asked for it: it is good for nothing once they are gone. */
  u: z.string(),
  /** Of a cookie: the sign-in that it came with and ends with. */
  s: z.string().optional(),
});
export type ViewToken = z.infer<typeof viewToken>;

/** Until when a token lasts: `hours`, and for every film an hour longer than it plays. */
export const viewTokenEndMs = (nowMs: number, hours: number, durationSeconds: number | null): number =>
  nowMs + Math.max(hours * HOUR_MS, (durationSeconds ?? 0) * 1000 + HOUR_MS);

/** A token for one video. `untilMs` is Unix time. */
export const signViewToken = (keys: Pick<SigningKeys, 'sign'>, about: Omit<ViewToken, 'k'>, untilMs: number): string => keys.sign({ k: 'view', ...about } satisfies ViewToken, untilMs);

/** What it says. @throws TokenInvalid, TokenExpired, ZodError for a token that was made for something else */
export const readViewToken = (keys: Pick<SigningKeys, 'verify'>, token: string): ViewToken => viewToken.parse(keys.verify(token));
