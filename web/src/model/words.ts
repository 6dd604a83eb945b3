/** What the API's words are called and drawn as. Records over the contracts' unions: a new word does not compile until it has a name. */
import type { JobStatus, JobType, Node, ResourceCategory } from '@reelay/contracts';
import type { IconName } from '../components/icon.tsx';

export interface Word {
  readonly label: string;
  readonly icon: IconName;
  /** Name of a colour token: --tone-<tone>. */
  readonly tone: 'grey' | 'blue' | 'yellow' | 'green' | 'red';
}

export const STATUS: Readonly<Record<JobStatus, Word>> = {
  pending: { label: 'Pending', icon: 'clock', tone: 'grey' },
  queued: { label: 'Queued', icon: 'queue', tone: 'blue' },
  running: { label: 'Running', icon: 'running', tone: 'yellow' },
  completed: { label: 'Completed', icon: 'check', tone: 'green' },
  failed: { label: 'Failed', icon: 'cross', tone: 'red' },
  cancelled: { label: 'Cancelled', icon: 'stop', tone: 'grey' },
  paused: { label: 'Paused', icon: 'pause', tone: 'grey' },
};
export const STATUSES = Object.keys(STATUS) as JobStatus[];

export const JOB_TYPE: Readonly<Record<JobType, { readonly title: string; readonly icon: IconName }>> = {
  scan: { title: 'Scan directory', icon: 'folder' },
  public_scan: { title: 'Scan public gallery', icon: 'globe' },
  validate: { title: 'Validate Metadata', icon: 'shield' },
  reencode_streaming: { title: 'Re-encode for Streaming', icon: 'film' },
  compile_random: { title: 'Random compilation', icon: 'shuffle' },
  compile_quad: { title: 'Quad compilation', icon: 'grid' },
  compile_mega: { title: 'Mega compilation', icon: 'layers' },
  compile_gif: { title: 'Create GIF', icon: 'image' },
  digest_generate: { title: 'Generate digest', icon: 'list' },
  clip_generate: { title: 'Generate clips', icon: 'scissors' },
  highlight_generate: { title: 'Generate highlights', icon: 'star' },
  tag_generation: { title: 'Generate tags', icon: 'tag' },
  scene_extract: { title: 'Extract scenes', icon: 'scissors' },
  thumbnail_generate: { title: 'Generate Thumbnail', icon: 'image' },
  move_to_library: { title: 'Move to Directory', icon: 'move' },
};
export const TYPES = Object.keys(JOB_TYPE) as JobType[];

export const RESOURCE: Readonly<Record<ResourceCategory, string>> = { cpu: 'CPU', gpu_encode: 'GPU encode', gpu_ai: 'GPU AI' };
export const RESOURCES = Object.keys(RESOURCE) as ResourceCategory[];

export const HEALTH: Readonly<Record<Node['health'], Word>> = {
  healthy: { label: 'Healthy', icon: 'check', tone: 'green' },
  silent: { label: 'Silent', icon: 'warning', tone: 'yellow' },
  lost: { label: 'Lost', icon: 'cross', tone: 'red' },
};

export const ADMIN_STATE: Readonly<Record<Node['adminState'], Word | null>> = {
  active: null,
  draining: { label: 'Draining', icon: 'pause', tone: 'yellow' },
  cordoned: { label: 'Cordoned', icon: 'stop', tone: 'grey' },
};

/** As in the job-queue document: ≤ 3 red, ≤ 6 orange, else grey. */
export const priorityTone = (priority: number): 'red' | 'orange' | 'grey' => (priority <= 3 ? 'red' : priority <= 6 ? 'orange' : 'grey');

export const isStatus = (text: string): text is JobStatus => Object.hasOwn(STATUS, text);
export const isType = (text: string): text is JobType => Object.hasOwn(JOB_TYPE, text);
export const isResource = (text: string): text is ResourceCategory => Object.hasOwn(RESOURCE, text);
