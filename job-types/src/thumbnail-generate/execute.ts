import { stat } from 'node:fs/promises';
import { type Execute, JobFailed, type JobRun } from '../agent-types.ts';
import { fileUrl, onlyInput, onlyOutput } from '../order-files.ts';
import { jpegSize } from './jpeg-size.ts';
import { thumbnailOrder } from './result.ts';
import { makeStoryboard } from './storyboard.ts';

/**
 * Takes one picture as JPEG. When the file has none at that time (a length that lies), an earlier one is taken. Then the
 * small pictures for the seek bar.
 */
export const executeThumbnail: Execute = async (run) => {
  const { timestampSeconds, width, storyboard } = thumbnailOrder.parse(run.order.order);
  const input = onlyInput(run);
  const output = onlyOutput(run);
  run.log(`Starting thumbnail job: ${width} px wide, ${timestampSeconds.toFixed(2)} s into ${input.path}`);
  if (input.sizeBytes === 0) throw new JobFailed('file_empty', 'The file is empty.', false);
  const from = await run.input(input.name);
  const to = await run.output(output.name);
  for (const atSeconds of attemptsAt(timestampSeconds)) {
    await takePicture(run, from, to, atSeconds, width);
    if (!(await isEmpty(to))) {
      const size = await jpegSize(to);
      const produced = await run.produced(output.name);
      run.log(`Thumbnail completed successfully: ${size.width}x${size.height}, taken at ${atSeconds.toFixed(2)} s`);
      const { files, board } = await makeStoryboard(run, from, storyboard);
      return { files: [produced, ...files], result: { ...size, storyboard: board } };
    }
    run.log(`No picture at ${atSeconds.toFixed(2)} s`);
  }
  throw new JobFailed('no_picture', 'No picture could be decoded from the file.', false);
};

function attemptsAt(timestampSeconds: number): number[] {
  return [...new Set([timestampSeconds, timestampSeconds / 2, 0])];
}

async function takePicture(run: JobRun, from: string, to: string, atSeconds: number, width: number): Promise<void> {
  const seek = atSeconds > 0 ? ['-ss', atSeconds.toFixed(3)] : [];
  // The height follows the shape on screen (dar), so that anamorphic film is not squeezed. image2pipe reads no % in names.
  const filters = `scale=${width}:max(2\\,trunc(${width}/dar/2)*2):out_range=full,setsar=1,format=yuvj420p`;
  const args = [...seek, '-i', fileUrl(from), '-map', '0:V:0', '-an', '-sn', '-dn', '-frames:v', '1', '-vf', filters, '-q:v', '3', '-c:v', 'mjpeg', '-f', 'image2pipe', fileUrl(to)];
  try {
    await run.ffmpeg({ args, durationSeconds: null, from: 10, to: 90, phase: 'picture' });
  } catch (error) {
    if (error instanceof JobFailed && error.code === 'stream_missing') {
      throw new JobFailed('no_video', 'The file has no video to take a picture from.', false, { cause: error });
    }
    throw error;
  }
}

async function isEmpty(path: string): Promise<boolean> {
  return (await stat(path)).size === 0;
}
