/** The programs that make and read the files of the sweep. */
import { execFileSync, spawn } from 'node:child_process';

export const FFMPEG = process.env['FFMPEG_PATH'] ?? 'ffmpeg';
export const FFPROBE = process.env['FFPROBE_PATH'] ?? 'ffprobe';

/** It did not end with 0, or not in time. */
export class ToolFailed extends Error {
  constructor(readonly program: string, readonly exit: number | null, readonly stderr: string) {
    super(`${program} ${exit === null ? 'did not end in time' : `ended with ${exit}`}: ${stderr.slice(-400).trim()}`);
  }
}

export interface ToolOptions {
  limitMs?: number;
  /** Exit codes that are no failure. */
  allowed?: readonly number[];
  input?: Uint8Array;
}

/** Runs a program to its end. @throws ToolFailed */
export function tool(program: string, args: readonly string[], { limitMs = 60_000, allowed = [0], input }: ToolOptions = {}): Promise<{ stdout: Buffer; stderr: string }> {
  return new Promise((resolve, reject) => {
    const child = spawn(program, [...args], { stdio: [input === undefined ? 'ignore' : 'pipe', 'pipe', 'pipe'] });
    const [out, errors]: [Buffer[], Buffer[]] = [[], []];
    let late = false;
    const timer = setTimeout(() => {
      late = true;
      child.kill('SIGKILL');
    }, limitMs);
    child.stdout?.on('data', (chunk: Buffer) => out.push(chunk));
    child.stderr?.on('data', (chunk: Buffer) => errors.push(chunk));
    child.stdin?.on('error', () => {});
    child.stdin?.end(input);
    child.once('error', reject);
    child.once('close', (code) => {
      clearTimeout(timer);
      const stderr = Buffer.concat(errors).toString();
      if (late || code === null || !allowed.includes(code)) reject(new ToolFailed(program, late ? null : code, stderr));
      else resolve({ stdout: Buffer.concat(out), stderr });
    });
  });
}

/** Whether a program is installed. */
export function isThere(program: string): boolean {
  try {
    execFileSync('sh', ['-c', `command -v ${program}`], { stdio: 'ignore' });
    return true;
  } catch {
    return false;
  }
}
