import { mkdirSync } from 'node:fs';
import { acquireGuardian, type App, type Guardian, InstanceRunningError, ReelayError } from '@reelay/runtime';

const GRACE_MS = 5_000;

/** The folder is in use. */
class AlreadyRuns extends ReelayError {
  readonly code = 'already_running';
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

/** One system per data folder: locks it until the process ends, however it ends. @throws AlreadyRuns */
export async function lockDataDir(app: App, { dir, id }: { dir: string; id: string }): Promise<Guardian> {
  mkdirSync(dir, { recursive: true });
  try {
    const guardian = await acquireGuardian({ dir, graceMs: GRACE_MS, name: 'launcher', runId: id });
    app.onStop('guardian', () => guardian.release());
    void guardian.lost.then(() => app.stop(new GuardianLost(), 70));
    return guardian;
  } catch (error) {
    if (error instanceof InstanceRunningError) throw new AlreadyRuns(dir, error);
    throw error;
  }
}
