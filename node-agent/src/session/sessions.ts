import { type OpenSession, type SessionReply, type SessionRequest } from '@reelay/contracts';
import { type Clock, type Ctx, Drained, errorCode, identify, LibraryFileMissing, LibraryRoot, type Logger } from '@reelay/runtime';
import type { Supervisor } from '@reelay/runtime/supervisor';
import { INPUT_GUARD } from '@reelay/job-types/agent';
import { unreachable } from '../attempts/end-reason.ts';
import { Session } from './session.ts';
import { SourceProxy } from './source-proxy.ts';

export interface SessionsOptions {
  incarnation: string;
  ctx: Ctx;
  supervisor: Supervisor;
  clock: Clock;
  logger: Logger;
  ffmpegPath: string;
  cpus: number;
  /** The gateway that this node knows. */
  gatewayUrl: string;
  limit: () => number;
  draining: () => boolean;
  /** The mount, when it is the hub's library. */
  libraryRoot: () => string | null;
  /** Best encoder of a device, null when none works. */
  encoderOf: (deviceId: string) => string | null;
  gpuIndexOf: (deviceId: string) => number | null;
  canToneMap: () => boolean;
}

type Refusal = NonNullable<SessionReply['refusal']>;

const PROXY_GUARD = ['-protocol_whitelist', 'http,tcp', ...INPUT_GUARD.slice(2)];

/** The on-demand transcodes of this node. */
export class Sessions {
  readonly #options: SessionsOptions;
  readonly #sessions = new Map<string, Session>();
  readonly #proxy = new SourceProxy();

  constructor(options: SessionsOptions) {
    this.#options = options;
  }

  /** Ids of the sessions that are open, for the heartbeat. */
  get ids(): string[] {
    return [...this.#sessions.values()].filter((session) => session.open).map(({ id }) => id);
  }

  async handle(request: SessionRequest): Promise<SessionReply> {
    const session = this.#sessions.get(request.sessionId);
    switch (request.kind) {
      case 'open':
        return session?.open === true ? this.#reply(session) : this.#open(request);
      case 'close':
        // The answer does not wait for the children: their end is in the log.
        session?.close(request.reason).catch(() => undefined);
        return this.#reply(session);
      case 'head':
        return this.#reply(session, session?.open === true ? session.start(request) : null);
      case 'keep':
        session?.keep(request.heads, request.drop);
        return this.#reply(session);
      case 'pipe':
        return this.#reply(session, session?.open === true ? session.startPipe(request) : null);
      default:
        return unreachable(request);
    }
  }

  /** Ends those that the hub does not know any more. */
  end(ids: readonly string[]): void {
    for (const id of ids) this.#sessions.get(id)?.close('the hub does not know the session any more').catch(() => undefined);
  }

  /** Ends all that are open; new ones may come. */
  closeAll(reason: string): void {
    for (const session of this.#sessions.values()) session.close(reason).catch(() => undefined);
  }

  /** Ends all for good; resolves when nothing runs. */
  async stop(cause: Error = new Drained()): Promise<void> {
    await Promise.all([...this.#sessions.values()].map((session) => session.close(cause.message)));
    await this.#proxy.stop();
  }

  async #open(order: OpenSession): Promise<SessionReply> {
    const refusal = this.#refusalOf(order);
    if (refusal !== null) return this.#reply(undefined, refusal);
    const { ctx, encoderOf, gpuIndexOf, canToneMap, gatewayUrl, supervisor, ffmpegPath, cpus, clock, logger } = this.#options;
    const source = await this.#sourceOf(order);
    const session = new Session({
      order, source, ctx: ctx.child(`session ${order.sessionId}`), gatewayUrl: (order.gatewayUrl ?? gatewayUrl).replace(/\/+$/, ''), supervisor, ffmpegPath,
      encoder: encoderOf(order.deviceId) ?? 'libx264', gpuIndex: gpuIndexOf(order.deviceId), cpus, canToneMap: canToneMap(), clock, logger,
    });
    this.#sessions.set(order.sessionId, session);
    logger.info({ sessionId: order.sessionId, videoId: order.videoId, deviceId: order.deviceId }, 'session opened');
    void this.#forgetAfter(session);
    return this.#reply(session);
  }

  async #forgetAfter(session: Session): Promise<void> {
    await session.over;
    if (this.#sessions.get(session.id) === session) this.#sessions.delete(session.id);
    this.#options.logger.info({ sessionId: session.id }, 'session closed');
  }

  #refusalOf(order: OpenSession): Refusal | null {
    const { incarnation, draining, limit } = this.#options;
    if (order.incarnation !== incarnation) return { code: 'wrong_incarnation', detail: 'this is another start of the node' };
    if (draining()) return { code: 'draining', detail: 'the node is being drained' };
    if (this.ids.length >= limit()) return { code: 'busy', detail: `the node serves ${this.ids.length} of ${limit()} sessions already` };
    return null;
  }

  /** The library's own file when this node holds the very same, else the gateway's by way of the loopback address. */
  async #sourceOf({ source, gatewayUrl }: OpenSession): Promise<{ input: string; inputOptions: readonly string[]; close: () => void }> {
    const path = await this.#inLibrary(source);
    if (path !== null) return { input: `file:${path}`, inputOptions: INPUT_GUARD, close: () => {} };
    const local = await this.#proxy.open(`${(gatewayUrl ?? this.#options.gatewayUrl).replace(/\/+$/, '')}${source.url}`);
    return { input: local, inputOptions: PROXY_GUARD, close: () => this.#proxy.close(local) };
  }

  async #inLibrary(file: OpenSession['source']): Promise<string | null> {
    const root = this.#options.libraryRoot();
    if (root === null) return null;
    try {
      const path = await (await LibraryRoot.open(root)).resolveExisting(file.path);
      const { sizeBytes, mtimeMs, inode } = await identify(path);
      return sizeBytes === file.sizeBytes && mtimeMs === file.mtimeMs && inode === file.inode ? path : null;
    } catch (error) {
      if (error instanceof LibraryFileMissing || errorCode(error) === 'ENOENT') return null;
      throw error;
    }
  }

  #reply(session: Session | undefined, refusal: Refusal | null = null): SessionReply {
    return { ok: true, known: session?.open === true, refusal, heads: session?.heads ?? [] };
  }
}
