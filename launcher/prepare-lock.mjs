// One preparation per clone at a time. An abstract socket is the lock: the kernel frees it when its owner dies.
import { createHash } from 'node:crypto';
import { statSync } from 'node:fs';
import { createServer } from 'node:net';

const RETRY_MS = 200;

/** @param {string} name */
function tryLock(name) {
  return new Promise((/** @type {(lock: import('node:net').Server | null) => void} */ resolve, reject) => {
    const server = createServer();
    server.once('error', (error) => ('code' in error && error.code === 'EADDRINUSE' ? resolve(null) : reject(error)));
    server.listen(`\0${name}`, () => resolve(server));
  });
}

/**
 * Runs `work` while no other process prepares the same clone.
 * @template T
 * @param {string} repoRoot
 * @param {(line: string) => void} say
 * @param {() => Promise<T>} work
 * @returns {Promise<T>}
 */
export async function whilePreparing(repoRoot, say, work) {
  // Device and inode, not the path alone: the network namespace may be shared with another root.
  const { dev, ino } = statSync(repoRoot);
  const name = `reelay-prepare-${createHash('sha256').update(`${repoRoot}:${dev}:${ino}`).digest('hex').slice(0, 16)}`;
  let lock = await tryLock(name);
  if (lock === null) say('Another start is preparing this clone; waiting for it');
  while (lock === null) {
    await new Promise((resolve) => setTimeout(resolve, RETRY_MS));
    lock = await tryLock(name);
  }
  try {
    return await work();
  } finally {
    lock.close();
  }
}
