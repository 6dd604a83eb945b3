export { diagnose, type DiagnosedExit, type Diagnosis, findWriteFailure } from './diagnose.ts';
export { type FfmpegProgress, parseProgress, ProgressParser } from './progress.ts';
