import type { InputFile, OutputFile } from '@reelay/contracts';
import { JobFailed, type JobRun } from './agent-types.ts';

/** The input of an order, or the first of several: what the job is about. @throws JobFailed when there is none */
export function onlyInput(run: JobRun): InputFile {
  const [input] = run.order.inputs;
  if (!input) throw new JobFailed('order_invalid', 'The work order names no input file.', false);
  return input;
}

/** The one output of an order. @throws JobFailed when there is none */
export function onlyOutput(run: JobRun): OutputFile {
  const [output] = run.order.outputs;
  if (!output) throw new JobFailed('order_invalid', 'The work order names no output file.', false);
  return output;
}

/** How ffmpeg and ffprobe are given a path: a name with a colon would else be taken for a protocol. */
export const fileUrl = (absolutePath: string): string => `file:${absolutePath}`;
