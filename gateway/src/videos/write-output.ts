import { mkdir, open, unlink } from 'node:fs/promises';
import { dirname } from 'node:path';
import type { Clock } from '@reelay/runtime';
import { HttpProblem } from '../http/problem.ts';
import type { GatewaySettings } from '../settings.ts';
import { writeAll } from './receive.ts';

/**
 * Writes an attempt's output to its part, whole and on disk, or not at all. The part is the attempt's own, so writing
 * it again after a broken try is harmless. @throws HttpProblem invalid_request when the body is not as long as announced
 */
export const writeOutput = async (
  deps: { settings: GatewaySettings; clock: Clock }, path: string, body: ReadableStream<Uint8Array> | null, length: number,
): Promise<void> => {
  await mkdir(dirname(path), { recursive: true });
  const handle = await open(path, 'w', 0o644);
  try {
    const stallMs = deps.settings.REELAY_STALL_TIMEOUT_SECONDS * 1000;
    const received = body === null ? 0 : await writeAll(handle, body, { maxBytes: length, stallMs, clock: deps.clock });
    if (received !== length) throw new HttpProblem('invalid_request', `${received} of ${length} bytes arrived`);
    await handle.sync();
    await handle.close();
  } catch (error) {
    await handle.close().catch(() => undefined);
    await unlink(path).catch(() => undefined);
    throw error;
  }
};
