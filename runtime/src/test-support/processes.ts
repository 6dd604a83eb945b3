import { readdirSync, readFileSync, readlinkSync } from 'node:fs';
import { build } from 'esbuild';
import { fileURLToPath } from 'node:url';

/** State letter of a process (R, S, T, Z, …); null when there is none. */
export function processState(pid: number): string | null {
  try {
    const stat = readFileSync(`/proc/${pid}/stat`, 'utf8');
    return stat.slice(stat.lastIndexOf(')') + 2, stat.lastIndexOf(')') + 3);
  } catch {
    return null;
  }
}

/** A zombie counts as gone: it runs no more, and only its parent can remove it. */
export function isGone(pid: number): boolean {
  const state = processState(pid);
  return state === null || state === 'Z';
}

/** Processes of this one that have not been reaped. */
export function childrenOf(parent: number): number[] {
  return readdirSync('/proc')
    .filter((name) => /^\d+$/.test(name))
    .map(Number)
    .filter((pid) => {
      try {
        const stat = readFileSync(`/proc/${pid}/stat`, 'utf8');
        return Number(stat.slice(stat.lastIndexOf(')') + 2).split(' ')[1]) === parent;
      } catch {
        return false;
      }
    });
}

/** Open descriptors of this process that are pipes or sockets. */
export function openPipes(): number {
  return readdirSync('/proc/self/fd').filter((fd) => {
    try {
      return /^(pipe|socket):/.test(readlinkSync(`/proc/self/fd/${fd}`));
    } catch {
      return false;
    }
  }).length;
}

/** Bundles a TypeScript program whose imports are relative to runtime/src, to run in a Node of its own. */
export async function bundleProgram(source: string, outfile: string): Promise<void> {
  await build({
    stdin: { contents: source, resolveDir: fileURLToPath(new URL('..', import.meta.url)), loader: 'ts' },
    bundle: true,
    platform: 'node',
    format: 'cjs',
    target: 'node20',
    outfile,
    logLevel: 'error',
  });
}
