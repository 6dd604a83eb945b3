import type { ReadonlySignal } from '@preact/signals';
import type { Video } from '@reelay/contracts';
import { Badge } from '../../components/badge.tsx';
import { Thumbnail } from '../../components/thumbnail.tsx';
import { VideoMenu } from '../../components/video-menu.tsx';
import { bytes, clock } from '../../model/format.ts';
import { videoPath } from '../../router.ts';

export function VideoCard({ video: { value: video }, onDeleted }: { video: ReadonlySignal<Video>; onDeleted: () => void }) {
  const facts = [
    video.height === null || video.width === null ? null : `${video.width}×${video.height}`,
    video.videoCodec,
    bytes(video.sizeBytes),
  ].filter((fact) => fact !== null);
  return (
    <li class="card">
      <div class="card-picture">
        <a class="card-link" href={videoPath(video.id)} aria-label={`Play ${video.title}`}><Thumbnail video={video} /></a>
        {video.durationSeconds !== null && <span class="duration">{clock(video.durationSeconds)}</span>}
      </div>
      <div class="card-text">
        <div class="grow">
          <h2 title={video.path}><a href={videoPath(video.id)}>{video.title}</a></h2>
          <p class="small muted">{facts.join(' · ')}</p>
          <Marks video={video} />
        </div>
        <VideoMenu video={video} onDeleted={onDeleted} />
      </div>
    </li>
  );
}

function Marks({ video }: { video: Video }) {
  return (
    <div class="marks">
      {video.valid === null && <Badge word={{ label: 'Being validated', icon: 'clock', tone: 'blue' }} />}
      {video.valid === false && <Badge word={{ label: 'Not playable', icon: 'warning', tone: 'red' }} title={video.invalidReason ?? undefined} />}
      {video.sourceVideoId !== null && <Badge word={{ label: 'Streaming copy', icon: 'film', tone: 'green' }} />}
      {video.isPublic && <Badge word={{ label: 'Public', icon: 'globe', tone: 'grey' }} />}
      {video.valid === false && video.invalidReason !== null && <p class="small error">{video.invalidReason}</p>}
    </div>
  );
}
