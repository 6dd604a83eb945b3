import type { Video } from '@reelay/contracts';
import { useState } from 'preact/hooks';
import { api } from '../api.ts';
import { Icon } from './icon.tsx';

/** The video's picture, or a plain one while there is none. The title stands beside it, so it has no text of its own. */
export function Thumbnail({ video }: { video: Pick<Video, 'id' | 'thumbnailPath' | 'valid'> }) {
  const [broken, setBroken] = useState<string | null>(null);
  const url = video.thumbnailPath === null ? null : api.thumbnailPath(video.id, video.thumbnailPath);
  return (
    <span class="thumb">
      {url !== null && url !== broken
        ? <img src={url} alt="" loading="lazy" decoding="async" onError={() => setBroken(url)} />
        : <Icon name={video.valid === false ? 'warning' : 'film'} size={28} />}
    </span>
  );
}
