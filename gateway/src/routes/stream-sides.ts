import { readSideFiles, type SideFiles } from '@reelay/store';
import type { GatewayDeps } from '../deps.ts';
import type { RequestContext } from '../http/env.ts';
import { HttpProblem } from '../http/problem.ts';
import { PLAYLIST_TYPE, type StreamPart } from '../http/send-piece.ts';
import { storyboardSheet, storyboardText } from '../streams/storyboard.ts';
import type { StreamSource } from '../streams/source.ts';
import { subtitlePlaylist, subtitleSegment, wholeSubtitles } from '../streams/subtitles.ts';

const VTT_TYPE = 'text/vtt; charset=utf-8';
const TRACK = ':track{s[0-9]{1,3}}';

type Get = (path: string, make: (source: StreamSource, c: RequestContext) => StreamPart | Promise<StreamPart>) => void;

const param = (c: RequestContext, name: string): string => c.req.param(name) ?? '';
const text = (contentType: string, content: string): StreamPart => ({ kind: 'text', text: content, contentType });

/** What goes with a stream: the playlist of renditions with its subtitles, subtitles, keyframes for winding, pictures for the seek bar. */
export const sideRoutes = (get: Get, deps: GatewayDeps): void => {
  const filesOf = (c: RequestContext): Promise<SideFiles> => readSideFiles(deps.sql, c.req.param('videoId') ?? '');

  get('master.m3u8', async (source, c) => text(PLAYLIST_TYPE, source.masterPlaylist((await filesOf(c)).subtitles?.tracks ?? [])));
  get(`${TRACK}/index.m3u8`, async (source, c) => text(PLAYLIST_TYPE, subtitlePlaylist(await filesOf(c), param(c, 'track'), source)));
  get(`${TRACK}/all.vtt`, async (source, c) => text(VTT_TYPE, await wholeSubtitles(deps, await filesOf(c), param(c, 'track'), source)));
  get(`${TRACK}/:part{[0-9]{1,6}\\.vtt}`, async (source, c) =>
    text(VTT_TYPE, await subtitleSegment(deps, await filesOf(c), param(c, 'track'), Number.parseInt(param(c, 'part'), 10), source)));
  get('iframes.m3u8', (source) => {
    if (source.iframePlaylist === null) throw new HttpProblem('segment_not_found', 'There are no keyframes to wind through');
    return text(PLAYLIST_TYPE, source.iframePlaylist());
  });
  get('storyboard.vtt', async (source, c) => text(VTT_TYPE, storyboardText(await filesOf(c), source.durationSeconds)));
  get(':sheet{storyboard-[0-9]{1,2}-[0-9a-f]{8}\\.jpg}', async ({ version }, c) => {
    const [, n = '', tag = ''] = param(c, 'sheet').split(/[-.]/);
    return { kind: 'piece', piece: await storyboardSheet(deps, await filesOf(c), { version, n: Number(n), tag }), contentType: 'image/jpeg' };
  });
};

/** For the API's description: path below the version, what it is, its type. */
export const SIDE_DOCUMENTS = [
  ['{track}/all.vtt', 'A subtitle track whole, as WebVTT', VTT_TYPE],
  ['{track}/{n}.vtt', 'Half a minute of a subtitle track', VTT_TYPE],
  ['iframes.m3u8', 'HLS: the keyframes alone, for winding', PLAYLIST_TYPE],
  ['storyboard.vtt', 'WebVTT whose cues are pictures for the seek bar', VTT_TYPE],
  ['{sheet}.jpg', 'A sheet of pictures for the seek bar', 'image/jpeg'],
] as const;
