/** The objects on the screen, kept current by live events. */
import type { Job, Node, Video } from '@reelay/contracts';
import { onLive } from '../live/live.ts';
import { newerJob, withProgress } from '../live/merge.ts';
import { Entities } from './entities.ts';

export const jobs = new Entities<Job>(newerJob);
export const videos = new Entities<Video>();
export const nodes = new Entities<Node>();

onLive((news) => {
  switch (news.event) {
    case 'job': jobs.change(news.data.job.id, (known) => newerJob(known, news.data.job)); break;
    case 'progress': jobs.change(news.data.jobId, (known) => withProgress(known, news.data)); break;
    case 'video': videos.change(news.data.video.id, () => news.data.video); break;
    case 'node': nodes.change(news.data.node.id, () => news.data.node); break;
    case 'hello': case 'reset': case 'moving': case 'reload': case 'video-deleted': case 'stream': case 'streams': case 'stream-ended': break;
  }
});
