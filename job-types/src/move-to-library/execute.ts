import { link } from 'node:fs/promises';
import { errorCode } from '@reelay/runtime';
import type { Execute } from '../agent-types.ts';
import { onlyInput, onlyOutput } from '../order-files.ts';
import { copyVerified } from './copy-verified.ts';
import { moveOrder } from './result.ts';

/** Gives the file a second name at the new place, or a verified copy across file systems. The hub drops the old name after the commit. */
export const executeMove: Execute = async (run) => {
  const order = moveOrder.parse(run.order.order);
  const output = onlyOutput(run);
  run.log(`Starting move: ${order.from} to ${order.to}`);
  const from = await run.input(onlyInput(run).name);
  const to = await run.output(output.name);
  const linked = await tryLink(from, to);
  if (!linked) await copyVerified(run, from, to);
  const produced = await run.produced(output.name);
  const method = linked && run.libraryRoot !== null ? 'link' : 'copy';
  run.log(method === 'link' ? 'Moved within the file system' : 'Copied and compared byte for byte');
  return { files: [produced], result: { method } };
};

/** False where a link cannot be made: another file system, or one without hard links. */
async function tryLink(from: string, to: string): Promise<boolean> {
  try {
    await link(from, to);
    return true;
  } catch (error) {
    if (['EXDEV', 'EPERM', 'ENOTSUP', 'EOPNOTSUPP', 'ENOSYS', 'EMLINK'].includes(errorCode(error) ?? '')) return false;
    throw error;
  }
}
