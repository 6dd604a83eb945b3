/** The agents' door: which types this release can run, and how. */
import type { JobType } from '@reelay/contracts';
import type { Execute } from './agent-types.ts';
import { executeMove } from './move-to-library/execute.ts';
import { executeReencode } from './reencode-streaming/execute.ts';
import { executeScan } from './scan/execute.ts';
import { executeThumbnail } from './thumbnail-generate/execute.ts';
import { executeValidate } from './validate/execute.ts';

export { type Executed, type Execute, type FfmpegRun, JobFailed, type JobRun, type ProgressReport } from './agent-types.ts';
export { INPUT_GUARD, isFaultOfFile } from './media-probe.ts';

export interface AgentJobType {
  readonly execute: Execute;
  /**
   * `batches`: sends effects while it runs, so it must stop when its lease is in doubt.
   * `parts`: writes only its own part files, which the hub publishes or drops; it may run on for a while.
   */
  readonly effects: 'batches' | 'parts';
}

export const AGENT_JOB_TYPES: Readonly<Partial<Record<JobType, AgentJobType>>> = {
  scan: { execute: executeScan, effects: 'batches' },
  public_scan: { execute: executeScan, effects: 'batches' },
  validate: { execute: executeValidate, effects: 'batches' },
  reencode_streaming: { execute: executeReencode, effects: 'parts' },
  thumbnail_generate: { execute: executeThumbnail, effects: 'parts' },
  move_to_library: { execute: executeMove, effects: 'parts' },
};
