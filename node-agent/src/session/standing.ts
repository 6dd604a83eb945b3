/** How encoders for viewers stand to the rest of the system: what they leave to others, and how fast they go. */
import { SOFTWARE_ENCODER } from '../encoder/candidates.ts';

/**
 * Nice values: services (0) go first, for an encoder can only be ended, and its film only be sent, by who gets a turn; then
 * encoders that somebody waits for; then those whose viewers have something in hand; then jobs (15 unless set otherwise).
 * Where the kernel schedules by session, each encoder counts as much as all services together without this: with eight of
 * them on two cores a service waited up to 1.4 s for 130 ms of work, and with 4 instead of 8 twice as long (measured).
 */
export const AWAITED_NICE = 8;
export const IN_HAND_NICE = 14;

/**
 * From SIGTERM to SIGKILL, in milliseconds. What they make is thrown away and nothing has to be put in order: software
 * gets no time (it took 15–36 ms alone, and 81 ms at the median beside seven others, against 44); a GPU gets some to give
 * back what it holds.
 */
export const discardGraceMs = (encoder: string): number => (encoder === SOFTWARE_ENCODER ? 0 : 100);
