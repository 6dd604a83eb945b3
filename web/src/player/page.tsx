/** The player page. It is loaded while the library is idle, or when a video is opened; hls.js comes along, for nearly every video needs it sooner or later. */
import type { Playback, Video } from '@reelay/contracts';
import type { RefObject } from 'preact';
import { useEffect, useRef } from 'preact/hooks';
import { api } from '../api.ts';
import { copyText } from '../components/copy.ts';
import { Icon } from '../components/icon.tsx';
import { Empty, Loading, Problem } from '../components/notice.tsx';
import { VideoMenu, askForJob } from '../components/video-menu.tsx';
import { frozen, staleSinceMs } from '../live/live.ts';
import { parseStart } from '../model/format.ts';
import { navigate, place, videoPath } from '../router.ts';
import { videos } from '../store/live-store.ts';
import { can } from '../store/session.ts';
import { useLoad, useReloadOn } from '../store/use-load.ts';
import { decodedCodecs } from './codecs.ts';
import { type FirstPicture, useFirstPicture, usePassAtPicture } from './first-picture.ts';
import { MediaFacts } from './media-facts.tsx';
import { storedPosition } from './resume.ts';
import { Screen } from './screen.tsx';
import { VideoJobs } from './video-jobs.tsx';

/** Where the player is going to begin: at the linked place, else where it was left. */
const startOf = (id: string): number => parseStart(new URLSearchParams(place.peek().search).get('t') ?? '') ?? storedPosition(id) ?? 0;

/** An element that is never shown: it only says what this browser decodes. */
const codecs = (): string[] => {
  const probe = document.createElement('video');
  return decodedCodecs((type) => probe.canPlayType(type));
};

if ('MediaSource' in window || 'ManagedMediaSource' in window) void import('./hls-engine.ts').catch(() => {});

export default function PlayerPage({ id }: { id: string }) {
  // How to play is asked together with what: one way to the server less before the first picture.
  const early = useRef<Promise<Playback> | null>(null);
  const isFirst = useRef(true);
  if (isFirst.current) {
    isFirst.current = false;
    early.current = api.playback(id, codecs(), { startSeconds: startOf(id) });
    early.current.catch(() => {});
  }
  const first = useFirstPicture();
  // From the library it is known already, and kept current by live events: what they may have missed can wait.
  const known = useRef(frozen.peek() || staleSinceMs.peek() !== null ? undefined : videos.get(id)).current;
  const loaded = useLoad(id, async (signal) => {
    if (known !== undefined) await first.passed;
    return videos.put(await api.video(id, signal));
  });
  const video = (loaded.data.value ?? known)?.value ?? null;
  useReloadOn(loaded.reload, () => false);
  useEffect(() => {
    if (video !== null) document.title = `${video.title} – Reelay`;
  }, [video]);

  const error = loaded.error.value;
  if (loaded.data.value === null && error !== null && (error.status === 404 || error.status === 400 || error.status === 422)) {
    return <Empty icon="film" wholePage title="There is no such video"><p>It may have been deleted.</p><a class="button" href="/library">To the library</a></Empty>;
  }
  if (video === null) return error === null ? <Loading what="the video" /> : <Problem what="The video could not be loaded" error={error} retry={loaded.reload} />;
  return <Watch video={video} early={early} first={first} />;
}

function Watch({ video, early, first }: { video: Video; early: RefObject<Promise<Playback>>; first: FirstPicture }) {
  const element = useRef<HTMLVideoElement>(null);
  // How to play changes when validation ends or the file itself changes, not with the title.
  const answer = useLoad([video.id, video.valid, video.path, video.sizeBytes].join(' '), (signal) => {
    const asked = early.current;
    early.current = null;
    return asked ?? api.playback(video.id, codecs(), { startSeconds: startOf(video.id), signal });
  });
  const playback = answer.data.value;
  usePassAtPicture(element, playback, answer.error.value !== null, first);
  const copyLink = (): void => {
    const seconds = Math.floor(element.current?.currentTime ?? 0);
    void copyText(`${location.origin}${videoPath(video.id)}${seconds > 0 ? `?t=${seconds}` : ''}`, 'Link');
  };
  return (
    <>
      <div class="page-head">
        <a class="back" href="/library"><Icon name="left" />Library</a>
        <h1>{video.title}</h1>
        <span class="grow" />
        <button type="button" class="button" onClick={copyLink}><Icon name="link" />Copy link here</button>
        <VideoMenu video={video} text="Actions" play={false} onDeleted={() => navigate('/library')} />
      </div>
      {playback === null && (answer.error.value === null ? <div class="screen"><Loading what="the player" /></div> : <Problem what="The player could not be opened" error={answer.error.value} retry={answer.reload} />)}
      {playback?.mode === 'none' && <NotPlayable video={video} playback={playback} />}
      {playback !== null && playback.mode !== 'none' && <Screen key={video.id} video={video} playback={playback} element={element} />}
      <MediaFacts video={video} playback={playback} />
      {can('jobs') && <VideoJobs video={video} after={first.passed} />}
    </>
  );
}

function NotPlayable({ video, playback }: { video: Video; playback: Playback }) {
  return (
    <div class="screen short">
      <div class="trouble" role="status">
        <Icon name={video.valid === null ? 'clock' : 'warning'} size={32} />
        <p>{playback.reason}</p>
        {video.valid === null && <p class="small">It opens here by itself when that is done.</p>}
        {can('createJobs') && video.valid !== null && (
          <div class="row">
            {video.valid && <button type="button" class="button primary" onClick={() => askForJob('reencode_streaming', video)}>Re-encode for Streaming</button>}
            <button type="button" class="button" onClick={() => askForJob('validate', video)}>Validate Metadata</button>
          </div>
        )}
      </div>
    </div>
  );
}
