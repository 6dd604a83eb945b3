import { createHash } from 'node:crypto';
import { createReadStream } from 'node:fs';
import { once } from 'node:events';
import { createServer, type IncomingMessage, type ServerResponse } from 'node:http';
import { join } from 'node:path';
import {
  assignReplySchema, type AssignReply, type AttemptRef, CATALOGUE, controlReplySchema, type ControlReply, doneSchema, heartbeatSchema, helloSchema, type Hello,
  type JobOutcome, type JobType, killProcessReplySchema, type KillProcessReply, type LoadReport, logBatchSchema, type LogLine, processesReplySchema, type ProcessInfo, progressSchema, type Progress, startedSchema, subjects, type WorkOrder,
} from '@reelay/contracts';
import { createLogger, identify, newId, partName } from '@reelay/runtime';
import { type Bus, type BusSubscription, connectBus, type RequestOptions } from '@reelay/runtime/bus';
import { eventually } from './eventually.ts';

export const LIBRARY_ID = '0190f000-0000-7000-8000-000000000001';

export interface JobFiles {
  /** Library paths. */
  input?: string;
  output?: string;
}

/** A hub for one node: answers what the agent says over NATS and serves files and effects over HTTP. Keeps all it hears. */
export class TestHub {
  readonly nodeId = 'node-1';
  readonly hellos: Hello[] = [];
  readonly heartbeats: AttemptRef[][] = [];
  readonly loads: LoadReport[] = [];
  readonly started: AttemptRef[] = [];
  readonly progress: Progress[] = [];
  readonly outcomes = new Map<string, JobOutcome>();
  readonly doneMessages: (AttemptRef & { outcome: JobOutcome })[] = [];
  readonly effects: { jobId: string; n: number; body: Record<string, unknown> }[] = [];
  readonly uploads = new Map<string, { sizeBytes: number; sha256: string }>();
  /** Ends the heartbeat's `kill` list once sent. */
  kill: (AttemptRef & { reason: 'cancelled' | 'stale' | 'released' })[] = [];
  superseded = false;
  adminState: 'active' | 'draining' = 'active';
  known = true;
  heartbeatMs = 100;
  /** So many heartbeats are heard and never answered. */
  unansweredHeartbeats = 0;
  leaseMs = 30_000;
  /** Attempts that the hub says are not the job's any more. */
  stale = new Set<string>();
  effectReply: (body: Record<string, unknown>) => Record<string, unknown> = () => ({});
  /** Bytes after which the next download breaks off; 0 = not. */
  breakAfterBytes = 0;
  httpUrl = '';
  readonly #logs = new Map<string, LogLine[]>();
  readonly #libraryRoot: string;
  readonly #natsUrl: string;
  readonly #server = createServer((request, response) => void this.#serveHttp(request, response));
  #bus: Bus | undefined;
  #subscriptions: BusSubscription[] = [];

  constructor(natsUrl: string, libraryRoot: string) {
    this.#natsUrl = natsUrl;
    this.#libraryRoot = libraryRoot;
  }

  async start(): Promise<void> {
    this.#bus = await connectBus({ url: this.#natsUrl, name: 'test hub', logger: createLogger({ service: 'hub', level: 'silent' }) });
    this.comeBack();
    this.#server.listen(0, '127.0.0.1');
    await once(this.#server, 'listening');
    const address = this.#server.address();
    this.httpUrl = `http://127.0.0.1:${typeof address === 'object' && address ? address.port : 0}`;
  }

  async stop(): Promise<void> {
    this.#server.closeAllConnections();
    this.#server.close();
    await this.#bus?.close();
  }

  /** Schedulers are gone: requests find nobody. */
  goAway(): void {
    for (const subscription of this.#subscriptions.splice(0)) subscription.unsubscribe();
  }

  comeBack(): void {
    const bus = this.#requireBus();
    this.#subscriptions = [
      bus.serve(subjects.anyNode('hello'), {}, helloSchema, (message) => {
        this.hellos.push(message);
        return { ok: true, heartbeatMs: this.heartbeatMs, leaseMs: this.leaseMs, adminState: this.adminState, libraryId: LIBRARY_ID };
      }),
      bus.serve(subjects.anyNode('heartbeat'), {}, heartbeatSchema, ({ running, load }) => {
        this.heartbeats.push(running);
        this.loads.push(load);
        if (this.unansweredHeartbeats > 0) {
          this.unansweredHeartbeats -= 1;
          return new Promise(() => {});
        }
        const kill = this.kill.splice(0);
        return { ok: true, known: this.known, superseded: this.superseded, renewed: running, kill, leaseMs: this.leaseMs, adminState: this.adminState };
      }),
      bus.serve(subjects.anyNode('started'), {}, startedSchema, ({ jobId, epoch }) => {
        this.started.push({ jobId, epoch });
        return { ok: true, current: !this.stale.has(jobId) };
      }),
      bus.serve(subjects.anyNode('log'), {}, logBatchSchema, ({ jobId, epoch, offset, lines }) => {
        const log = this.#logs.get(`${jobId}/${epoch}`) ?? [];
        log.splice(offset, lines.length, ...lines);
        this.#logs.set(`${jobId}/${epoch}`, log);
        return { ok: true };
      }),
      bus.serve(subjects.anyNode('done'), {}, doneSchema, ({ jobId, epoch, outcome }) => {
        this.doneMessages.push({ jobId, epoch, outcome });
        if (this.stale.has(jobId)) return { ok: true, verdict: 'stale' };
        this.outcomes.set(`${jobId}/${epoch}`, outcome);
        return { ok: true, verdict: 'settled' };
      }),
      bus.subscribe(subjects.anyNode('progress'), progressSchema, (message) => void this.progress.push(message)),
    ];
  }

  log(order: AttemptRef): string {
    return (this.#logs.get(`${order.jobId}/${order.epoch}`) ?? []).map(({ text }) => text).join('\n');
  }

  async order(type: JobType, order: Record<string, unknown>, files: JobFiles = {}, more: Partial<WorkOrder> = {}): Promise<WorkOrder> {
    const jobId = more.jobId ?? newId();
    const epoch = more.epoch ?? 1;
    const { category, vramMb } = CATALOGUE[type];
    const found = files.input === undefined ? undefined : await identify(join(this.#libraryRoot, files.input));
    return {
      jobId, epoch, type, category, vramMb, deviceId: 'software', leaseMs: this.leaseMs, timeLimitMs: 60_000, stallMs: 20_000,
      inputs: found && files.input !== undefined
        ? [{ name: 'source', path: files.input, sizeBytes: found.sizeBytes, mtimeMs: found.mtimeMs, inode: found.inode, url: `/files/${encodeURIComponent(files.input)}` }]
        : [],
      outputs: files.output === undefined
        ? []
        : [{ name: 'result', path: files.output, partPath: partName(files.output, jobId, epoch), url: `/outputs/${jobId}`, onConflict: 'rename' }],
      effectsUrl: `/effects/${jobId}`, order, ...more,
    };
  }

  assign(...orders: WorkOrder[]): Promise<AssignReply> {
    return this.#ask('assign', { incarnation: this.hellos.at(-1)?.incarnation, orders }, assignReplySchema);
  }

  /** Assigns one order that must be accepted. */
  async run(order: WorkOrder): Promise<void> {
    const { results } = await this.assign(order);
    if (!results[0]?.accepted) throw new Error(`refused: ${JSON.stringify(results[0]?.refusal)}`);
  }

  async runToEnd(order: WorkOrder): Promise<JobOutcome> {
    await this.run(order);
    return this.outcome(order);
  }

  outcome({ jobId, epoch }: AttemptRef): Promise<JobOutcome> {
    return eventually(`the outcome of ${jobId}`, () => this.outcomes.get(`${jobId}/${epoch}`), 40_000);
  }

  control(topic: 'cancel' | 'pause' | 'resume', { jobId, epoch }: AttemptRef, reason: 'cancelled' | 'released' = 'cancelled'): Promise<ControlReply> {
    return this.#ask(topic, { jobId, epoch, ...(topic === 'cancel' ? { reason } : {}) }, controlReplySchema);
  }

  drain(draining: boolean, deadlineMs?: number): Promise<ControlReply> {
    return this.#ask('drain', { draining, ...(deadlineMs === undefined ? {} : { deadlineMs }) }, controlReplySchema);
  }

  async processes(): Promise<ProcessInfo[]> {
    return (await this.#ask('processes', {}, processesReplySchema)).processes;
  }

  endProcess(processId: string, by: string, reason: string | null = null): Promise<KillProcessReply> {
    return this.#ask('kill', { processId, by, reason }, killProcessReplySchema);
  }

  #ask<T>(topic: 'assign' | 'cancel' | 'pause' | 'resume' | 'drain' | 'processes' | 'kill', message: object, schema: RequestOptions<T>['schema']): Promise<T> {
    return this.#requireBus().request(subjects.agent(this.nodeId, topic), { v: 1, ...message }, { timeoutMs: 5_000, schema });
  }

  async #serveHttp(request: IncomingMessage, response: ServerResponse): Promise<void> {
    const [, kind, name = '', n = ''] = (request.url ?? '').split('/');
    if (kind === 'files') return this.#sendFile(request, response, join(this.#libraryRoot, decodeURIComponent(name)));
    const chunks: Buffer[] = [];
    for await (const chunk of request) chunks.push(Buffer.from(chunk));
    const body = Buffer.concat(chunks);
    response.setHeader('content-type', 'application/json');
    if (kind === 'outputs') {
      this.uploads.set(name, { sizeBytes: body.length, sha256: createHash('sha256').update(body).digest('hex') });
      response.end('{}');
      return undefined;
    }
    if (this.stale.has(name)) {
      response.statusCode = 409;
      response.end(JSON.stringify({ code: 'stale_attempt', detail: 'another attempt owns the job' }));
      return undefined;
    }
    const effect: Record<string, unknown> = JSON.parse(body.toString('utf8'));
    this.effects.push({ jobId: name, n: Number(n), body: effect });
    response.end(JSON.stringify(this.effectReply(effect)));
    return undefined;
  }

  async #sendFile(request: IncomingMessage, response: ServerResponse, path: string): Promise<void> {
    const found = await identify(path).catch(() => null);
    if (found === null) {
      response.writeHead(404, { 'content-type': 'application/problem+json' }).end(JSON.stringify({ code: 'file_missing', detail: 'The file is not in the library' }));
      return;
    }
    const { sizeBytes } = found;
    const start = Number(/bytes=(\d+)-/.exec(request.headers.range ?? '')?.[1] ?? 0);
    response.writeHead(206, { 'content-range': `bytes ${start}-${sizeBytes - 1}/${sizeBytes}`, 'content-length': sizeBytes - start });
    const end = this.breakAfterBytes > 0 ? start + this.breakAfterBytes - 1 : sizeBytes - 1;
    const broken = end < sizeBytes - 1;
    this.breakAfterBytes = 0;
    const file = createReadStream(path, { start, end: Math.min(end, sizeBytes - 1) });
    file.on('end', () => (broken ? response.destroy() : response.end()));
    file.pipe(response, { end: false });
  }

  #requireBus(): Bus {
    if (!this.#bus) throw new Error('the hub was not started');
    return this.#bus;
  }
}
