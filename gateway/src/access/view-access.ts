import { type Role, VIEW_COOKIE } from '@reelay/contracts';
import { type Clock, errorCode, type SigningKeys } from '@reelay/runtime';
import { findPrincipal, findVideo, type Principal, roleOfUser, rolesOfTokens, type Sql, type VideoRow } from '@reelay/store';
import { tokenKey } from '../auth/tokens.ts';
import { offeredToken } from '../auth/sign-in.ts';
import { HttpProblem } from '../http/problem.ts';
import { uuidOr404 } from '../http/route.ts';
import { cookieOf, type Sender } from '../http/sender.ts';
import { Recent } from './recent.ts';
import { readViewToken, type ViewToken } from './view-token.ts';

/** Who may see a video, and by what. */
export interface View {
  readonly video: VideoRow;
  readonly by: 'public' | 'signIn' | 'address' | 'cookie';
}

/** Asked anew once a second while somebody watches; nothing older than this is believed. */
const FRESH_MS = 1_000;
const MAX_MS = 4_000;
const MAX_KEYS = 20_000;

/**
 * May this request see this video? Segments come many times a second, so what Postgres said is believed for moments:
 * a video until an event tells that it changed, a sign-in until it is ended here or 4 s have passed. A signed address
 * or cookie proves itself; only whether its owner still is one of us is asked.
 *
 *   public video ─────────────────────────────────▶ seen by anybody
 *   /s/<token>/… ──signed for this video, its user (or sign-in) lives──▶ seen
 *   bearer token, session cookie ──signed in──▶ seen
 *   view cookie ──signed for this video, its sign-in lives──▶ seen      anything else ──▶ 401
 */
export class ViewAccess {
  readonly #keys: SigningKeys;
  readonly #videos: Recent<VideoRow>;
  /** By the hash of their token. */
  readonly #signIns: Recent<Principal>;
  /** By user id, and by the id of a sign-in. */
  readonly #users: Recent<Role>;
  readonly #sessions: Recent<Role>;

  constructor({ sql, keys, clock }: { sql: Sql; keys: SigningKeys; clock: Clock }) {
    const times = { clock, freshMs: FRESH_MS, maxMs: MAX_MS, maxKeys: MAX_KEYS };
    this.#keys = keys;
    this.#videos = new Recent({ ...times, ask: (id) => findVideo(sql, id) });
    this.#signIns = new Recent({ ...times, ask: (hash) => findPrincipal(sql, Buffer.from(hash, 'base64url')) });
    this.#users = new Recent({ ...times, ask: (id) => roleOfUser(sql, id) });
    this.#sessions = new Recent({ ...times, ask: async (id) => (await rolesOfTokens(sql, [id])).get(id) ?? null });
  }

  /** @throws HttpProblem video_not_found, unauthenticated */
  async view(sender: Sender, offeredId: string): Promise<View> {
    const id = uuidOr404(offeredId, 'video_not_found');
    const { signed } = sender;
    if (signed !== undefined) return { video: await this.#byAddress(signed, id), by: 'address' };
    const video = await this.#videos.get(id);
    if (video?.isPublic === true) return { video, by: 'public' };
    const by = (await this.#isSignedIn(sender)) ? 'signIn' : (await this.#hasCookie(sender, id)) ? 'cookie' : null;
    // Asked before the answer, so that nobody learns which ids exist.
    if (by === null) throw new HttpProblem('unauthenticated', 'Sign in, or send a bearer token', { headers: { 'www-authenticate': 'Bearer' } });
    return { video: found(video, id), by };
  }

  /** It changed, or may have. */
  forgetVideo(id: string): void {
    this.#videos.forget(id);
  }

  /** This gateway changed something: what it says next must agree with it. */
  forgetVideos(): void {
    this.#videos.clear();
  }

  /** A sign-in or a user ended here, or became something else. */
  forgetSignIns(): void {
    for (const known of [this.#signIns, this.#users, this.#sessions]) known.clear();
  }

  async #isSignedIn(sender: Sender): Promise<boolean> {
    const offered = offeredToken(sender);
    return offered !== null && (await this.#signIns.get(tokenKey(offered.token))) !== null;
  }

  /** @throws HttpProblem unauthenticated, video_not_found */
  async #byAddress(token: string, id: string): Promise<VideoRow> {
    const { says, why } = this.#read(token, id);
    if (says === null || !(await this.#lives(says))) {
      throw new HttpProblem('unauthenticated', why === 'token_expired' ? 'The signed address has expired: ask for the playback of the video again' : 'The signed address is not valid (any more)');
    }
    return found(await this.#videos.get(id), id);
  }

  async #hasCookie(sender: Sender, id: string): Promise<boolean> {
    const cookie = cookieOf(sender, VIEW_COOKIE);
    const says = cookie === undefined ? null : this.#read(cookie, id).says;
    return says?.s !== undefined && (await this.#lives(says));
  }

  /** Whether the one it was made for is still one of us, and the sign-in it is tied to lives. */
  async #lives({ u, s }: ViewToken): Promise<boolean> {
    return (await (s === undefined ? this.#users.get(u) : this.#sessions.get(s))) !== null;
  }

  /** Null when it was not signed for this video, or is over. */
  #read(token: string, id: string): { says: ViewToken | null; why: string } {
    try {
      const says = readViewToken(this.#keys, token);
      return says.v === id ? { says, why: '' } : { says: null, why: 'other_video' };
    } catch (error) {
      return { says: null, why: errorCode(error) ?? '' };
    }
  }
}

/** @throws HttpProblem video_not_found */
const found = (video: VideoRow | null, id: string): VideoRow => {
  if (video === null) throw new HttpProblem('video_not_found', `There is no video ${id}`);
  return video;
};
