import { acquireGuardian, type App, type Guardian, InstanceRunningError, ReelayError, EXIT_CODES } from '@reelay/runtime';

const GRACE_MS = 5_000;

/** The folder is in use. */
class AlreadyRuns extends ReelayError {
  readonly code = 'already_running';
  override readonly serviceExit = EXIT_CODES.alreadyRunning;
  constructor(dataDir: string, cause: InstanceRunningError) {
    const who = cause.pid === null ? '' : ` (process ${cause.pid})`;
    super(`Reelay already runs on ${dataDir}${who}; stop it first, or set REELAY_DATA_DIR to another folder`, { dataDir, pid: cause.pid }, cause);
  }
}

class GuardianLost extends ReelayError {
  readonly code = 'guardian_lost';
  constructor() {
    super('the process that guards the data folder ended');
  }
}

/** One system per data folder: locks it until the process ends, however it ends. @throws AlreadyRuns, RunFolderUnusable */
export async function lockDataDir(app: App, { dir, id }: { dir: string; id: string }): Promise<Guardian> {
  const guardian = await app.open('guardian', () => acquire(app, dir, id), (opened) => opened.release(), 0.2);
  void guardian.lost.then(() => app.stop(new GuardianLost(), EXIT_CODES.crashed));
  return guardian;
}

async function acquire({ ctx, env }: App, dir: string, id: string): Promise<Guardian> {
  try {
    return await acquireGuardian({ dir, graceMs: GRACE_MS, name: 'launcher', runId: id, ctx, env });
  } catch (error) {
    throw error instanceof InstanceRunningError ? new AlreadyRuns(dir, error) : error;
  }
}
