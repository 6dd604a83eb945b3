import { existsSync, mkdirSync } from 'node:fs';
import { join, resolve } from 'node:path';
import { acquireGuardian, type App, type Guardian, InstanceRunningError, newId, readSettings, ReelayError, runMain, systemClock, toError, waitAtMost } from '@reelay/runtime';
import { Supervisor, sweepOrphans } from '@reelay/runtime/supervisor';
import { addDemoClip, demoIsDue, makeDemoClip } from './demo-clip.ts';
import { formatLogLine } from './log-lines.ts';
import { watchNpm } from './npm-watch.ts';
import { readIfThere } from './secret-file.ts';
import { launcherSettings, type LauncherSettings } from './settings.ts';
import { adminPasswordFile, knownAdminPassword, signInLine } from './sign-in.ts';
import { LocalSystem } from './system.ts';

const NAME = 'reelay';
const STOP_MS = 10_000;
const GUARDIAN_GRACE_MS = 5_000;
const DEMO_WAIT_MS = 8_000;

/** The folder is in use. */
class AlreadyRuns extends ReelayError {
  readonly code = 'already_running';
  constructor(dataDir: string, cause: InstanceRunningError) {
    const who = cause.pid === null ? '' : ` (process ${cause.pid})`;
    super(`Reelay already runs on ${dataDir}${who}; stop it first, or set REELAY_DATA_DIR to another folder`, { dataDir, pid: cause.pid }, cause);
  }
}

class NpmGone extends ReelayError {
  readonly code = 'npm_gone';
  constructor() {
    super('npm start ended');
  }
}

class GuardianLost extends ReelayError {
  readonly code = 'guardian_lost';
  constructor() {
    super('the process that guards the data folder ended');
  }
}

export interface RunOptions {
  repoRoot: string;
  /** FFMPEG_PATH, FFPROBE_PATH and, unless NATS_URL is set, NATS_SERVER_PATH. */
  tools: Record<string, string>;
}

const say = (line: string): void => {
  process.stdout.write(`${line}\n`);
};

/** Runs the system until it is stopped; the process ends inside. */
export async function runSystem({ repoRoot, tools }: RunOptions): Promise<void> {
  const logDestination = { write: (line: string) => formatLogLine(NAME, line.trimEnd()).forEach(say) };
  await runMain({ name: NAME, env: process.env, argv: process.argv.slice(2), stopMs: STOP_MS, logDestination }, (app) => start(app, repoRoot, tools));
}

async function start(app: App, repoRoot: string, tools: Record<string, string>): Promise<void> {
  const settings = readSettings(launcherSettings, { env: app.env, file: configFile(app.env, repoRoot) });
  const dataDir = resolve(repoRoot, settings.REELAY_DATA_DIR);
  const { supervisor, system } = await prepare(app, withAbsoluteLibrary(settings, repoRoot), { dataDir, repoRoot, tools });
  await watchNpm(app.env, () => app.stop(new NpmGone()));

  const hadPassword = (await readIfThere(adminPasswordFile(dataDir))) !== null;
  const demo = settings.REELAY_DEMO && (await demoIsDue(dataDir)) ? makeDemoClip(app.ctx, supervisor, tools['FFMPEG_PATH'] ?? 'ffmpeg', dataDir) : null;
  demo?.catch(() => {});
  await system.start(app.ctx);
  if (demo !== null) await addDemo(app, system, demo, { dataDir, fromEnv: settings.REELAY_ADMIN_PASSWORD });
  if (app.ctx.cancelled) return;
  say(`Reelay is ready at http://localhost:${system.port}`);
  say(await signInLine(dataDir, hadPassword));
}

async function prepare(app: App, settings: LauncherSettings, { dataDir, repoRoot, tools }: RunOptions & { dataDir: string }): Promise<{ supervisor: Supervisor; system: LocalSystem }> {
  mkdirSync(dataDir, { recursive: true });
  const run = { dir: dataDir, id: newId() };
  const guardian = await lock(dataDir, run.id);
  app.onStop('guardian', () => guardian.release());
  void guardian.lost.then(() => app.stop(new GuardianLost(), 70));
  const swept = await sweepOrphans(run.dir, run.id);
  if (swept.length > 0) app.logger.warn({ count: swept.length }, 'ended what an earlier run left behind');

  const supervisor = new Supervisor({ logger: app.logger, guardian, run, env: app.env });
  app.onKill(() => supervisor.killAll());
  const system = new LocalSystem({
    settings, dataDir, supervisor, say,
    dist: join(repoRoot, 'dist'),
    natsConfig: join(repoRoot, 'nats.conf'),
    configFile: configFile(app.env, repoRoot),
    tools: { ffmpeg: tools['FFMPEG_PATH'] ?? 'ffmpeg', ffprobe: tools['FFPROBE_PATH'] ?? 'ffprobe', natsServer: tools['NATS_SERVER_PATH'] },
    env: app.env,
    logger: app.logger,
  });
  app.onStop('system', () => system.stop(), STOP_MS);
  app.onReload(() => () => system.reload());
  return { supervisor, system };
}

/** The services run in other folders, so the file of settings is handed to them by its full path. */
function configFile(env: App['env'], repoRoot: string): string | undefined {
  if (env['REELAY_CONFIG']) return resolve(env['REELAY_CONFIG']);
  const path = join(repoRoot, 'reelay.json');
  return existsSync(path) ? path : undefined;
}

async function lock(dataDir: string, runId: string): Promise<Guardian> {
  try {
    return await acquireGuardian({ dir: dataDir, graceMs: GUARDIAN_GRACE_MS, name: 'launcher', runId });
  } catch (error) {
    if (error instanceof InstanceRunningError) throw new AlreadyRuns(dataDir, error);
    throw error;
  }
}

/** The clip is worth a short wait and nothing more: whatever goes wrong with it, the system is ready. */
async function addDemo(app: App, system: LocalSystem, clip: Promise<string>, { dataDir, fromEnv }: { dataDir: string; fromEnv: string | undefined }): Promise<void> {
  const work = (async () => {
    const path = await clip;
    const password = await knownAdminPassword(dataDir, fromEnv);
    if (password === null || app.ctx.cancelled) return;
    const outcome = await addDemoClip({ baseUrl: system.baseUrl, password, path, dataDir });
    if (outcome === 'added') app.logger.info('demo clip added to the library');
  })().catch((thrown: unknown) => app.logger.warn({ err: toError(thrown) }, 'no demo clip'));
  await waitAtMost(systemClock, DEMO_WAIT_MS, work);
}

function withAbsoluteLibrary(settings: LauncherSettings, repoRoot: string): LauncherSettings {
  return settings.MEDIA_LIBRARY_PATH === undefined ? settings : { ...settings, MEDIA_LIBRARY_PATH: resolve(repoRoot, settings.MEDIA_LIBRARY_PATH) };
}
