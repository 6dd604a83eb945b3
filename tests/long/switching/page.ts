/** One of two players in a page, made to change pictures and sound all the time while it plays and is sought in. */
import type { Page } from 'playwright-core';
import type { PlayerName } from '../../conformance/player-page.ts';

export interface SwitchPlan {
  name: PlayerName;
  url: string;
  /** Between two changes; every second one is of the sound. */
  everyMs: number;
  playMs: number;
  seeks: readonly number[];
}

export interface Switched {
  /** Error events, also those that the player gets over by itself, and each jump over a hole. */
  errors: string[];
  /** Longest time without a step forward while it should play; not counted from a seek to its first picture. */
  longestStallMs: number;
  /** From a seek to pictures that move. */
  seekMs: number[];
  renditions: number[];
  sounds: number[];
  /** Changes that took effect, in pictures and in sound. */
  changed: { pictures: number; sound: number };
  ended: boolean;
  /** What happened when, for whoever looks for the reason. */
  notes: string[];
}

/** In the page. */
function pause(ms: number): Promise<void> {
  return new Promise((resolve) => {
    setTimeout(resolve, ms);
  });
}

/** Plays, changes, seeks, and goes on to the end. The page must be open (`openPlayer`). */
export async function playAndSwitch(page: Page, plan: SwitchPlan): Promise<Switched> {
  await page.addScriptTag({ content: pause.toString() });
  return page.evaluate(async ({ name, url, everyMs, playMs, seeks }) => {
    const video = document.querySelector('video');
    if (video === null) throw new Error('no video element');
    const result = { errors: [] as string[], longestStallMs: 0, seekMs: [] as number[], renditions: [] as number[], sounds: [] as number[], changed: { pictures: 0, sound: 0 }, ended: false, notes: [] as string[] };
    const until = Reflect.get(window, 'until') as (condition: () => boolean) => Promise<boolean>;
    const pause = Reflect.get(window, 'pause') as (ms: number) => Promise<void>;
    const note = (text: string): void => void result.notes.push(`${video.currentTime.toFixed(2)} ${text}`);
    let counts: () => { pictures: number; sound: number };
    let choose: (kind: 'pictures' | 'sound', n: number) => void;
    if (name === 'hls.js') {
      const Hls = Reflect.get(window, 'Hls');
      const hls = new Hls({ startPosition: 0 });
      hls.on('hlsError', (_: unknown, data: { fatal: boolean; type: string; details: string; reason?: string; error?: Error }) => {
        // How long it stood still is measured below; a seek calls off what it waits for.
        if (data.details !== 'aborted' && data.details !== 'bufferStalledError') result.errors.push(`${video.currentTime.toFixed(2)} ${data.fatal ? 'fatal ' : ''}${data.details} ${data.reason ?? data.error?.message ?? ''}`);
      });
      let last = -1;
      hls.on('hlsFragChanged', (_: unknown, { frag }: { frag: { level: number; sn: number } }) => {
        if (frag.level !== last) result.changed.pictures += 1;
        last = frag.level;
      });
      hls.on('hlsAudioTrackSwitched', () => {
        result.changed.sound += 1;
        note('sound switched');
      });
      hls.loadSource(url);
      hls.attachMedia(video);
      counts = () => ({ pictures: hls.levels.length, sound: hls.audioTracks.length });
      choose = (kind, n) => {
        if (kind === 'pictures') hls.nextLevel = n;
        else hls.audioTrack = n;
      };
    } else {
      const shaka = Reflect.get(window, 'shaka');
      shaka.polyfill.installAll();
      const player = new shaka.Player();
      await player.attach(video);
      player.configure({ abr: { enabled: false } });
      player.addEventListener('error', (event: { detail: { code: number; message: string } }) => result.errors.push(`shaka ${event.detail.code} ${event.detail.message}`));
      for (const hole of ['gapjumped', 'stalldetected']) player.addEventListener(hole, () => result.errors.push(`${video.currentTime.toFixed(2)} ${hole}`));
      player.addEventListener('adaptation', () => {
        result.changed.pictures += 1;
      });
      player.addEventListener('variantchanged', () => {
        result.changed.sound += 1;
      });
      await player.load(url, 0).catch((error: { code: number; message: string }) => result.errors.push(`shaka load ${error.code} ${error.message}`));
      type Variant = { active: boolean; videoId: number; audioId: number; height: number; language: string; label: string | null };
      const variants = (): Variant[] => player.getVariantTracks();
      const idsOf = (key: 'videoId' | 'audioId'): number[] => [...new Set(variants().map((one) => one[key]))].toSorted((a, b) => a - b);
      counts = () => ({ pictures: idsOf('videoId').length, sound: idsOf('audioId').length });
      choose = (kind, n) => {
        const active = variants().find((one) => one.active);
        const wanted = { videoId: kind === 'pictures' ? idsOf('videoId')[n] : active?.videoId, audioId: kind === 'sound' ? idsOf('audioId')[n] : active?.audioId };
        const track = variants().find((one) => one.videoId === wanted.videoId && one.audioId === wanted.audioId) ?? variants().find((one) => one.audioId === wanted.audioId);
        if (track !== undefined) player.selectVariantTrack(track, false);
      };
    }
    await until(() => video.readyState >= 3 && counts().sound > 0);
    let sinceMs = performance.now();
    let at = video.currentTime;
    let excused = true;
    const watch = setInterval(() => {
      const nowMs = performance.now();
      if (video.seeking || video.paused || video.ended) excused = true;
      if (video.currentTime !== at || excused) {
        if (video.currentTime !== at && !video.seeking) excused = false;
        at = video.currentTime;
        sinceMs = nowMs;
        return;
      }
      const stallMs = nowMs - sinceMs;
      if (stallMs > result.longestStallMs) {
        result.longestStallMs = stallMs;
        if (stallMs > 500) note(`stall ${Math.round(stallMs)}`);
      }
    }, 20);
    await video.play().catch((error: Error) => result.errors.push(error.message));
    let turn = 0;
    const change = (): void => {
      const { pictures, sound } = counts();
      const kind = turn % 2 === 0 && pictures > 1 ? 'pictures' : 'sound';
      const step = Math.floor(turn / 2) + 1;
      const n = step % (kind === 'pictures' ? pictures : sound);
      (kind === 'pictures' ? result.renditions : result.sounds).push(n);
      note(`${kind} ${n}`);
      choose(kind, n);
      turn += 1;
    };
    const timer = setInterval(change, everyMs);
    await pause(playMs);
    for (const to of seeks) {
      const startedMs = performance.now();
      video.currentTime = to;
      change();
      if (!(await until(() => !video.seeking && video.currentTime > to + 0.2))) result.errors.push(`did not play on at ${to}`);
      result.seekMs.push(Math.round(performance.now() - startedMs));
      await pause(everyMs * 2.5);
    }
    clearInterval(timer);
    video.currentTime = video.duration - 1.5;
    result.ended = await until(() => video.ended);
    clearInterval(watch);
    if (video.error !== null) result.errors.push(`media error ${video.error.code} ${video.error.message}`);
    return result;
  }, plan);
}
