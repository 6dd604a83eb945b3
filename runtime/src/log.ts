import { type DestinationStream, levels, type Logger, type LoggerOptions as PinoOptions, pino, stdSerializers } from 'pino';
import { type Clock, systemClock, waitAtMost } from './clock.ts';
import { ReelayError } from './errors.ts';
import { LogWriter, stdoutTarget } from './log-writer.ts';

export type { Logger } from 'pino';

export const LOG_LEVELS = ['trace', 'debug', 'info', 'warn', 'error', 'fatal', 'silent'] as const;
export type LogLevel = (typeof LOG_LEVELS)[number];

const SECRET_KEYS = [
  'authorization', 'Authorization', 'cookie', 'Cookie', '["set-cookie"]', 'password', 'passwordHash', 'token',
  'accessToken', 'secret', 'apiKey', 'credentials', 'creds', 'seed', 'jwt', 'DATABASE_URL', 'REELAY_ADMIN_PASSWORD',
];

function redactPaths(): string[] {
  return SECRET_KEYS.flatMap((key) => {
    const step = key.startsWith('[') ? key : `.${key}`;
    return [key, `*${step}`, `*.*${step}`, `*.*.*${step}`];
  });
}

function serializeError(error: Error): object {
  if (!(error instanceof ReelayError)) return stdSerializers.err(error);
  const { name, message, code, fields, stack, cause } = error;
  return { type: name, message, code, fields, stack, ...(cause instanceof Error ? { cause: serializeError(cause) } : {}) };
}

export interface LoggerOptions {
  service: string;
  level?: LogLevel | undefined;
  /** Where the lines go; stdout when left out. */
  destination?: DestinationStream | undefined;
}

/** Of the lines that are written now; null when they tell of this moment. */
let lineTimeMs: number | null = null;

/** Lines that `write` writes at once say that they happened at `ms` (since 1970): for what is told later, many at a time. */
export function atTime(ms: number, write: () => void): void {
  lineTimeMs = ms;
  try {
    write();
  } finally {
    lineTimeMs = null;
  }
}

/** The least important level that each logger of `createLogger` writes. */
const thresholds = new WeakMap<Logger, { value: number }>();

const severityOf = (level: LogLevel): number => (level === 'silent' ? Infinity : levels.values[level] ?? 0);

/** Changes the level of a logger of `createLogger` and of all its children. */
export function setLogLevel(logger: Logger, level: LogLevel): void {
  const threshold = thresholds.get(logger);
  if (threshold) threshold.value = severityOf(level);
}

/** A JSON logger, one object a line. The message is a constant; facts go into fields; secrets are removed. */
export function createLogger({ service, level = 'info', destination }: LoggerOptions): Logger {
  const threshold = { value: severityOf(level) };
  const options: PinoOptions = {
    // Each line is weighed when it is written: a child would keep the level that its parent had at its birth.
    level: 'trace',
    hooks: {
      logMethod(args, method, severity) {
        if (severity >= threshold.value) method.apply(this, args);
      },
    },
    base: { service, pid: process.pid },
    timestamp: () => `,"time":"${new Date(lineTimeMs ?? Date.now()).toISOString()}"`,
    formatters: { level: (label: string) => ({ level: label }) },
    redact: { paths: redactPaths(), censor: '[removed]' },
    serializers: { err: serializeError, error: serializeError, cause: serializeError },
  };
  const writer = destination ?? new LogWriter({ target: stdoutTarget() });
  const logger = pino(options, writer);
  if (writer instanceof LogWriter) writer.onRecovered = (lost) => logger.warn({ lost }, 'log lines were lost');
  thresholds.set(logger, threshold);
  return logger;
}

/** Resolves when every line so far is written (or nobody is left to read them); false when that takes longer than `limitMs`. Never rejects. */
export function flushLogger(logger: Logger, limitMs: number, clock: Clock = systemClock): Promise<boolean> {
  return waitAtMost(clock, limitMs, new Promise<void>((resolve) => logger.flush(() => resolve())));
}

/** Hides user and password of a URL, so that it can be logged: all up to the last @, for a password may hold one. */
export function redactUrl(url: string): string {
  return url.replace(/^([a-z][a-z0-9+.-]*:\/\/).*@/is, '$1***@');
}
