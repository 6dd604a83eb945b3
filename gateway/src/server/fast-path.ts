import type { IncomingMessage, RequestListener, ServerResponse } from 'node:http';
import { ClientGone, type Ctx } from '@reelay/runtime';
import type { Piece, PieceFile } from '../cache/piece.ts';
import type { GatewayDeps } from '../deps.ts';
import { sendFromFile, sendFromMemory, writeDirect } from '../http/direct-body.ts';
import { type Audience, headersOf, isCheckingEdge } from '../http/send-piece.ts';
import { type Sender, senderOfIncoming } from '../http/sender.ts';
import { loggedPath } from '../http/signed-path.ts';
import { tenths } from '../middleware/access-log.ts';
import { tieToAnswer } from '../middleware/request-context.ts';
import { requestIdOf } from '../middleware/request-id.ts';
import { SECURITY_HEADERS } from '../middleware/security-headers.ts';
import { SEGMENT_ROUTES } from '../routes/stream.ts';
import { ofViewedStream } from '../streams/viewed-stream.ts';
import { GatheredRequests } from './gathered-requests.ts';

/** The three roots of a stream, as in the routes. */
const SEGMENT = /^(?:\/stream|\/s\/([^/?]{1,2048})(\/stream)?)\/([0-9a-f-]{36})\/([0-9a-z]{1,64})\/([a-z][0-9]{1,4})\/([0-9]{1,7})\.(?:m4s|mp3)$/;
/** What makes of a request more than “the whole segment, please”. */
const CONDITIONS = ['range', 'if-range', 'if-none-match', 'if-match', 'if-modified-since', 'if-unmodified-since', 'expect'] as const;

/** What the application would answer, if somebody listened. */
const GONE = 503;

interface Asked {
  readonly incoming: IncomingMessage;
  readonly outgoing: ServerResponse;
  readonly path: string;
  readonly sender: Sender;
  /** As the metrics call it. */
  readonly route: string;
  readonly videoId: string;
  readonly version: string;
  readonly rendition: string;
  readonly n: number;
}

interface Found {
  readonly piece: Piece | PieceFile;
  readonly contentType: string;
  readonly audience: Audience;
}

/**
 * Segments that lie in the cache, sent without the application around them: its requests, headers and answers in the manner
 * of the web cost as much as the kernel's copy of 1.5 MB does (measured: 0.33 of 0.77 ms). Who may see what, who counts as
 * a viewer, the log line, the metrics and the headers are the same, by the same functions.
 *
 *   GET of a whole segment ──in the cache──▶ access, lease, stream ──all well──▶ head and bytes
 *          └──anything else──▶ the application ◀──anything wrong: it finds the same, and says it──┘
 */
export class FastPath {
  readonly #deps: GatewayDeps;
  readonly #sent: GatheredRequests;
  /** As many as there are content types, and kinds of audience. */
  readonly #headers = new Map<string, readonly string[]>();

  constructor(deps: GatewayDeps) {
    this.#deps = deps;
    this.#sent = new GatheredRequests(deps);
  }

  /** In front of the listener of the application. */
  before(application: RequestListener): RequestListener {
    return (incoming, outgoing) => {
      const asked = this.#asked(incoming, outgoing);
      if (asked === null) application(incoming, outgoing);
      else {
        this.#answer(asked, () => application(incoming, outgoing)).catch((error: unknown) => {
          this.#deps.logger.error({ err: error }, 'segment not sent');
          outgoing.destroy();
        });
      }
    };
  }

  /** Null when it is for the application. */
  #asked(incoming: IncomingMessage, outgoing: ServerResponse): Asked | null {
    if (incoming.method !== 'GET' || this.#deps.drain.refusesReads) return null;
    const path = incoming.url ?? '';
    const [, signed, long, videoId = '', version = '', rendition = '', n = ''] = SEGMENT.exec(path) ?? [];
    if (videoId === '' || CONDITIONS.some((name) => incoming.headers[name] !== undefined)) return null;
    if (!this.#deps.cache.has({ version, rendition, name: String(Number(n)) })) return null;
    const route = SEGMENT_ROUTES[signed === undefined ? 0 : long === undefined ? 2 : 1] ?? '';
    return { incoming, outgoing, path, route, sender: senderOfIncoming(incoming, signed), videoId, version, rendition, n: Number(n) };
  }

  /** Nothing that was sent so far is missing in the log and the metrics. */
  flush(): void {
    this.#sent.flush();
  }

  async #answer(asked: Asked, toApplication: () => void): Promise<void> {
    const { clock, requests } = this.#deps;
    const startedMs = clock.monotonicMs();
    const ctx = requests.begin(`GET ${loggedPath(asked.path)}`, 'stream', asked.incoming);
    tieToAnswer(ctx, asked.outgoing);
    const found = await this.#find(asked, ctx);
    // The line in the log is the same as of any such request. No application for it: the end of its connection has been told.
    if (ctx.cause instanceof ClientGone) this.#over(asked, ctx, { status: GONE, startedMs });
    else if (found !== null && !ctx.cancelled) await this.#send(asked, found, ctx, startedMs);
    else {
      ctx.end();
      toApplication();
    }
  }

  async #find({ outgoing, sender, videoId, version, rendition, n }: Asked, ctx: Ctx): Promise<Found | null> {
    try {
      const { made, audience } = await ofViewedStream(this.#deps, { sender, ctx, videoId, version }, async (source, viewing) => {
        const contentType = source.renditions.find(({ id }) => id === rendition)?.contentType;
        if (contentType === undefined) return null;
        const piece = await source.piece(rendition, n, viewing);
        // Opened here: it may be evicted the next moment.
        if ('path' in piece) await sendFromFile(outgoing, ctx, { path: piece.path, start: 0, end: piece.sizeBytes - 1, status: 200 });
        return { contentType, piece };
      });
      return made === null ? null : { ...made, audience };
    } catch {
      // The application asks again, and answers with what is wrong.
      return null;
    }
  }

  async #send(asked: Asked, { piece, contentType, audience }: Found, ctx: Ctx, startedMs: number): Promise<void> {
    const { outgoing, sender } = asked;
    const requestId = this.#over(asked, ctx, { status: 200, startedMs });
    const inMemory = 'bytes' in piece;
    const sizeBytes = inMemory ? piece.bytes.length : piece.sizeBytes;
    const same = this.#headersFor(contentType, audience, isCheckingEdge(sender));
    const headers = same.concat('x-request-id', requestId, 'etag', `"${piece.tag}"`, 'content-length', String(sizeBytes));
    const direct = !inMemory || sendFromMemory(outgoing, ctx, { piece: piece.bytes, start: 0, end: sizeBytes - 1, status: 200 });
    if (direct) await writeDirect(outgoing, 200, headers);
    else outgoing.writeHead(200, headers).end(piece.bytes);
  }

  /** Those that many segments share, as names and values in turn. */
  #headersFor(contentType: string, audience: Audience, forEdge: boolean): readonly string[] {
    const key = `${contentType} ${audience.isPublic} ${audience.anyOrigin} ${forEdge}`;
    const known = this.#headers.get(key);
    if (known !== undefined) return known;
    const made = Object.entries({ ...SAFE, ...SAME_ORIGIN, ...headersOf({ kind: 'piece', contentType }, audience, forEdge) }).flat();
    this.#headers.set(key, made);
    return made;
  }

  /** Counts the request, and logs it when it is over. Returns its id. */
  #over({ sender, route, path }: Asked, ctx: Ctx, { status, startedMs }: { status: number; startedMs: number }): string {
    const { clock, newId } = this.#deps;
    const requestId = requestIdOf(sender.header('x-request-id'), newId);
    const tookMs = tenths(clock.monotonicMs() - startedMs);
    this.#sent.measured({ method: 'GET', route, status, tookMs });
    ctx.onCancel((cause) => this.#sent.ended({ requestId, method: 'GET', path, status, startedMs, endedMs: clock.monotonicMs(), tookMs }, cause));
    return requestId;
  }
}

const SAFE = Object.fromEntries(SECURITY_HEADERS);
const SAME_ORIGIN = { 'cross-origin-resource-policy': 'same-origin' };
