import type { Clock, Ctx } from '@reelay/runtime';
import type { Piece } from '../cache/piece.ts';
import { EncodingSlow } from './errors.ts';
import type { Want } from './head-plan.ts';

interface Waiter {
  readonly want: Want;
  readonly resolve: (piece: Piece) => void;
  readonly reject: (error: Error) => void;
}

/** Players give up after ten seconds (hls.js 1.7); each hears something before that. */
const HOLD_MS = 8_500;

/** The requests on hold. Each gets an answer: the piece, a cause, or “later”. */
export class Waiters {
  readonly #waiters = new Set<Waiter>();
  readonly #clock: Clock;

  constructor(clock: Clock) {
    this.#clock = clock;
  }

  get size(): number {
    return this.#waiters.size;
  }

  get wants(): Want[] {
    return [...this.#waiters].map(({ want }) => want);
  }

  /** Holds a request until its piece comes. @throws EncodingSlow, the cause of the request's end, or what `reject` is told */
  hold(want: Want, ctx: Ctx, onLeave: () => void): Promise<Piece> {
    return new Promise((resolve, reject) => {
      const undo: (() => void)[] = [];
      const end = (settle: () => void): void => {
        if (!this.#waiters.delete(waiter)) return;
        for (const callOff of undo.splice(0)) callOff();
        settle();
        onLeave();
      };
      const waiter: Waiter = { want, resolve: (piece) => end(() => resolve(piece)), reject: (error) => end(() => reject(error)) };
      this.#waiters.add(waiter);
      const what = want.isInit ? want.renditionId : `Segment ${want.n} of ${want.renditionId}`;
      undo.push(this.#clock.after(HOLD_MS, () => waiter.reject(new EncodingSlow(`${what} is still being encoded.`))));
      undo.push(ctx.onCancel((cause) => waiter.reject(cause)));
    });
  }

  /** Answers everybody who waits for a piece. */
  resolve(renditionId: string, name: 'init' | number, piece: Piece): void {
    for (const waiter of this.#waiters) if (waiter.want.renditionId === renditionId && nameOf(waiter.want) === name) waiter.resolve(piece);
  }

  /** Tells those that `which` holds for why they get nothing. */
  reject(error: Error, which: (want: Want) => boolean = () => true): void {
    for (const waiter of this.#waiters) if (which(waiter.want)) waiter.reject(error);
  }
}

const nameOf = ({ isInit, n }: Want): 'init' | number => (isInit ? 'init' : n);
