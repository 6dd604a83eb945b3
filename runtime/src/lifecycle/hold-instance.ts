import { newId } from '../ids.ts';
import type { App } from '../main.ts';
import { acquireInstance } from '../supervisor/instance-lock.ts';

/**
 * Makes this service the only one of its name on `dir` until it ends: `<dir>/<name>.pid`.
 * @throws InstanceRunningError, RunFolderUnusable
 */
export async function holdInstance(app: App, dir: string): Promise<void> {
  const { name, ctx, clock, env } = app;
  const held = await app.open('instance lock', () => acquireInstance({ dir, name, runId: newId(), ctx, clock, env }), (lock) => lock.release(), 0.1);
  app.onKill(() => void held.release().catch(() => {}));
}
