import { join, resolve } from 'node:path';
import {
  type App, freePort, type Guardian, type LiveSettings, type Logger, type LogLevel, newId, openSettings, readSettings, ReelayError, runMain, type SettingsDifference, Shutdown,
} from '@reelay/runtime';
import { Supervisor, sweepOrphans } from '@reelay/runtime/supervisor';
import { Demo } from './demo.ts';
import { demoIsDue } from './demo-clip.ts';
import { lockDataDir } from './data-dir-lock.ts';
import { Instance } from './instance.ts';
import { removeLeftParts } from './left-parts.ts';
import type { Npm } from '../npm-parent.mjs';
import { formatLogLine } from './log-lines.ts';
import { watchNpm } from './npm-watch.ts';
import { readIfThere } from './secret-file.ts';
import { claimPort } from './ports.ts';
import { launcherSettings, type LauncherSettings } from './settings.ts';
import { adminPasswordFile, signInLine } from './sign-in.ts';
import { LocalSystem } from './system.ts';

const NAME = 'reelay';
const VERBOSE: ReadonlySet<LogLevel> = new Set(['debug', 'trace'] as const);
/** The rest is for the lock, and for what is said last. */
const SYSTEM_SHARE = 0.9;
const HELPERS_GRACE_MS = 500;

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
  /** That runs npm start; null when it does not. */
  npm: Npm | null;
}

interface ConfigFile {
  file: string;
  fileIsOptional: boolean;
}

/** What people see: lines of the launcher and of the programs, on one road so that they stay in order. */
interface Output {
  say: (line: string) => void;
  /** Until something runs, a start that is refused says why in one line and nothing else. */
  logIsOpen: boolean;
}

/** Runs the system until it is stopped; the process ends inside. */
export async function runSystem({ repoRoot, tools, npm }: RunOptions): Promise<void> {
  const output: Output = { say: () => {}, logIsOpen: false };
  const config = configFile(process.env, repoRoot);
  const dataDirOf = (settings: LauncherSettings): string => resolve(repoRoot, settings.REELAY_DATA_DIR);
  await runMain({
    name: NAME,
    env: process.env,
    argv: process.argv.slice(2),
    dataDir: () => dataDirOf(readSettings(launcherSettings, { env: process.env, ...config })),
    logDestination: (usual) => {
      output.say = (line) => usual.write(`${line}\n`);
      return { write: (line: string) => (output.logIsOpen ? formatLogLine(NAME, line.trimEnd()).forEach(output.say) : undefined), flush: (done: () => void) => usual.flush(done) };
    },
  }, async (app) => {
    const live = openSettings(app, launcherSettings, { ...config, tell: (difference) => tellReload(app.logger, difference) });
    const settings = live.values;
    const run = { dir: dataDirOf(settings), id: newId() };
    const guardian = await lockDataDir(app, run);
    const port = await claimPort(settings.HOST, settings.PORT);
    output.logIsOpen = true;
    try {
      await start(app, { repoRoot, tools, npm, live, config, settings: withAbsoluteLibrary(settings, repoRoot), run, guardian, port, localPort: await localPortOf(settings), output });
    } catch (error) {
      // What is said about the end of the others would hide why.
      if (!app.ctx.cancelled) output.say = () => {};
      throw error;
    }
  });
}

interface StartOptions extends RunOptions {
  live: LiveSettings<typeof launcherSettings>;
  config: ConfigFile;
  settings: LauncherSettings;
  run: { dir: string; id: string };
  guardian: Guardian;
  port: number;
  localPort: number | undefined;
  output: Output;
}

async function start(app: App, options: StartOptions): Promise<void> {
  const { settings, tools, run: { dir: dataDir } } = options;
  const { supervisor, system } = await prepare(app, options);
  if (options.npm !== null) watchNpm(options.npm, () => app.stop(new NpmGone()));
  const instance = new Instance(options);
  app.onStop('instance file', () => instance.remove(), 0.1);
  await instance.publish();

  const hadPassword = (await readIfThere(adminPasswordFile(dataDir))) !== null;
  const demo = settings.REELAY_DEMO && (await demoIsDue(dataDir)) ? new Demo(app, { supervisor, ffmpeg: tools['FFMPEG_PATH'] ?? 'ffmpeg', dataDir }) : null;
  await system.start(app.ctx);
  await instance.publish(system.addresses);
  await demo?.add(system.baseUrl, settings.REELAY_ADMIN_PASSWORD);
  if (app.ctx.cancelled) return;
  const howToSignIn = await signInLine(dataDir, hadPassword);
  app.ready({}, `Reelay is ready at ${settings.REELAY_TLS_CERT === undefined ? 'http' : 'https'}://localhost:${options.port}\n${howToSignIn}`);
}

async function prepare(app: App, { repoRoot, tools, live, config, settings, run, guardian, port, localPort, output }: StartOptions): Promise<{ supervisor: Supervisor; system: LocalSystem }> {
  const swept = await sweepOrphans(run.dir, run.id);
  if (swept.length > 0) app.logger.warn({ count: swept.length }, 'ended what an earlier run left behind');
  await removeLeftParts(run.dir);
  const supervisor = new Supervisor({ logger: app.logger, guardian, run, env: app.env });
  app.onKill(() => supervisor.killAll());
  // Such as initdb: the programs are the system's to stop.
  app.onStop('helpers', () => supervisor.terminateAll(new Shutdown('the system stops'), HELPERS_GRACE_MS), 0.2);
  const system = new LocalSystem({
    settings, port, localPort, supervisor,
    say: (line) => output.say(line),
    shutdownMs: () => app.shutdownMs,
    dataDir: run.dir,
    dist: join(repoRoot, 'dist'),
    natsConfig: join(repoRoot, 'nats.conf'),
    configFile: config.file,
    configIsOptional: config.fileIsOptional,
    isVerbose: () => VERBOSE.has(live.current.REELAY_LOG_LEVEL),
    tools: { ffmpeg: tools['FFMPEG_PATH'] ?? 'ffmpeg', ffprobe: tools['FFPROBE_PATH'] ?? 'ffprobe', natsServer: tools['NATS_SERVER_PATH'] },
    env: app.env,
    logger: app.logger,
  });
  app.onStop('system', () => system.stop(), SYSTEM_SHARE);
  live.use(() => system.prepareReload());
  app.onDescribe('programs', () => system.describe());
  return { supervisor, system };
}

/** With TLS: the certificate need not be one that this machine trusts, nor name its loopback address. */
async function localPortOf({ REELAY_TLS_CERT }: LauncherSettings): Promise<number | undefined> {
  return REELAY_TLS_CERT === undefined ? undefined : freePort();
}

/** The services run in other folders, so the file of settings is handed to them by its full path. */
function configFile(env: App['env'], repoRoot: string): ConfigFile {
  // One that nobody named may come and go while the system runs.
  return env['REELAY_CONFIG'] ? { file: resolve(env['REELAY_CONFIG']), fileIsOptional: false } : { file: join(repoRoot, 'reelay.json'), fileIsOptional: true };
}

/** What happened in all programs, in one line. */
function tellReload(logger: Logger, { changed, needsRestart, withoutEffect }: SettingsDifference): void {
  const waits = needsRestart.length + withoutEffect.length > 0;
  const facts = Object.fromEntries(Object.entries({ changed, needsRestart, withoutEffect }).filter(([, names]) => names.length > 0));
  logger[waits ? 'warn' : 'info'](facts, changed.length > 0 || waits ? 'settings reloaded' : 'settings reloaded, nothing new');
}

function withAbsoluteLibrary(settings: LauncherSettings, repoRoot: string): LauncherSettings {
  return settings.MEDIA_LIBRARY_PATH === undefined ? settings : { ...settings, MEDIA_LIBRARY_PATH: resolve(repoRoot, settings.MEDIA_LIBRARY_PATH) };
}
