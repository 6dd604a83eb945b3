export * from './causes.ts';
export { type Clock, delay, systemClock, waitAtMost } from './clock.ts';
export {
  ConfigError, type ConfigProblem, defineSettings, describeSettings, type Env, readSettings, type Setting, type SettingRow, type Settings,
  type SettingsCheck, type SettingsDefinition, type SettingsDifference,
} from './config.ts';
export { Ctx } from './ctx.ts';
export { sleep, unlessCancelled } from './ctx-wait.ts';
export { errorCode, ReelayError, toError } from './errors.ts';
export * from './ffmpeg/mod.ts';
export { ensureWritableFolder, FolderUnusable } from './files/writable-folder.ts';
export { ensureLibraryId, LIBRARY_ID_FILE, LibraryIdInvalid, readLibraryId } from './files/library-id.ts';
export { type FileIdentity, identify, LibraryFileMissing, LibraryRoot, normaliseLibraryPath, PathOutsideLibrary } from './files/library-path.ts';
export { OutputExistsError, parsePartName, type PartInfo, PartMissingError, partName, publishFile, type PublishOptions, PublishUnsupportedError } from './files/publish.ts';
export { createIdSource, newId } from './ids.ts';
export { type InstanceFile, readInstanceFile, removeInstanceFile, writeInstanceFile } from './instance-file.ts';
export { type Accepted, LiveSettings, type ReloadStats, type SettingsUser } from './live-settings.ts';
export { EXIT_CODES, type ExitCode, FINAL_EXIT_CODES } from './exit-codes.ts';
export { fileTrouble } from './files/file-trouble.ts';
export { acquireGuardian, acquireInstance, type Guardian, type GuardianOptions, type InstanceLock, InstanceRunningError, RunFolderUnusable } from './lock.ts';
export { atTime, createLogger, flushLogger, LOG_LEVELS, type Logger, type LoggerOptions, type LogLevel, redactUrl } from './log.ts';
export { type App, type MainOptions, type ReloadHandler, runMain } from './main.ts';
export { type ReloadableChild, type ReloadAnswer, ReloadAsker, reloadProblems } from './reload-channel.ts';
export { Gate } from './gate.ts';
export { holdInstance } from './lifecycle/hold-instance.ts';
export { ChildCannotStart, type StartFailure } from './lifecycle/start-failure.ts';
export { parentMessageSchema } from './lifecycle/parent-channel.ts';
export { freePort, tryPort } from './free-port.ts';
export { listenFailure, PortUnavailable } from './port-unavailable.ts';
export { ReleaseStack, type ReleaseReport, ReleaseTimeout, type Service, withDeadline } from './service.ts';
export { openSettings } from './service-settings.ts';
export { commonSettings, flag, unlessSetOrUnset } from './settings/common.ts';
export { ensureSecretKey, SecretFileError, TokenExpired, TokenInvalid } from './signed-url.ts';
export { SigningKeys } from './signing-keys.ts';
export { terminalText } from './terminal-text.ts';
