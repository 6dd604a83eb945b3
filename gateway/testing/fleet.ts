/** A scheduler and nodes that speak the real protocol over NATS, and send what they are given: for the gateway's side of encoding on demand. */
import { createHash } from 'node:crypto';
import { type HeadReport, type OpenSession, type PlaceSession, placeSessionSchema, type PlaceSessionReply, type SessionReply, type SessionRequest, sessionRequestSchema, type StartHead, subjects } from '@reelay/contracts';
import { newId } from '@reelay/runtime';
import type { BusSubscription } from '@reelay/runtime/bus';
import { z } from 'zod';
import type { TestGateway } from './kit.ts';

export interface Pieces {
  init: Uint8Array<ArrayBuffer>;
  segments: readonly Uint8Array<ArrayBuffer>[];
}

/** What a node does with a head: send the segments, say that it failed, or nothing at all. */
export type Behaviour = 'send' | 'fail' | 'hang';

interface RunningHead {
  order: StartHead;
  report: HeadReport;
  until: number;
  sending: boolean;
}

export class TestNode {
  readonly id: string;
  readonly incarnation = newId();
  /** Asked for each head. */
  behave: (head: StartHead) => Behaviour = () => 'send';
  /** What each segment takes. */
  segmentMs = 0;
  /** Everything it was told. */
  readonly heard: SessionRequest[] = [];
  readonly sessions = new Map<string, { order: OpenSession; heads: Map<string, RunningHead> }>();
  #subscription: BusSubscription | undefined;
  readonly #gateway: TestGateway;
  readonly #pieces: () => Pieces;

  constructor(id: string, gateway: TestGateway, pieces: () => Pieces) {
    this.id = id;
    this.#gateway = gateway;
    this.#pieces = pieces;
  }

  /** Heads that it was asked for, in order. */
  get heads(): StartHead[] {
    return this.heard.filter((request) => request.kind === 'head');
  }

  start(): void {
    this.#subscription = this.#gateway.bus.serve(subjects.agent(this.id, 'session'), {}, sessionRequestSchema, (request): SessionReply => this.#answer(request));
  }

  /** Nobody listens any more. */
  stop(): void {
    this.#subscription?.unsubscribe();
    this.sessions.clear();
  }

  /** Sends a piece as a node does. */
  put(sessionId: string, headId: string, name: string, bytes: Uint8Array<ArrayBuffer>, headers: Record<string, string> = {}): Promise<Response> {
    const path = this.sessions.get(sessionId)?.order.publishPath ?? '/agent/v1/segments/none';
    const digest = createHash('sha256').update(bytes).digest('base64');
    return this.#gateway.call('PUT', `${path}/${headId}/${name}`, { as: null, raw: bytes, headers: { 'content-length': String(bytes.length), 'repr-digest': `sha-256=:${digest}:`, ...headers } });
  }

  #answer(request: SessionRequest): SessionReply {
    this.heard.push(request);
    if (request.kind === 'open') this.sessions.set(request.sessionId, { order: request, heads: new Map() });
    if (request.kind === 'close') this.sessions.delete(request.sessionId);
    const session = this.sessions.get(request.sessionId);
    if (session !== undefined && request.kind === 'head') this.#begin(session.heads, request);
    if (session !== undefined && request.kind === 'keep') this.#keep(session.heads, request);
    return { ok: true, known: session !== undefined, refusal: null, heads: [...(session?.heads.values() ?? [])].map(({ report }) => report) };
  }

  #begin(heads: Map<string, RunningHead>, order: StartHead): void {
    const behaviour = this.behave(order);
    const state = behaviour === 'fail' ? 'failed' : 'running';
    const report: HeadReport = { headId: order.headId, renditionId: order.renditionId, from: order.from, next: order.from, state, pid: 1, uptimeMs: 1, fps: 50, speed: 2, encoder: 'libx264', detail: behaviour === 'fail' ? 'the source is damaged' : null };
    const head: RunningHead = { order, report, until: order.until, sending: false };
    heads.set(order.headId, head);
    if (behaviour === 'send') void this.#send(head);
  }

  #keep(heads: Map<string, RunningHead>, { heads: wanted, drop }: Extract<SessionRequest, { kind: 'keep' }>): void {
    for (const { headId, until } of wanted) {
      const head = heads.get(headId);
      if (head === undefined || until <= head.until) continue;
      head.until = until;
      if (this.behave(head.order) === 'send') void this.#send(head);
    }
    for (const { headId } of drop) {
      const head = heads.get(headId);
      if (head) head.until = 0;
      heads.delete(headId);
    }
  }

  async #send(head: RunningHead): Promise<void> {
    if (head.sending) return;
    head.sending = true;
    const { order: { sessionId, headId, from }, report } = head;
    const { init, segments } = this.#pieces();
    let wanted = report.next > from || (await this.put(sessionId, headId, 'init', init)).status === 200;
    while (wanted && report.next < Math.min(head.until, segments.length)) {
      const bytes = segments[report.next];
      if (this.segmentMs > 0) await new Promise((resolve) => setTimeout(resolve, this.segmentMs));
      wanted = bytes !== undefined && (await this.put(sessionId, headId, String(report.next), bytes)).status === 200;
      if (wanted) report.next += 1;
    }
    if (report.next >= segments.length || !wanted) report.state = 'ended';
    head.sending = false;
  }
}

/** Places sessions on the first node that is not excluded. */
export class TestFleet {
  readonly nodes: TestNode[];
  readonly asked: PlaceSession[] = [];
  readonly ended: string[] = [];
  /** An answer instead of a place. */
  refuse: Pick<PlaceSessionReply, 'reason' | 'retryAfterSeconds'> | null = null;
  readonly #subscriptions: BusSubscription[];

  constructor(gateway: TestGateway, pieces: () => Pieces, count = 2) {
    this.nodes = Array.from({ length: count }, (_, i) => new TestNode(`node-${i}`, gateway, pieces));
    for (const node of this.nodes) node.start();
    this.#subscriptions = [
      gateway.bus.serve(subjects.sessionPlace, {}, placeSessionSchema, (request) => this.#place(request)),
      gateway.bus.serve(subjects.sessionEnd, {}, z.object({ sessionId: z.string() }), ({ sessionId }) => {
        this.ended.push(sessionId);
        return { ok: true };
      }),
    ];
  }

  stop(): void {
    for (const node of this.nodes) node.stop();
    for (const subscription of this.#subscriptions) subscription.unsubscribe();
  }

  #place(request: PlaceSession): PlaceSessionReply {
    this.asked.push(request);
    const node = this.refuse === null ? this.nodes.find(({ id }) => !request.excludeNodes.includes(id)) : undefined;
    if (node === undefined) return { ok: true, place: null, reason: this.refuse?.reason ?? 'All nodes are excluded.', retryAfterSeconds: this.refuse?.retryAfterSeconds ?? 2 };
    return { ok: true, place: { nodeId: node.id, incarnation: node.incarnation, deviceId: 'software', leaseMs: 10_000 }, reason: null, retryAfterSeconds: null };
  }
}
