export { diagnose, type DiagnosedExit, type Diagnosis } from './diagnose.ts';
export { type FfmpegProgress, parseProgress, ProgressParser } from './progress.ts';
