import type { SettingsCheck, SettingsDefinition, SettingsDifference } from './config.ts';
import { LiveSettings } from './live-settings.ts';
import { LOG_LEVELS, type Logger, setLogLevel } from './log.ts';
import type { App } from './main.ts';
import { answerReloads } from './reload-channel.ts';

export interface ServiceSettingsOptions<D extends SettingsDefinition> {
  file?: string | undefined;
  check?: SettingsCheck<D> | undefined;
}

/**
 * Reads the settings of a service and keeps them live: on SIGHUP, and when its parent reloads it. The logger follows
 * REELAY_LOG_LEVEL by itself. @throws ConfigError
 */
export function openSettings<D extends SettingsDefinition>(app: App, definition: D, { file, check }: ServiceSettingsOptions<D> = {}): LiveSettings<D> {
  const { env, logger, clock } = app;
  const live = new LiveSettings(definition, { env, file, check, logger, clock });
  const followLogLevel = (): void => {
    const level = LOG_LEVELS.find((known) => known === live.current['REELAY_LOG_LEVEL']);
    if (level) setLogLevel(logger, level);
  };
  followLogLevel();
  live.use(() => ({ commit: followLogLevel }));
  app.onReload(async () => {
    const { commit, ...difference } = await live.prepare();
    return () => {
      commit();
      tellReload(logger, difference);
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
