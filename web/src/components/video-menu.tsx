/** Everything that can be done to a video. */
import type { JobType, Video } from '@reelay/contracts';
import { JOB_TYPE } from '../model/words.ts';
import { navigate, videoPath } from '../router.ts';
import { VIDEO_ACTIONS } from '../store/catalogue.ts';
import { deleteVideo, setVisibility } from '../store/commands.ts';
import { openDialog } from '../store/dialogs.ts';
import { can } from '../store/session.ts';
import type { MenuItem } from './menu.tsx';
import { Menu } from './menu.tsx';

export const askForJob = (type: JobType, video: Video): void => {
  openDialog.value = { kind: 'create-job', type, video };
};

export function VideoMenu({ video, onDeleted, play = true, text }: { video: Video; onDeleted: () => void; play?: boolean; text?: string }) {
  const items: MenuItem[] = [
    ...(play ? [{ label: 'Play', icon: 'play', onSelect: () => navigate(videoPath(video.id)) } as const] : []),
    ...(can('createJobs') ? VIDEO_ACTIONS.map((type, index): MenuItem => ({
      label: JOB_TYPE[type].title, icon: JOB_TYPE[type].icon, divided: index === 0 && play, onSelect: () => askForJob(type, video),
    })) : []),
    ...(can('editVideos') ? editItems(video, onDeleted) : []),
  ];
  if (items.length === 0) return null;
  return text === undefined
    ? <Menu label={`Actions on ${video.title}`} items={items} />
    : <Menu label={`Actions on ${video.title}`} items={items} class="button">{text}</Menu>;
}

const editItems = (video: Video, onDeleted: () => void): MenuItem[] => [
  { label: 'Rename', icon: 'edit', divided: true, onSelect: () => { openDialog.value = { kind: 'rename', video }; } },
  video.isPublic
    ? { label: 'Make private', icon: 'lock', onSelect: () => void setVisibility(video, false) }
    : { label: 'Make public', icon: 'globe', onSelect: () => void setVisibility(video, true) },
  { label: 'Delete', icon: 'trash', danger: true, divided: true, onSelect: () => void deleteVideo(video).then((done) => done && onDeleted()) },
];
