import { createReadStream, type ReadStream } from 'node:fs';
import { stat } from 'node:fs/promises';
import { basename, resolve } from 'node:path';
import { Readable } from 'node:stream';
import type { ReadableStream } from 'node:stream/web';
import { videoSchema } from '@reelay/contracts';
import { errorCode } from '@reelay/runtime';
import { Command } from 'commander';
import type { Cli } from '../../cli.ts';
import { understood } from '../../connection/api-client.ts';
import { UsageError } from '../../errors.ts';
import { ProgressLine } from '../../output/progress-line.ts';
import { bytes } from '../../output/words.ts';

const CHUNK_BYTES = 1024 * 1024;

/** @throws UsageError */
const sizeOf = async (path: string): Promise<number> => {
  const info = await stat(path).catch((error: unknown) => {
    throw new UsageError(`${path} cannot be read (${errorCode(error) ?? 'unknown error'})`, {}, error);
  });
  if (!info.isFile()) throw new UsageError(`${path} is no file`);
  return info.size;
};

/** The file as a body; `sent` is told what has gone. */
const bodyOf = (file: ReadStream, sent: (bytesSent: number) => void): ReadableStream =>
  Readable.toWeb(Readable.from(async function* read() {
    let total = 0;
    for await (const chunk of file) {
      const part: unknown = chunk;
      if (!(part instanceof Uint8Array)) continue;
      yield part;
      total += part.length;
      sent(total);
    }
  }()));

export const uploadCommand = (cli: Cli): Command =>
  new Command('upload').description('upload a video into the inbox').argument('<file>', 'the file')
    .option('--name <filename>', 'the name to keep it under')
    .action(async (file: string, { name }: { name?: string }) => {
      const path = resolve(cli.io.cwd, file);
      const sizeBytes = await sizeOf(path);
      const api = await cli.api();
      // A refusal after the whole file would come late.
      await api.get('/api/auth/me');
      const line = new ProgressLine(cli.io);
      const stream = createReadStream(path, { highWaterMark: CHUNK_BYTES });
      const body = bodyOf(stream, (sent) => line.show(sizeBytes === 0 ? 100 : (sent / sizeBytes) * 100, 'uploading', [`${bytes(sent)} of ${bytes(sizeBytes)}`]));
      try {
        const answer = await api.call('POST', `/api/media/videos/upload?filename=${encodeURIComponent(name ?? basename(path))}`, {
          body, limitMs: null, headers: { 'content-type': 'application/octet-stream', 'content-length': String(sizeBytes) },
        });
        line.end();
        cli.show(answer.json, () => {
          const video = understood(videoSchema, answer.json);
          cli.printer.line(`${video.id}  ${video.path}`);
        });
      } finally {
        line.end();
        stream.destroy();
      }
    });
