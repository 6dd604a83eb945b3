/** The same service started several times at the same instant, again and again, on what the round before left. */
import { readdirSync } from 'node:fs';
import { mkdtemp, rm } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join, resolve } from 'node:path';
import { readPidFile } from '@reelay/runtime/supervisor';
import { Program } from './program.ts';

/** Loads the program up to its first line, says so, and goes on when it is told. */
const GATE = `data:text/javascript,${encodeURIComponent("await new Promise((go) => { process.once('message', go); process.send({ atGate: true }); });")}`;
const RUNNING = 75;
/** Nothing listens there: the winner waits for it, which is as good as running. */
const NOWHERE = '127.0.0.1:1';

const envOf = (name: Program['name'], folder: string): Record<string, string> => ({
  REELAY_DATA_DIR: folder, REELAY_WORK_DIR: folder, REELAY_SECRET_FILE: join(folder, 'secret'), REELAY_STARTUP_WAIT_SECONDS: '3600',
  DATABASE_URL: `postgres://x:y@${NOWHERE}/z`, NATS_URL: `nats://${NOWHERE}`, REELAY_NODE_ID: 'one', REELAY_GATEWAY_URL: `http://${NOWHERE}`,
  REELAY_MIGRATIONS_DIR: resolve(import.meta.dirname, '../../store/migrations'), MEDIA_LIBRARY_PATH: join(folder, 'library'), PORT: '0', REELAY_LOG_LEVEL: 'error',
  ...(name === 'node-agent' ? { FFMPEG_PATH: process.env['FFMPEG_PATH'] ?? 'ffmpeg', FFPROBE_PATH: process.env['FFPROBE_PATH'] ?? 'ffprobe' } : {}),
});

/**
 * Runs `rounds` rounds of `contenders` starts each, the winner of every other round killed instead of stopped.
 * Answers what was wrong, a line each; nothing when exactly one ran each time, was named by the others, and left nothing.
 */
export const raceStarts = async (name: Program['name'], rounds: number, contenders = 2): Promise<string[]> => {
  const folder = await mkdtemp(join(tmpdir(), 'reelay-race-'));
  const wrong: string[] = [];
  for (let round = 0; round < rounds; round += 1) wrong.push(...(await oneRound(name, folder, contenders, round % 2 === 1)).map((text) => `${name}, round ${round}: ${text}`));
  await rm(folder, { recursive: true, force: true });
  return wrong;
};

const oneRound = async (name: Program['name'], folder: string, contenders: number, kill: boolean): Promise<string[]> => {
  const programs = Array.from({ length: contenders }, () => new Program(name, envOf(name, folder), { nodeArgs: ['--import', GATE] }));
  await Promise.all(programs.map((program) => program.message(({ atGate }) => atGate === true)));
  for (const { child } of programs) child.send({ go: true });
  const winners = await untilDecided(programs);
  const losers = programs.filter((program) => !winners.includes(program));
  const wrong: string[] = [];
  if (winners.length !== 1) wrong.push(`${winners.length} run`);
  const winner = winners[0];
  const owner = (await readPidFile(join(folder, `${name}.pid`)))?.pid;
  if (winner && owner !== winner.pid) wrong.push(`the pid file names ${owner}, ${winner.pid} runs`);
  for (const loser of losers) {
    const { code, stderr } = await loser.ended;
    if (code !== RUNNING || !stderr.includes(`(process ${winner?.pid})`)) wrong.push(`a loser ended with ${code}: ${stderr.trim()}`);
  }
  for (const program of winners) {
    const { code, signal, stdout } = await program.end(kill ? 'SIGKILL' : 'SIGTERM');
    if (kill ? signal !== 'SIGKILL' : code !== 0) wrong.push(`the winner ended with ${code ?? signal}: ${stdout.trim()}`);
  }
  const left = readdirSync(folder).filter((entry) => /\.(pid|lock|part)$/.test(entry));
  if (!kill && left.length > 0) wrong.push(`left: ${left.join(', ')}`);
  return wrong;
};

/** Those that still run when all but one have ended; more of them when nobody ends for a minute. */
const untilDecided = async (programs: readonly Program[]): Promise<Program[]> => {
  let running = [...programs];
  while (running.length > 1) {
    const tooLong = new Promise<null>((resolve) => {
      setTimeout(() => resolve(null), 60_000).unref();
    });
    const ended = await Promise.race([...running.map(async (program) => {
      await program.ended;
      return program;
    }), tooLong]);
    if (ended === null) break;
    running = running.filter((program) => program !== ended);
  }
  return running.filter((program) => program.isRunning);
};
