import type { Stream } from '@reelay/contracts';
import { type Cause, type Ctx, Finished, identify, type LibraryRoot } from '@reelay/runtime';
import { LivePipe, type PipeOrder } from './live-pipe.ts';
import type { NodeSessionDeps } from './node-session.ts';
import type { StreamEvents } from './session-deps.ts';

type Wanted = Omit<PipeOrder, 'videoId' | 'source' | 'excludeNodes'>;

/** The live films that this gateway passes on. */
export class LivePipes {
  readonly #deps: NodeSessionDeps & { library: LibraryRoot; events: StreamEvents };
  readonly #pipes = new Map<string, LivePipe>();

  constructor(deps: NodeSessionDeps & { library: LibraryRoot; events: StreamEvents }) {
    this.#deps = deps;
  }

  get size(): number {
    return this.#pipes.size;
  }

  /** Begins a film that ends with `ctx`. @throws NoPlace, EncodingFailed, EncodingSlow; what keeps the file from being read */
  async open(wanted: Wanted, ctx: Ctx): Promise<ReadableStream<Uint8Array>> {
    const { video } = wanted;
    const { sizeBytes, mtimeMs, inode } = await identify(await this.#deps.library.resolveExisting(video.path));
    ctx.throwIfCancelled();
    const pipe = new LivePipe(this.#deps, ctx.child('live film'), { ...wanted, videoId: video.id, source: { path: video.path, sizeBytes, mtimeMs, inode }, excludeNodes: [] });
    this.#pipes.set(pipe.id, pipe);
    const { onOpen, onEnd } = this.#deps.events;
    onOpen(pipe.view());
    pipe.ctx.onCancel((cause) => {
      this.#pipes.delete(pipe.id);
      onEnd(pipe.view(), cause);
      // Breaks off an answer whose client does not read just now.
      if (!(cause instanceof Finished)) ctx.cancel(cause);
    });
    try {
      return await pipe.open();
    } catch (error) {
      pipe.ctx.end();
      throw error;
    }
  }

  get(pipeId: string): LivePipe | undefined {
    return this.#pipes.get(pipeId);
  }

  /** Whether a node's session is one of these. */
  hasNodeSession(sessionId: string): boolean {
    return [...this.#pipes.values()].some((pipe) => pipe.nodeSessionId === sessionId);
  }

  list(): Stream[] {
    return [...this.#pipes.values()].map((pipe) => pipe.view());
  }

  /** Ends one. Null when there is none with that id. */
  end(id: string, cause: Cause): Stream | null {
    const pipe = this.#pipes.get(id);
    const view = pipe?.view() ?? null;
    pipe?.ctx.cancel(cause);
    return view;
  }
}
