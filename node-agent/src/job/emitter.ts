import type { JobOutcome, LogLine } from '@reelay/contracts';
import type { Clock } from '@reelay/runtime';
import type { FromJob, JobProgress } from '../process/protocol.ts';

const ALIVE_MS = 500;
const PROGRESS_MS = 100;
const MAX_TEXT = 4_000;
const LOG_STEP_PERCENT = 5;

/** What a job's process tells its agent. Floods are thinned here; the agent thins again before the wire. */
export class Emitter {
  readonly #write: (message: FromJob) => void;
  readonly #clock: Clock;
  #aliveMs = -Infinity;
  #progressMs = -Infinity;
  #percent = 0;
  #loggedPercent = 0;

  constructor(write: (message: FromJob) => void, clock: Clock) {
    this.#write = write;
    this.#clock = clock;
  }

  log(text: string, stream: LogLine['stream'] = 'job'): void {
    this.#write({ kind: 'log', line: { at: this.#clock.now().toISOString(), stream, text: text.slice(0, MAX_TEXT) } });
  }

  /** Never runs backwards. Each 5 % leaves a line in the job's log. */
  progress(report: JobProgress): void {
    const percent = Math.min(100, Math.max(this.#percent, report.percent));
    const step = Math.floor(percent / LOG_STEP_PERCENT) * LOG_STEP_PERCENT;
    this.#percent = percent;
    const nowMs = this.#clock.monotonicMs();
    const due = step > this.#loggedPercent || nowMs - this.#progressMs >= PROGRESS_MS;
    if (step > this.#loggedPercent) {
      this.#loggedPercent = step;
      this.log(`Progress: ${step}%`);
    }
    if (!due) return;
    this.#progressMs = nowMs;
    this.#write({ kind: 'progress', progress: { ...report, percent, phase: report.phase.slice(0, 60), message: report.message.slice(0, 300) } });
  }

  alive(): void {
    const nowMs = this.#clock.monotonicMs();
    if (nowMs - this.#aliveMs < ALIVE_MS) return;
    this.#aliveMs = nowMs;
    this.#write({ kind: 'alive' });
  }

  done(outcome: JobOutcome): void {
    this.#write({ kind: 'done', outcome });
  }
}
