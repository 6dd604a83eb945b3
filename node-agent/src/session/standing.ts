/** How encoders for viewers stand to the rest of the system: what they leave to others, and how fast they go. */
import { SOFTWARE_ENCODER } from '../encoder/candidates.ts';

/**
 * Nice values: services (0) go first, for an encoder can only be ended, and its film only be sent, by who gets a turn; then
 * encoders that somebody waits for; then those whose viewers have something in hand; then jobs (10 unless set otherwise).
 * Where the kernel schedules by session, each encoder counts as much as all services together without this: with eight of
 * them on two cores a service waited up to 1.4 s for 130 ms of work (measured).
 */
export const AWAITED_NICE = 4;
export const IN_HAND_NICE = 7;

/**
 * From the polite end to the other one, in milliseconds: what they make is thrown away. Software ends by itself within
 * 15–36 ms on a quiet machine, and much later beside others (measured); a GPU gets time to give back what it holds.
 */
export const discardGraceMs = (encoder: string): number => (encoder === SOFTWARE_ENCODER ? 20 : 100);
