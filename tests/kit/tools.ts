/** The programs that the runner found or fetched; from PATH when a test file is run by itself. */
const fromEnv = (variable: string, otherwise: string): string => process.env[variable] ?? otherwise;

export const tools = {
  ffmpeg: fromEnv('FFMPEG_PATH', 'ffmpeg'),
  ffprobe: fromEnv('FFPROBE_PATH', 'ffprobe'),
  natsServer: fromEnv('NATS_SERVER_PATH', 'nats-server'),
  chromium: fromEnv('CHROMIUM_PATH', '/usr/bin/chromium'),
};
