/** One table makes both the key handler and the help sheet, so the sheet is complete. */

interface Screen {
  readonly video: HTMLVideoElement;
  /** What goes full screen. */
  readonly frame: HTMLElement;
  /** Seconds of one frame. */
  readonly frameSeconds: number;
  readonly showHelp: () => void;
}

interface Shortcut {
  readonly keys: readonly string[];
  readonly shown: string;
  readonly what: string;
  /** Does it, and returns what to show on the picture. */
  readonly run: (screen: Screen, key: string) => string;
}

const SPEEDS = [0.25, 0.5, 0.75, 1, 1.25, 1.5, 1.75, 2] as const;

export const SHORTCUTS: readonly Shortcut[] = [
  { keys: [' ', 'k'], shown: 'Space, K', what: 'Play or pause', run: ({ video }) => playOrPause(video) },
  { keys: ['j'], shown: 'J', what: '10 seconds back', run: ({ video }) => seekBy(video, -10) },
  { keys: ['l'], shown: 'L', what: '10 seconds forward', run: ({ video }) => seekBy(video, 10) },
  { keys: ['ArrowLeft'], shown: '←', what: '5 seconds back', run: ({ video }) => seekBy(video, -5) },
  { keys: ['ArrowRight'], shown: '→', what: '5 seconds forward', run: ({ video }) => seekBy(video, 5) },
  { keys: ['ArrowUp'], shown: '↑', what: 'Louder', run: ({ video }) => volumeBy(video, 0.05) },
  { keys: ['ArrowDown'], shown: '↓', what: 'Quieter', run: ({ video }) => volumeBy(video, -0.05) },
  { keys: ['m'], shown: 'M', what: 'Sound off or on', run: ({ video }) => mute(video) },
  { keys: ['f'], shown: 'F', what: 'Full screen', run: ({ frame, video }) => fullScreen(frame, video) },
  { keys: ['i'], shown: 'I', what: 'Picture in picture', run: ({ video }) => pictureInPicture(video) },
  { keys: ['<'], shown: '<', what: 'Slower', run: ({ video }) => speedBy(video, -1) },
  { keys: ['>'], shown: '>', what: 'Faster', run: ({ video }) => speedBy(video, 1) },
  { keys: [','], shown: ',', what: 'One frame back, while paused', run: (screen) => step(screen, -1) },
  { keys: ['.'], shown: '.', what: 'One frame forward, while paused', run: (screen) => step(screen, 1) },
  { keys: ['0', '1', '2', '3', '4', '5', '6', '7', '8', '9'], shown: '0 – 9', what: 'To 0% – 90%', run: ({ video }, key) => seekToShare(video, Number(key) / 10) },
  { keys: ['Home'], shown: 'Home', what: 'To the beginning', run: ({ video }) => seekToShare(video, 0) },
  { keys: ['End'], shown: 'End', what: 'To the end', run: ({ video }) => seekToShare(video, 1) },
  { keys: ['?'], shown: '?', what: 'This list', run: ({ showHelp }) => {
    showHelp();
    return '';
  } },
];

export interface KeyPress {
  readonly key: string;
  readonly ctrlKey: boolean;
  readonly metaKey: boolean;
  readonly altKey: boolean;
  readonly defaultPrevented: boolean;
}
/** What has the focus: typing and open layers keep their keys; a button keeps Space. */
export type Focus = 'free' | 'control' | 'typing';

export function shortcutFor(press: KeyPress, focus: Focus): Shortcut | null {
  if (press.defaultPrevented || press.ctrlKey || press.metaKey || press.altKey || focus === 'typing') return null;
  if (focus === 'control' && press.key === ' ') return null;
  const key = press.key.length === 1 ? press.key.toLowerCase() : press.key;
  return SHORTCUTS.find(({ keys }) => keys.includes(key)) ?? null;
}

export function focusOf(target: EventTarget | null): Focus {
  if (!(target instanceof Element)) return 'free';
  if (target.closest('input, textarea, select, [contenteditable], dialog, [popover], [role="log"]') !== null) return 'typing';
  return target.closest('a, button, summary') === null ? 'free' : 'control';
}

const whole = (seconds: number): string => `${seconds > 0 ? '+' : '−'}${Math.abs(seconds)} s`;

function playOrPause(video: HTMLVideoElement): string {
  if (!video.paused) {
    video.pause();
    return 'Paused';
  }
  void video.play().catch(() => {});
  return 'Playing';
}

function seekBy(video: HTMLVideoElement, seconds: number): string {
  video.currentTime = Math.max(0, Math.min(lengthOf(video), video.currentTime + seconds));
  return whole(seconds);
}

function seekToShare(video: HTMLVideoElement, share: number): string {
  video.currentTime = lengthOf(video) * share;
  return `${Math.round(share * 100)}%`;
}

const lengthOf = (video: HTMLVideoElement): number => (Number.isFinite(video.duration) ? video.duration : 0);

function volumeBy(video: HTMLVideoElement, change: number): string {
  video.muted = false;
  video.volume = Math.max(0, Math.min(1, Math.round((video.volume + change) * 100) / 100));
  return `Volume ${Math.round(video.volume * 100)}%`;
}

function mute(video: HTMLVideoElement): string {
  video.muted = !video.muted;
  return video.muted ? 'Sound off' : 'Sound on';
}

function speedBy(video: HTMLVideoElement, steps: number): string {
  const at = SPEEDS.findIndex((speed) => speed >= video.playbackRate);
  video.playbackRate = SPEEDS[Math.max(0, Math.min(SPEEDS.length - 1, at + steps))] ?? 1;
  return `Speed ${video.playbackRate}×`;
}

function step({ video, frameSeconds }: Screen, direction: 1 | -1): string {
  if (!video.paused) return '';
  video.currentTime = Math.max(0, Math.min(lengthOf(video), video.currentTime + direction * frameSeconds));
  return direction > 0 ? 'One frame on' : 'One frame back';
}

function fullScreen(frame: HTMLElement, video: HTMLVideoElement): string {
  if (document.fullscreenElement !== null) void document.exitFullscreen().catch(() => {});
  else if (typeof frame.requestFullscreen === 'function') void frame.requestFullscreen().catch(() => {});
  else if ('webkitEnterFullscreen' in video && typeof video.webkitEnterFullscreen === 'function') video.webkitEnterFullscreen();
  return '';
}

function pictureInPicture(video: HTMLVideoElement): string {
  if (document.pictureInPictureElement !== null) void document.exitPictureInPicture().catch(() => {});
  else if (document.pictureInPictureEnabled) void video.requestPictureInPicture().catch(() => {});
  else return 'No picture in picture here';
  return '';
}
