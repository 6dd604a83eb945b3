import type { SettingsDefinition, SettingsDifference, SettingsSource } from './config.ts';
import { LiveSettings } from './live-settings.ts';
import { LOG_LEVELS, type Logger, setLogLevel } from './log.ts';
import type { App } from './main.ts';
import { answerReloads } from './reload-channel.ts';

export interface ServiceSettingsOptions<D extends SettingsDefinition> extends Omit<SettingsSource<D>, 'env'> {
  /** Says what a reload changed; two lines when left out. */
  tell?: ((difference: SettingsDifference) => void) | undefined;
}

/**
 * Reads the settings of a service and keeps them live: on SIGHUP, and when its parent reloads it. The logger follows
 * REELAY_LOG_LEVEL by itself, the orderly stop SHUTDOWN_TIMEOUT. @throws ConfigError
 */
export function openSettings<D extends SettingsDefinition>(app: App, definition: D, { tell, ...source }: ServiceSettingsOptions<D> = {}): LiveSettings<D> {
  const { env, logger, clock } = app;
  const live = new LiveSettings(definition, { ...source, env, logger, clock });
  const follow = (): void => {
    const level = LOG_LEVELS.find((known) => known === live.current['REELAY_LOG_LEVEL']);
    if (level) setLogLevel(logger, level);
    const shutdownSeconds = live.current['SHUTDOWN_TIMEOUT'];
    if (typeof shutdownSeconds === 'number') app.setShutdownMs(shutdownSeconds * 1_000);
  };
  follow();
  live.use(() => ({ commit: follow }));
  app.onReload(async () => {
    const { commit, ...difference } = await live.prepare();
    return () => {
      commit();
      if (tell) tell(difference);
      else tellReload(logger, difference);
    };
  });
  if (process.connected) answerReloads(process, live, logger, clock);
  return live;
}

/** One line for what changed, one for what needs a restart; names only. */
function tellReload(logger: Logger, { changed, needsRestart, withoutEffect }: SettingsDifference): void {
  if (changed.length > 0) logger.info({ changed }, 'settings reloaded');
  else logger.info('settings reloaded, nothing new');
  if (needsRestart.length > 0) logger.warn({ settings: needsRestart }, 'settings that need a restart have changed');
  if (withoutEffect.length > 0) logger.warn({ settings: withoutEffect }, 'settings that count at the first start alone have changed');
}
