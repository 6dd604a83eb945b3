import { existsSync } from 'node:fs';
import { join, resolve } from 'node:path';
import { type App, type Guardian, newId, readSettings, ReelayError, runMain } from '@reelay/runtime';
import { Supervisor, sweepOrphans } from '@reelay/runtime/supervisor';
import { Demo } from './demo.ts';
import { demoIsDue } from './demo-clip.ts';
import { lockDataDir } from './data-dir-lock.ts';
import { Instance } from './instance.ts';
import { formatLogLine } from './log-lines.ts';
import { watchNpm } from './npm-watch.ts';
import { readIfThere } from './secret-file.ts';
import { claimPort } from './ports.ts';
import { launcherSettings, type LauncherSettings } from './settings.ts';
import { adminPasswordFile, signInLine } from './sign-in.ts';
import { LocalSystem } from './system.ts';

const NAME = 'reelay';
const STOP_MS = 10_000;

class NpmGone extends ReelayError {
  readonly code = 'npm_gone';
  constructor() {
    super('npm start ended');
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
  // Until something runs, a start that is refused says why in one line and nothing else.
  const log = { isOpen: false, write: (line: string) => (log.isOpen ? formatLogLine(NAME, line.trimEnd()).forEach(say) : undefined) };
  await runMain({ name: NAME, env: process.env, argv: process.argv.slice(2), stopMs: STOP_MS, logDestination: log }, async (app) => {
    const settings = readSettings(launcherSettings, { env: app.env, file: configFile(app.env, repoRoot) });
    const dataDir = resolve(repoRoot, settings.REELAY_DATA_DIR);
    const run = { dir: dataDir, id: newId() };
    const guardian = await lockDataDir(app, run);
    const port = await claimPort(settings.HOST, settings.PORT);
    log.isOpen = true;
    await start(app, { repoRoot, tools, settings: withAbsoluteLibrary(settings, repoRoot), run, guardian, port });
  });
}

interface StartOptions extends RunOptions {
  settings: LauncherSettings;
  run: { dir: string; id: string };
  guardian: Guardian;
  port: number;
}

async function start(app: App, options: StartOptions): Promise<void> {
  const { settings, tools, run: { dir: dataDir } } = options;
  const { supervisor, system } = await prepare(app, options);
  await watchNpm(app.env, () => app.stop(new NpmGone()));
  const instance = new Instance(app, options);
  app.onStop('instance file', () => instance.remove());
  await instance.publish();

  const hadPassword = (await readIfThere(adminPasswordFile(dataDir))) !== null;
  const demo = settings.REELAY_DEMO && (await demoIsDue(dataDir)) ? new Demo(app, { supervisor, ffmpeg: tools['FFMPEG_PATH'] ?? 'ffmpeg', dataDir }) : null;
  await system.start(app.ctx);
  await instance.publish(system.addresses);
  await demo?.add(system.baseUrl, settings.REELAY_ADMIN_PASSWORD);
  if (app.ctx.cancelled) return;
  const howToSignIn = await signInLine(dataDir, hadPassword);
  // One write: no log line may come between the two.
  say(`Reelay is ready at http://localhost:${options.port}\n${howToSignIn}`);
}

async function prepare(app: App, { repoRoot, tools, settings, run, guardian, port }: StartOptions): Promise<{ supervisor: Supervisor; system: LocalSystem }> {
  const swept = await sweepOrphans(run.dir, run.id);
  if (swept.length > 0) app.logger.warn({ count: swept.length }, 'ended what an earlier run left behind');
  const supervisor = new Supervisor({ logger: app.logger, guardian, run, env: app.env });
  app.onKill(() => supervisor.killAll());
  const system = new LocalSystem({
    settings, port, supervisor, say,
    dataDir: run.dir,
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

function withAbsoluteLibrary(settings: LauncherSettings, repoRoot: string): LauncherSettings {
  return settings.MEDIA_LIBRARY_PATH === undefined ? settings : { ...settings, MEDIA_LIBRARY_PATH: resolve(repoRoot, settings.MEDIA_LIBRARY_PATH) };
}
