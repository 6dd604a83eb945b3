/**
 * The process of one job: takes one order on stdin, serves it, reports on stdout, exits. Its memory dies with it.
 *
 *   waiting ──order──▶ running ──done sent──▶ exit 0
 *      │                  └──SIGTERM or end of stdin──▶ ending ──children gone──▶ exit 0
 *      └──SIGTERM or end of stdin──▶ exit 0
 */
import { createLogger, Ctx, Shutdown, systemClock, toError } from '@reelay/runtime';
import { LineSplitter, Supervisor } from '@reelay/runtime/supervisor';
import { Emitter } from './job/emitter.ts';
import { runOrder } from './job/run.ts';
import { type FromJob, MAX_LINE_CHARS, type ToJob, toJobSchema } from './process/protocol.ts';

const EXIT_CRASHED = 70;
const clock = systemClock;
const ctx = Ctx.root('job');
// stdout is for the agent alone.
const logger = createLogger({ service: 'job', level: 'warn', destination: { write: (line) => void process.stderr.write(line) } });
const supervisor = new Supervisor({ logger, clock, env: process.env });
const write = (message: FromJob): boolean => process.stdout.write(`${JSON.stringify(message)}\n`);
const emitter = new Emitter(write, clock);
let tellStarted: () => void = () => {};
const started = new Promise<void>((resolve, reject) => {
  tellStarted = resolve;
  ctx.onCancel(reject);
});
started.catch(() => {});

let served: Promise<void> | undefined;

/** Waits for what was written to reach the agent, then ends. */
const exit = (code: number): void => {
  process.stdout.write('', () => process.exit(code));
};
const crash = (thrown: unknown): void => {
  process.stderr.write(`${toError(thrown).stack ?? toError(thrown).message}\n`);
  supervisor.killAll();
  exit(EXIT_CRASHED);
};

async function serve({ order, context }: Extract<ToJob, { kind: 'order' }>): Promise<void> {
  try {
    emitter.done(await runOrder({ order, context, ctx, supervisor, clock, emitter, started }));
  } catch (error) {
    if (!ctx.cancelled) throw error;
  }
  await supervisor.terminateAll(ctx.cause ?? new Shutdown('the job is over'), context.killGraceMs);
  exit(0);
}

function receive(line: string): void {
  const message = toJobSchema.parse(JSON.parse(line));
  if (message.kind === 'started') tellStarted();
  else if (!served) {
    served = serve(message);
    served.catch(crash);
  }
}

/** Does not wait for the work itself to notice: what counts is that no child is left. */
function end(reason: string): void {
  if (ctx.cancelled) return;
  const cause = new Shutdown(reason);
  ctx.cancel(cause);
  supervisor.terminateAll(cause).then(() => exit(0), crash);
}

process.on('SIGTERM', () => end('asked to end'));
process.on('SIGINT', () => {});
process.on('uncaughtException', crash);
process.on('unhandledRejection', crash);
process.stdout.on('error', () => end('the agent is gone'));
const lines = new LineSplitter(receive, MAX_LINE_CHARS);
process.stdin.on('data', (chunk: Buffer) => lines.push(chunk));
process.stdin.on('end', () => end('the agent is gone'));
// Schemas compile at their first use: 6 ms that the order would wait for (measured).
toJobSchema.safeParse({ kind: 'order', order: { inputs: [{}], outputs: [{}] }, context: {} });
write({ kind: 'ready' });
