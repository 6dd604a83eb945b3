// A film that must be encoded, and what bare ffmpeg needs for it.
import { spawn } from 'node:child_process';
import { copyFile, readFile, utimes } from 'node:fs/promises';
import { join } from 'node:path';
import { ffmpegPath, ffmpegsOf, run, timeUntil } from './system.mjs';

const SECONDS = 60;

/** A film that no browser plays as it is: 1080p30, pictures in HEVC. @param {string} folder */
export const makeFilm = async (folder) => {
  const path = join(folder, 'hevc.mkv');
  await run(ffmpegPath, ['-v', 'error', '-y', '-f', 'lavfi', '-i', `testsrc2=size=1920x1080:rate=30:duration=10`, '-f', 'lavfi', '-i', 'sine=440:duration=10',
    '-c:v', 'libx265', '-preset', 'ultrafast', '-x265-params', 'log-level=error:keyint=150', '-b:v', '6M', '-c:a', 'aac', join(folder, 'ten.mkv')]);
  await run(ffmpegPath, ['-v', 'error', '-y', '-stream_loop', String(SECONDS / 10 - 1), '-i', join(folder, 'ten.mkv'), '-c', 'copy', path]);
  return path;
};

/** Arguments of the ffmpeg that works on a file now and has this one among them. @param {string} file @param {string} mark */
export const argumentsOf = async (file, mark) => {
  for (const pid of await ffmpegsOf(file)) {
    const words = (await readFile(`/proc/${pid}/cmdline`, 'utf8').catch(() => '')).split('\0').slice(0, -1);
    const at = words.findIndex((word) => /(^|\/)ffmpeg$/.test(word));
    if (at >= 0 && words.includes(mark)) return words.slice(at);
  }
  return null;
};

/** Takes pieces of an MP4; true once its first mdat is whole. */
export const firstFragment = () => {
  let bytes = Buffer.alloc(0);
  return (/** @type {Uint8Array} */ chunk) => {
    bytes = Buffer.concat([bytes, chunk]);
    for (let at = 0; at + 8 <= bytes.length; ) {
      const size = bytes.readUInt32BE(at);
      if (at + size > bytes.length) return false;
      if (bytes.toString('latin1', at + 4, at + 8) === 'mdat') return true;
      at += size;
    }
    return false;
  };
};

/** Milliseconds until bare ffmpeg has written its first whole moof and mdat. @param {string[]} words */
export const bareFirstFragment = (words) => new Promise((resolve, reject) => {
  const since = performance.now();
  // Not the program in words: one that comes with its own libraries starts by way of a script.
  const child = spawn(ffmpegPath, words.slice(1), { stdio: ['ignore', 'pipe', 'ignore'] });
  const isThere = firstFragment();
  child.once('error', reject).once('close', (code) => reject(new Error(`bare ffmpeg ended with ${code} before its first fragment`)));
  child.stdout.on('data', (chunk) => {
    if (!isThere(chunk)) return;
    resolve(performance.now() - since);
    child.kill('SIGKILL');
  });
});

/** A copy of a film under a name of its own, uploaded and ready: nothing of it is known, cached or open. @param {import('./system.mjs').BenchSystem} system @param {string} film @param {string} bench @param {number} round */
export const freshCopy = async (system, film, bench, round) => {
  const name = `${bench}-${round}.mkv`;
  const copy = join(system.folder, name);
  await copyFile(film, copy);
  await utimes(copy, 1_700_000_000, 1_700_000_000 + round);
  const { id } = await system.upload(copy, name);
  await timeUntil(performance.now(), async () => (await system.api('GET', `/api/media/videos/${id}`)).valid === true);
  // The thumbnail is made after the validation.
  await timeUntil(performance.now(), async () => (await system.api('GET', '/api/media/jobs?status=running,queued,pending')).data.length === 0);
  return { id, name };
};
