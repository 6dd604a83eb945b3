import type { Playback, Video } from '@reelay/contracts';
import type { ComponentChildren } from 'preact';
import { When } from '../components/time.tsx';
import { bitrate, bytes, clock } from '../model/format.ts';
import { jobPath, videoPath } from '../router.ts';
import { can } from '../store/session.ts';

const MODE: Readonly<Record<Playback['mode'], string>> = {
  direct: 'Direct, the file itself', remux: 'Remuxed into segments', transcode: 'Transcoded', none: 'Not playable',
};

export function MediaFacts({ video, playback }: { video: Video; playback: Playback | null }) {
  return (
    <section class="panel" aria-labelledby="facts">
      <h2 id="facts">About this video</h2>
      <dl class="facts">
        {playback !== null && <Fact name="Plays">{MODE[playback.mode]}<span class="small muted">{playback.reason}</span></Fact>}
        <Fact name="Duration">{clock(video.durationSeconds)}</Fact>
        <Fact name="Picture">{[video.width === null || video.height === null ? null : `${video.width}×${video.height}`, video.frameRate === null ? null : `${round(video.frameRate)} fps`].filter((part) => part !== null).join(', ') || '–'}</Fact>
        <Fact name="Codecs">{[video.videoCodec, video.audioCodec ?? 'no sound'].filter((part) => part !== null).join(', ')}</Fact>
        {video.bitrate !== null && <Fact name="Bitrate">{bitrate(video.bitrate)}</Fact>}
        <Fact name="Size">{bytes(video.sizeBytes)}</Fact>
        <Fact name="File"><span class="mono">{video.path}</span></Fact>
        <Fact name="Added"><When iso={video.createdAt} /></Fact>
        {video.tags.length > 0 && <Fact name="Tags">{video.tags.join(', ')}</Fact>}
        {video.sourceVideoId !== null && <Fact name="Made from"><a href={videoPath(video.sourceVideoId)}>the original</a></Fact>}
        {video.reencodeJobId !== null && can('jobs') && <Fact name="Re-encoded by"><a href={jobPath(video.reencodeJobId)}>this job</a></Fact>}
      </dl>
      <p class="small muted keys-hint">Press <kbd>?</kbd> for the keys of the player.</p>
    </section>
  );
}

const Fact = ({ name, children }: { name: string; children: ComponentChildren }) => <div><dt>{name}</dt><dd>{children}</dd></div>;
const round = (value: number): string => String(Math.round(value * 100) / 100);
