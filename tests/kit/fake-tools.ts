/** Programs that stand in front of the real ones and misbehave when they are told to. */
import { chmod, writeFile } from 'node:fs/promises';
import { join } from 'node:path';

const FFMPEG = process.env['FFMPEG_PATH'] ?? '/usr/bin/ffmpeg';

const program = async (path: string, text: string): Promise<string> => {
  await writeFile(path, text);
  await chmod(path, 0o755);
  return path;
};

/** One NVIDIA device, as nvidia-smi lists it. */
export const fakeNvidiaSmi = (folder: string): Promise<string> =>
  program(join(folder, 'nvidia-smi'), '#!/bin/sh\necho "GPU-11111111-2222-3333-4444-555555555555, 0, Stand-in, 8000, 8000, 0, 30"\n');

/** An ffmpeg whose NVENC passes its trial, makes `pictures` pictures (with libx264) and then fails as a driver does that ran out. */
export const ffmpegWithFailingNvenc = (folder: string, pictures: number): Promise<string> => program(join(folder, 'ffmpeg-nvenc'), `#!${process.execPath}
const { spawn } = require('node:child_process');
const args = process.argv.slice(2);
const nvenc = args.includes('h264_nvenc');
if (nvenc && args.join(' ').includes('-f null')) process.exit(0);
const ownOptions = new Set(['-gpu', '-tune', '-rc', '-no-scenecut', '-forced-idr', '-rc-lookahead', '-bsf:v', '-preset']);
const real = [];
for (let i = 0; i < args.length; i += 1) {
  if (nvenc && ownOptions.has(args[i])) i += 1;
  else if (nvenc && args[i] === 'h264_nvenc') real.push('libx264', '-preset', 'ultrafast', '-sc_threshold', '0', '-x264-params', 'repeat-headers=1');
  else if (nvenc && args[i] === '-frames:v') real.push(args[i], String(Math.min(Number(args[++i]), ${pictures})));
  else real.push(args[i]);
}
const child = spawn(${JSON.stringify(FFMPEG)}, real, { stdio: 'inherit' });
for (const signal of ['SIGTERM', 'SIGINT']) process.on(signal, () => child.kill(signal));
child.on('exit', (code, signal) => {
  if (nvenc) console.error('[h264_nvenc @ 0x1] EncodePicture failed!: out of memory (10)');
  process.exit(nvenc ? 1 : (code ?? 128 + (signal === 'SIGKILL' ? 9 : 15)));
});
`);

/**
 * An ffmpeg that no signal but SIGKILL ends when it is asked to begin at a time whose fraction is .5 or more, and an
 * ordinary one else.
 */
export const stubbornFfmpeg = (folder: string): Promise<string> => program(join(folder, 'ffmpeg-stubborn'), `#!/bin/sh
case " $* " in
  *' -ss '[0-9].[5-9]*|*' -ss '[0-9][0-9].[5-9]*|*' -ss '[0-9][0-9][0-9].[5-9]*) ;;
  *) exec ${FFMPEG} "$@" ;;
esac
case " $* " in *' -frag_duration '*) ;; *) exec ${FFMPEG} "$@" ;; esac
trap '' TERM INT HUP
${FFMPEG} "$@"
while :; do sleep 1; done
`);
