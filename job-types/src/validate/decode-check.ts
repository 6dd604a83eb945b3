import type { MediaInfo } from '@reelay/contracts';
import type { JobRun } from '../agent-types.ts';
import { fileUrl } from '../order-files.ts';

/** Decodes everything and counts what the decoders complain about. @throws JobFailed when decoding cannot go on */
export async function countDecodeErrors(run: JobRun, path: string, media: MediaInfo, range: { from: number; to: number }): Promise<number> {
  let errors = 0;
  await run.ffmpeg({
    args: ['-v', 'error', '-i', fileUrl(path), '-map', '0:V?', '-map', '0:a?', '-f', 'null', '-'],
    durationSeconds: media.durationSeconds,
    ...range,
    phase: 'decoding',
    onDiagnostic: () => {
      errors += 1;
    },
  });
  run.log(errors === 0 ? 'Every picture and sound was decoded without an error' : `Decoding reported ${errors} errors`);
  return errors;
}
