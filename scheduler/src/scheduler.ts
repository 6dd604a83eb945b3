import type { Service } from '@reelay/runtime';
import type { BusSubscription } from '@reelay/runtime/bus';
import { Assigner } from './assign/assigner.ts';
import { HoldOffs } from './assign/hold-off.ts';
import type { Deps } from './deps.ts';
import { Inbox } from './inbox/inbox.ts';
import { Leadership } from './leader/leadership.ts';
import { LeaderLoop } from './leader/loop.ts';
import { serveMetrics } from './leader/metrics.ts';
import { Placer } from './leader/placer.ts';
import { SessionDesk } from './sessions/session-desk.ts';
import { Settler } from './settle/settler.ts';

/** All of the scheduler, wired: what any scheduler answers, and what only the leader does. */
export class Scheduler implements Service {
  readonly name = 'scheduler';
  readonly leadership: Leadership;
  readonly #settler: Settler;
  readonly #inbox: Inbox;
  readonly #loop: LeaderLoop;
  readonly #sessions: SessionDesk;
  #metrics: BusSubscription | undefined;

  /** `holder`: unique to this start of the process. */
  constructor(deps: Deps, holder: string) {
    const holdOffs = new HoldOffs(deps.clock);
    const assigner = new Assigner(deps, holdOffs);
    const settler = new Settler(deps);
    this.#settler = settler;
    this.#inbox = new Inbox(deps, settler, holdOffs);
    this.#sessions = new SessionDesk(deps);
    const placer = new Placer(deps, assigner, holdOffs);
    this.#loop = new LeaderLoop(deps, { leadership: () => this.leadership, placer, assigner, settler, holdOffs });
    this.leadership = new Leadership(deps, holder, {
      onElected: () => {
        this.#metrics = serveMetrics(deps);
        this.#loop.wake('sweep');
      },
      onDeposed: () => {
        this.#metrics?.unsubscribe();
        this.#metrics = undefined;
      },
    });
  }

  async start(): Promise<void> {
    await this.#inbox.start();
    await this.#sessions.start();
    await this.#loop.start();
    await this.leadership.start();
  }

  /** Durations have changed: what waits by the old ones begins to wait anew. */
  retime(): void {
    this.#loop.retime();
    this.leadership.retime();
  }

  /** The lease is given back last, when nothing is decided any more. */
  async stop(): Promise<void> {
    await this.#loop.stop();
    await this.#sessions.stop();
    await this.#inbox.stop();
    this.#settler.stop();
    await this.leadership.stop();
  }
}
