import { errorCode } from '@reelay/runtime';
import { ownerIsAlive, type PidFile } from '@reelay/runtime/supervisor';
import { Failure, SignInNeeded } from '../errors.ts';

/** Another user's process. */
class NotOurs extends SignInNeeded {}

/**
 * Sends a signal to the process of a pid file, once more sure that it is that very process and no later one with the
 * same number. False when it is gone. @throws Failure
 */
export const signalOwner = async (owner: PidFile, signal: 'SIGTERM' | 'SIGHUP' | 'SIGKILL'): Promise<boolean> => {
  if (!(await ownerIsAlive(owner))) return false;
  try {
    process.kill(owner.pid, signal);
    return true;
  } catch (error) {
    if (errorCode(error) === 'ESRCH') return false;
    if (errorCode(error) === 'EPERM') throw new NotOurs(`Process ${owner.pid} belongs to another user; ask as that user, or as root`, {}, error);
    throw new Failure(`Process ${owner.pid} cannot be signalled (${errorCode(error) ?? 'unknown error'})`, {}, error);
  }
};
