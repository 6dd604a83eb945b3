import { ORIENTATIONS, type Video, VIDEO_SORTS, videoListSchema } from '@reelay/contracts';
import { Command, Option } from 'commander';
import type { Cli } from '../../cli.ts';
import { understood } from '../../connection/api-client.ts';
import type { Column } from '../../output/table.ts';
import { bytes, count, duration } from '../../output/words.ts';
import { wholeNumber } from '../values.ts';

interface LsOptions {
  search?: string;
  orientation?: string;
  codec?: string;
  tag?: string;
  location?: string;
  sort: string;
  page: number;
  limit: number;
}

/** What is known of the file: valid, and why not. */
export const stateOf = ({ valid, invalidReason }: Video): string => (valid === null ? 'not looked at yet' : valid ? 'ok' : `invalid: ${invalidReason ?? ''}`);

const columns: Column<Video>[] = [
  { title: 'ID', value: (video) => video.id },
  { title: 'LENGTH', value: (video) => (video.durationSeconds === null ? '-' : duration(video.durationSeconds)), align: 'right' },
  { title: 'SIZE', value: (video) => bytes(video.sizeBytes), align: 'right' },
  { title: 'PICTURE', value: (video) => (video.width === null ? '-' : `${video.width}x${video.height ?? '?'} ${video.videoCodec ?? ''}`) },
  { title: 'STATE', value: (video) => (video.valid === false ? 'invalid' : video.valid === null ? 'new' : 'ok'), tone: (video) => (video.valid === false ? 'bad' : 'plain') },
  { title: 'PATH', value: (video) => video.path, mayCut: true },
];

export const lsCommand = (cli: Cli): Command =>
  new Command('ls').alias('list').description('list videos')
    .option('-q, --search <text>', 'only with this text in title or path')
    .addOption(new Option('--orientation <orientation>', 'only of this shape').choices(ORIENTATIONS))
    .option('--codec <codec>', 'only with this picture codec')
    .option('--tag <tag>', 'only with this tag')
    .option('--location <folder>', 'only below this folder, such as inbox or library/videos')
    .addOption(new Option('--sort <field>', 'a leading - turns the order round').choices(VIDEO_SORTS).default('-createdAt'))
    .option('--page <n>', 'which page', wholeNumber(1, Number.MAX_SAFE_INTEGER), 1)
    .option('--limit <n>', 'videos on a page, 100 at most', wholeNumber(1, 100), 20)
    .action(async ({ search, page, limit, ...others }: LsOptions) => {
      const given = Object.entries({ ...others, q: search }).filter((pair): pair is [string, string] => pair[1] !== undefined);
      const query = new URLSearchParams([['page', String(page)], ['limit', String(limit)], ...given]);
      const json = await (await cli.api()).get(`/api/media/videos?${query.toString()}`);
      cli.show(json, () => {
        const { data, pagination } = understood(videoListSchema, json);
        if (data.length === 0) return cli.printer.line('No videos.');
        cli.printer.table(columns, data);
        return pagination.totalPages > 1 ? cli.printer.line(cli.printer.style('dim', `page ${pagination.page} of ${pagination.totalPages}, ${count(pagination.total, 'video')}`)) : undefined;
      });
    });
