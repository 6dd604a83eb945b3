import { indexFactsSchema, type MediaInfo } from '@reelay/contracts';
import { findVideoWithMedia, readIndexFacts, type Sql, type VideoRow } from '@reelay/store';
import { type EncodedStream, planEncodedStream } from './encoded-stream.ts';
import { NotEncodable } from './errors.ts';

/** What encoding on demand makes of a video, with what a node needs to know of the source. */
export interface PlannedVideo {
  readonly stream: EncodedStream;
  readonly media: MediaInfo;
}

const KEPT = 500;

/** Plans of encoded streams, the most recently used ones. A plan is made once per revision of a video's row. */
export class EncodedStreams {
  readonly #sql: Sql;
  /** Last in the map = used last. */
  readonly #plans = new Map<string, { identity: string; planned: Promise<PlannedVideo> }>();

  constructor(sql: Sql) {
    this.#sql = sql;
  }

  /** @throws NotEncodable */
  async open(video: Pick<VideoRow, 'id' | 'rev' | 'sizeBytes' | 'mtimeMs'>): Promise<PlannedVideo> {
    const identity = `${video.rev} ${video.sizeBytes} ${video.mtimeMs}`;
    let known = this.#plans.get(video.id);
    if (known?.identity !== identity) known = { identity, planned: this.#plan(video.id) };
    this.#plans.delete(video.id);
    this.#plans.set(video.id, known);
    const [oldest] = this.#plans.keys();
    if (this.#plans.size > KEPT && oldest !== undefined) this.#plans.delete(oldest);
    try {
      return await known.planned;
    } catch (error) {
      if (this.#plans.get(video.id) === known) this.#plans.delete(video.id);
      throw error;
    }
  }

  async #plan(videoId: string): Promise<PlannedVideo> {
    const [video, index] = await Promise.all([findVideoWithMedia(this.#sql, videoId), readIndexFacts(this.#sql, videoId)]);
    if (!video?.media) throw new NotEncodable('The file has not been validated yet.');
    const current = index !== null && index.sizeBytes === video.sizeBytes && index.mtimeMs === video.mtimeMs;
    const facts = current ? indexFactsSchema.safeParse(index.facts) : null;
    const stream = planEncodedStream({ media: video.media, facts: facts?.success === true ? facts.data : null, sizeBytes: video.sizeBytes, mtimeMs: video.mtimeMs });
    return { stream, media: video.media };
  }
}
