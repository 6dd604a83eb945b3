import { Worker } from 'node:worker_threads';

/** A thread of its own: timers of this one do not fire while something blocks it. */
const SCRIPT = "const { workerData } = require('node:worker_threads'); setTimeout(() => process.kill(process.pid, 'SIGKILL'), workerData);";

/** SIGKILLs this process after `ms`, whatever its own thread is doing then. The kernel and the guardian end the children. */
export function killAfter(ms: number): void {
  try {
    const worker = new Worker(SCRIPT, { eval: true, workerData: ms, env: {}, execArgv: [], resourceLimits: { maxOldGenerationSizeMb: 8 } });
    worker.on('error', () => {});
    worker.unref();
  } catch {
    // No thread to be had: the deadline of the own thread remains.
  }
}
