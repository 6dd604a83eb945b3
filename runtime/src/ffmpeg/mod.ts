export { diagnose, type DiagnosedExit, type Diagnosis, findHiddenFailure } from './diagnose.ts';
export { type FfmpegProgress, parseProgress, ProgressParser } from './progress.ts';
