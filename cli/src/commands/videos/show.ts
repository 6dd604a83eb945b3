import { type Video, videoSchema } from '@reelay/contracts';
import { Command } from 'commander';
import type { Cli } from '../../cli.ts';
import { understood } from '../../connection/api-client.ts';
import { bytes, duration, localTime } from '../../output/words.ts';
import { stateOf } from './ls.ts';

const showVideo = (cli: Cli, video: Video): void =>
  cli.printer.fields([
    ['id', video.id], ['title', video.title], ['path', video.path], ['state', stateOf(video), video.valid === false ? 'bad' : 'plain'],
    ['length', video.durationSeconds === null ? null : duration(video.durationSeconds)],
    ['picture', video.width === null ? null : `${video.width}x${video.height ?? '?'}, ${video.videoCodec ?? '?'}${video.frameRate === null ? '' : `, ${video.frameRate} pictures/s`}`],
    ['sound', video.audioCodec], ['bitrate', video.bitrate === null ? null : `${video.bitrate} kbit/s`], ['size', bytes(video.sizeBytes)],
    ['public', video.isPublic ? 'yes' : 'no'], ['tags', video.tags.join(', ')], ['made from', video.sourceVideoId], ['by job', video.reencodeJobId], ['added', localTime(video.createdAt)],
  ]);

export const showCommand = (cli: Cli): Command =>
  new Command('show').description('show a video').argument('<id>', 'id of the video').action(async (id: string) => {
    const json = await (await cli.api()).get(`/api/media/videos/${encodeURIComponent(id)}`);
    cli.show(json, () => showVideo(cli, understood(videoSchema, json)));
  });
