/** Speaks an agent's protocol without doing any work: each test decides what it answers, and when. */
import { randomUUID } from 'node:crypto';
import { mkdir, writeFile } from 'node:fs/promises';
import { dirname } from 'node:path';
import {
  ackSchema, assignSchema, type AttemptRef, doneReplySchema, type DoneReply, heartbeatReplySchema, type HeartbeatReply, type Hello, helloReplySchema,
  type HelloReply, type JobOutcome, nodeInboxPrefix, startedReplySchema, subjects, type WorkOrder,
} from '@reelay/contracts';
import { type Bus, connectBus } from '@reelay/runtime/bus';
import { testHello } from '@reelay/store/testing';
import type { World } from './world.ts';

type Answer = { accepted: true } | { accepted: false; code: 'no_slot' | 'draining' | 'memory_pressure'; detail: string } | 'silence';

export interface FakeAgentOptions {
  hello: Partial<Hello>;
  answer: (order: WorkOrder) => Answer;
}

const v = 1;
const REQUEST_MS = 10_000;

export class FakeAgent {
  readonly nodeId: string;
  readonly hello: Hello;
  readonly orders: WorkOrder[] = [];
  answer: (order: WorkOrder) => Answer;
  readonly #world: World;
  readonly #bus: Bus;

  private constructor(world: World, nodeId: string, options: Partial<FakeAgentOptions>, bus: Bus) {
    this.#world = world;
    this.nodeId = nodeId;
    this.hello = testHello({ libraryId: world.libraryId, incarnation: randomUUID(), ...options.hello });
    this.answer = options.answer ?? ((): Answer => ({ accepted: true }));
    this.#bus = bus;
  }

  static async connect(world: World, nodeId: string, credsPath: string, options: Partial<FakeAgentOptions>): Promise<FakeAgent> {
    const bus = await connectBus({ url: world.nats.url, credsPath, name: nodeId, inboxPrefix: nodeInboxPrefix(nodeId), logger: world.logger });
    const agent = new FakeAgent(world, nodeId, options, bus);
    agent.#serve();
    await bus.flush();
    return agent;
  }

  #serve(): void {
    this.#bus.serve(subjects.agent(this.nodeId, 'assign'), {}, assignSchema, async ({ orders }) => {
      const results = [];
      for (const order of orders) {
        this.orders.push(order);
        const answer = this.answer(order);
        // Longer than any scheduler waits.
        if (answer === 'silence') await new Promise(() => {});
        else results.push({ jobId: order.jobId, epoch: order.epoch, accepted: answer.accepted, refusal: answer.accepted ? null : { code: answer.code, detail: answer.detail } });
      }
      return { ok: true, results };
    });
  }

  say(): Promise<HelloReply> {
    return this.#bus.request(subjects.node(this.nodeId, 'hello'), this.hello, { timeoutMs: REQUEST_MS, schema: helloReplySchema });
  }

  heartbeat(running: AttemptRef[]): Promise<HeartbeatReply> {
    const { incarnation, devices, load } = this.hello;
    return this.#bus.request(subjects.node(this.nodeId, 'heartbeat'), { v, incarnation, running, devices, load, draining: false }, { timeoutMs: REQUEST_MS, schema: heartbeatReplySchema });
  }

  async started({ jobId, epoch }: AttemptRef): Promise<boolean> {
    const message = { v, incarnation: this.hello.incarnation, jobId, epoch };
    return (await this.#bus.request(subjects.node(this.nodeId, 'started'), message, { timeoutMs: REQUEST_MS, schema: startedReplySchema })).current;
  }

  async log({ jobId, epoch }: AttemptRef, offset: number, ...texts: string[]): Promise<void> {
    const lines = texts.map((text) => ({ at: new Date().toISOString(), stream: 'job' as const, text }));
    await this.#bus.request(subjects.node(this.nodeId, 'log'), { v, incarnation: this.hello.incarnation, jobId, epoch, offset, lines }, { timeoutMs: REQUEST_MS, schema: ackSchema });
  }

  progress({ jobId, epoch }: AttemptRef, percent: number): void {
    this.#bus.publish(subjects.node(this.nodeId, 'progress'), { v, jobId, epoch, percent, phase: 'encoding', message: '', fps: null, speed: null, etaSeconds: null, checkpoint: true });
  }

  async done({ jobId, epoch }: AttemptRef, outcome: JobOutcome): Promise<DoneReply['verdict']> {
    const message = { v, incarnation: this.hello.incarnation, jobId, epoch, outcome };
    return (await this.#bus.request(subjects.node(this.nodeId, 'done'), message, { timeoutMs: REQUEST_MS, schema: doneReplySchema })).verdict;
  }

  /** The n-th offer of a job, waited for. */
  order(jobId: string, n = 1): Promise<WorkOrder> {
    return this.#world.eventually(() => {
      const order = this.orders.filter((one) => one.jobId === jobId)[n - 1];
      if (!order) throw new Error(`offer ${n} of ${jobId} has not come`);
      return order;
    });
  }

  /** Takes the offer and says that it started. */
  async run(jobId: string, n = 1): Promise<WorkOrder> {
    const order = await this.order(jobId, n);
    await this.started(order);
    return order;
  }

  /** Writes the order's outputs, as an agent with the library mounted does. */
  async write(order: WorkOrder, content: string): Promise<{ name: string; sizeBytes: number }[]> {
    for (const { partPath } of order.outputs) {
      const path = this.#world.library.resolve(partPath);
      await mkdir(dirname(path), { recursive: true });
      await writeFile(path, content);
    }
    return order.outputs.map(({ name }) => ({ name, sizeBytes: Buffer.byteLength(content) }));
  }

  close(): Promise<void> {
    return this.#bus.close(200);
  }
}
