import { createHash } from 'node:crypto';
import { open, stat, utimes } from 'node:fs/promises';
import { JobFailed, type JobRun } from '../agent-types.ts';

const CHUNK_BYTES = 1024 * 1024;

/** Copies a file, fsyncs it, reads it again and compares the SHA-256 of both; keeps its time of change. @throws JobFailed */
export async function copyVerified(run: JobRun, from: string, to: string): Promise<void> {
  const source = await stat(from);
  const report = (share: number, phase: string, message: string): void => run.progress({ percent: 5 + 90 * share, phase, message });
  const written = await copyHashing(run, from, to, (bytes) => report((0.5 * bytes) / source.size, 'copying', megabytes(bytes, source.size)));
  const read = await hashOf(run, to, (bytes) => report(0.5 + (0.5 * bytes) / source.size, 'checking', megabytes(bytes, source.size)));
  if (written.sizeBytes !== source.size) throw new JobFailed('source_changed', 'The file changed while it was copied.', true);
  if (written.hash !== read) throw new JobFailed('copy_differs', 'The copy differs from the original.', true);
  await utimes(to, source.atime, source.mtime);
}

const megabytes = (bytes: number, of: number): string => `${(bytes / 1e6).toFixed(0)} of ${(of / 1e6).toFixed(0)} MB`;

async function copyHashing(run: JobRun, from: string, to: string, onBytes: (bytes: number) => void): Promise<{ hash: string; sizeBytes: number }> {
  const hash = createHash('sha256');
  const target = await open(to, 'wx');
  let sizeBytes = 0;
  try {
    await eachChunk(run, from, async (chunk) => {
      hash.update(chunk);
      await target.writeFile(chunk);
      sizeBytes += chunk.length;
      onBytes(sizeBytes);
    });
    await target.sync();
  } finally {
    await target.close();
  }
  return { hash: hash.digest('hex'), sizeBytes };
}

async function hashOf(run: JobRun, path: string, onBytes: (bytes: number) => void): Promise<string> {
  const hash = createHash('sha256');
  let sizeBytes = 0;
  await eachChunk(run, path, (chunk) => {
    hash.update(chunk);
    sizeBytes += chunk.length;
    onBytes(sizeBytes);
  });
  return hash.digest('hex');
}

async function eachChunk(run: JobRun, path: string, fn: (chunk: Uint8Array) => void | Promise<void>): Promise<void> {
  const source = await open(path, 'r');
  const buffer = new Uint8Array(CHUNK_BYTES);
  try {
    for (;;) {
      run.signal.throwIfAborted();
      const { bytesRead } = await source.read(buffer, 0, CHUNK_BYTES, null);
      if (bytesRead === 0) return;
      await fn(buffer.subarray(0, bytesRead));
    }
  } finally {
    await source.close();
  }
}
