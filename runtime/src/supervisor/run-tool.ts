import type { Ctx } from '../ctx.ts';
import { type Exit, OutputTooLarge } from './exit.ts';
import type { Supervisor } from './supervisor.ts';

export interface ToolOptions {
  argv0: string;
  args: readonly string[];
  maxOutputBytes: number;
  limitMs: number;
  name?: string | undefined;
  cwd?: string | undefined;
  env?: Readonly<Record<string, string | undefined>> | undefined;
  /** Default `own`; `inherit` inside a job's process. */
  group?: 'own' | 'inherit' | undefined;
}

export interface ToolResult {
  exit: Exit;
  stdout: string;
  stderrTail: string;
}

/** Runs a short program (ffprobe, nvidia-smi) and collects what it prints. Too much output ends it with the cause OutputTooLarge. @throws SpawnRefused */
export async function runTool(ctx: Ctx, supervisor: Supervisor, options: ToolOptions): Promise<ToolResult> {
  const { argv0, args, maxOutputBytes, limitMs, name = argv0, cwd, env, group = 'own' } = options;
  const proc = supervisor.spawn(ctx, { name, argv0, args, cwd, env, group, limitMs, stdout: 'pipe', graceMs: 1_000 });
  const chunks: Buffer[] = [];
  let sizeBytes = 0;
  const ended = new Promise<void>((resolve) => {
    proc.stdout.once('close', resolve);
  });
  proc.stdout.on('data', (chunk: Buffer) => {
    sizeBytes += chunk.length;
    if (sizeBytes > maxOutputBytes) void proc.terminate(new OutputTooLarge(name, maxOutputBytes));
    else chunks.push(chunk);
  });
  const exit = await proc.exit;
  if (exit.kind !== 'spawnError' && !exit.cause) await ended;
  return { exit, stdout: Buffer.concat(chunks).toString('utf8'), stderrTail: proc.stderrTail() };
}
