/** ffmpeg and its encoders: only a trial encode tells whether one works, for compiled in means nothing. */
import { readdir } from 'node:fs/promises';
import type { Ctx } from '@reelay/runtime';
import { type Check, fail, type Finding, ok, type Patient, warn } from '../check.ts';
import { findProgram, runProgram } from '../programs.ts';

const LIMIT_MS = 30_000;
const OLDEST_MAJOR = 5;
// Some encoders refuse pictures below 145x49.
const SOURCE = ['-f', 'lavfi', '-i', 'testsrc2=size=320x240:rate=25:duration=0.2'];
const QUIET = ['-nostdin', '-hide_banner', '-v', 'error'];
const SINK = ['-f', 'null', '-'];

const ffmpegOf = ({ env, place, instance }: Patient): string | null => instance?.facts?.ffmpeg ?? findProgram(env, place.root, { variable: 'FFMPEG_PATH', name: 'ffmpeg', folder: 'ffmpeg' });
const ffprobeOf = ({ env, place, instance }: Patient): string | null => instance?.facts?.ffprobe ?? findProgram(env, place.root, { variable: 'FFPROBE_PATH', name: 'ffprobe', folder: 'ffmpeg' });

const missing = (name: string, patient: Patient): Finding => {
  const named = patient.env[`${name.toUpperCase()}_PATH`];
  return named ? fail(`${name.toUpperCase()}_PATH=${named} is no program`, 'name the program, or unset it') : fail(`${name} is not there`, 'install ffmpeg 5 or newer with libx264; on Debian and its relatives npm start fetches it by itself');
};

const version = async (ctx: Ctx, patient: Patient, name: string, program: string): Promise<Finding> => {
  const ran = await runProgram(ctx, patient, program, ['-version']);
  const found = /version (\S+)/.exec(ran.stdout)?.[1];
  if (!ran.ok || found === undefined) return fail(`${program} does not run (${ran.lastWords})`, `install it anew, or set ${name.toUpperCase()}_PATH`);
  const major = Number(/^n?(\d+)/.exec(found)?.[1] ?? OLDEST_MAJOR);
  const text = `${name} ${found} at ${program}`;
  return major < OLDEST_MAJOR ? warn(text, `install ffmpeg ${OLDEST_MAJOR} or newer`) : ok(text, { version: found, program });
};

const programs: Check['look'] = async (patient, ctx) => {
  const tools = [['ffmpeg', ffmpegOf(patient)], ['ffprobe', ffprobeOf(patient)]] as const;
  return Promise.all(tools.map(async ([name, program]) => (program === null ? missing(name, patient) : version(ctx, patient, name, program))));
};

/** What every stream and every re-encode needs: H.264 and AAC in fragmented MP4. */
const encode: Check['look'] = async (patient, ctx) => {
  const ffmpeg = ffmpegOf(patient);
  if (ffmpeg === null) return [];
  const sound = ['-f', 'lavfi', '-i', 'sine=frequency=440:duration=0.2'];
  const ran = await runProgram(ctx, patient, ffmpeg, [...QUIET, ...SOURCE, ...sound, '-c:v', 'libx264', '-preset', 'ultrafast', '-pix_fmt', 'yuv420p', '-c:a', 'aac', '-movflags', 'frag_keyframe+empty_moov', '-f', 'mp4', '-y', '/dev/null'], LIMIT_MS);
  return [ran.ok ? ok('A trial encode to H.264 and AAC works') : fail(`A trial encode to H.264 and AAC fails (${ran.lastWords})`, 'install an ffmpeg with libx264 and aac')];
};

const hasFiles = (folder: string, pattern: RegExp): Promise<boolean> => readdir(folder).then((names) => names.some((name) => pattern.test(name)), () => false);

const tryEncoder = async (ctx: Ctx, patient: Patient, ffmpeg: string, encoder: string, args: readonly string[]): Promise<Finding> => {
  const ran = await runProgram(ctx, patient, ffmpeg, [...QUIET, ...args, ...SINK], LIMIT_MS);
  return ran.ok ? ok(`${encoder} works`) : warn(`${encoder} does not work (${ran.lastWords})`, 'look at the driver and at the rights of the device; until then libx264 encodes');
};

/** Only where the hardware shows itself. */
const hardware: Check['look'] = async (patient, ctx) => {
  const ffmpeg = ffmpegOf(patient);
  if (ffmpeg === null) return [];
  const findings: Finding[] = [];
  if (await hasFiles('/dev', /^nvidia\d/)) findings.push(await tryEncoder(ctx, patient, ffmpeg, 'h264_nvenc', [...SOURCE, '-c:v', 'h264_nvenc']));
  const render = (await readdir('/dev/dri').catch(() => [])).find((name) => name.startsWith('renderD'));
  if (render !== undefined) {
    findings.push(await tryEncoder(ctx, patient, ffmpeg, 'h264_vaapi', ['-vaapi_device', `/dev/dri/${render}`, ...SOURCE, '-vf', 'format=nv12,hwupload', '-c:v', 'h264_vaapi']));
  }
  return findings.length === 0 ? [ok('No encoder hardware shows itself; libx264 encodes')] : findings;
};

const check = (id: string, look: Check['look']): Check => ({ id, group: 'Programs', limitMs: LIMIT_MS, look });

export const ffmpegChecks: Check[] = [check('ffmpeg', programs), check('encode', encode), check('encoders', hardware)];
