import { open, type FileHandle } from 'node:fs/promises';
import { errorCode } from '@reelay/runtime';
import { SourceChangedError } from '../errors.ts';
import { newMemory, type ReadLease } from './read-buffers.ts';

/** Random access to the bytes of one file. */
export interface ByteSource {
  readonly sizeBytes: number;
  /** Reads [position, position + length), shorter only at the end of the file. */
  read(position: number, length: number): Promise<Uint8Array>;
}

/** What the file must still be. */
export interface SourceIdentity {
  readonly sizeBytes: number | null;
  /** Modification time in milliseconds; null when it does not matter. */
  readonly mtimeMs: number | null;
}

export interface ReadOptions {
  readonly signal?: AbortSignal | undefined;
  /** Awaited after each read: what follows is work. */
  readonly turn?: () => Promise<void>;
  /** Where memory to read into comes from, if what is read is not kept. */
  readonly lease?: ReadLease | undefined;
}

/**
 * Opens a file for the time of `use` and closes it afterwards. Reads stop when `signal` aborts.
 * Throws {@link SourceChangedError} when the file is gone or not the one described by `identity`.
 */
export async function withFile<T>(
  absPath: string, identity: SourceIdentity, { signal, turn, lease }: ReadOptions, use: (source: ByteSource) => Promise<T>,
): Promise<T> {
  signal?.throwIfAborted();
  const handle = await openFile(absPath);
  try {
    const { size, mtimeMs } = await handle.stat();
    // Whole and rounded milliseconds both count as the same time.
    const otherTime = identity.mtimeMs !== null && Math.abs(mtimeMs - identity.mtimeMs) > 1.5;
    if ((identity.sizeBytes !== null && size !== identity.sizeBytes) || otherTime) {
      throw new SourceChangedError('The file has changed since it was validated.', { expectedBytes: identity.sizeBytes, foundBytes: size });
    }
    return await use({
      sizeBytes: size,
      read: async (position, length) => {
        const bytes = await readAt(handle, position, Math.min(length, size - position), { signal, lease });
        await turn?.();
        return bytes;
      },
    });
  } finally {
    await handle.close();
  }
}

async function openFile(absPath: string): Promise<FileHandle> {
  try {
    return await open(absPath, 'r');
  } catch (cause) {
    if (errorCode(cause) === 'ENOENT') throw new SourceChangedError('The file is gone.', {}, cause);
    throw cause;
  }
}

async function readAt(handle: FileHandle, position: number, length: number, { signal, lease }: ReadOptions): Promise<Uint8Array> {
  if (!(position >= 0)) throw new SourceChangedError('A packet lies outside the file.', { position });
  const wanted = Math.max(0, length);
  const bytes = lease ? await lease.take(wanted) : newMemory(wanted);
  let filled = 0;
  while (filled < bytes.length) {
    signal?.throwIfAborted();
    const { bytesRead } = await handle.read(bytes, filled, bytes.length - filled, position + filled);
    if (bytesRead === 0) throw new SourceChangedError('The file ended while it was read.', { position });
    filled += bytesRead;
  }
  return bytes;
}
