/** What the statistics say, as rows of words. Pure. */
import type { Playback, StreamStats } from '@reelay/contracts';
import { bitrate, span } from '../model/format.ts';
import type { EngineFigures } from './engine.ts';
import type { Source } from './sources.ts';
import { isEncoded } from './sources.ts';

export interface StatsFacts {
  readonly playback: Playback;
  readonly source: Source;
  /** It is encoded because this browser could not play the file's own pictures. */
  readonly fellBack: boolean;
  readonly quality: string;
  readonly rendition: string | null;
  readonly width: number;
  readonly height: number;
  readonly bufferSeconds: number;
  readonly decodedFrames: number;
  readonly droppedFrames: number;
  readonly figures: EngineFigures | null;
  /** What the gateway knows of the encode; null: nothing is encoded, or it did not say. */
  readonly streams: readonly StreamStats[] | null;
}
export type Row = readonly [name: string, value: string];

const SOURCE: Readonly<Record<Playback['mode'], Readonly<Record<Source, string>>>> = {
  direct: { file: 'Direct: the file itself', segments: 'Remux: cut from the file, not encoded', ladder: 'Encoded while you watch' },
  remux: { file: 'Direct: the file itself', segments: 'Remux: cut from the file, not encoded', ladder: 'Encoded while you watch' },
  transcode: { file: 'Direct: the file itself', segments: 'Encoded while you watch', ladder: 'Encoded while you watch' },
  none: { file: '', segments: '', ladder: '' },
};

export function statsRows(facts: StatsFacts): Row[] {
  const { playback, source, figures, streams } = facts;
  const { codecs = null, bandwidthKbps = null } = figures ?? {};
  return [
    ['Plays', SOURCE[playback.mode][source]],
    ['Why', whyOf(facts)],
    ['Quality', qualityOf(facts)],
    ['Picture', facts.width === 0 ? '–' : `${facts.width}×${facts.height}`],
    ...(codecs === null ? [] : [['Codecs', codecs] as const]),
    ['Buffer', `${facts.bufferSeconds.toFixed(1)} s`],
    ...(bandwidthKbps === null ? [] : [['Bandwidth', bitrate(bandwidthKbps)] as const]),
    ['Pictures', `${facts.decodedFrames} decoded, ${facts.droppedFrames} dropped`],
    ...(figures === null ? [] : [['Played by', figures.library] as const]),
    ...(isEncoded(playback, source) ? encodeRows(streams, facts.rendition) : []),
  ];
}

function whyOf({ playback, source, fellBack }: StatsFacts): string {
  if (source !== 'ladder') return playback.reason;
  return fellBack ? 'This browser could not play the file’s own pictures after all.' : 'A quality was chosen that the file does not have.';
}

function qualityOf({ playback, quality, rendition }: StatsFacts): string {
  const playing = playback.renditions.find(({ id, mode }) => (rendition === 'original' ? mode === 'copy' : id === rendition));
  const name = playing === undefined ? '–' : [playing.label, playing.kbps === null ? null : bitrate(playing.kbps)].filter((part) => part !== null).join(', ');
  return quality === 'auto' ? `Auto: ${name}` : rendition === 'original' ? `Original: ${name}` : name;
}

function encodeRows(streams: readonly StreamStats[] | null, rendition: string | null): Row[] {
  if (streams === null) return [];
  const stream = streams[0];
  if (stream === undefined) return [['Encoder', 'Not running: all that was asked for is there']];
  const heads = stream.heads.filter(({ renditionId }) => renditionId === rendition);
  const head = heads.find(({ speed }) => speed !== null) ?? heads[0];
  const where = [stream.nodeId, stream.deviceId].filter((part) => part !== null).join(', ');
  return [
    ['Encoder', head?.encoder ?? stream.encoder ?? STATE[stream.state]],
    ...(where === '' ? [] : [['Node', where] as const]),
    ['Speed', head === undefined ? 'Waiting: it is far enough ahead' : [head.speed === null ? 'starting' : `${head.speed.toFixed(1)}× real time`, head.fps === null ? null : `${Math.round(head.fps)} fps`].filter((part) => part !== null).join(', ')],
    ['Stream', [`${stream.segments} segments made`, `${stream.viewers} watching`, `for ${span(stream.uptimeSeconds)}`].join(', ')],
    ...(stream.detail === null ? [] : [['Note', stream.detail] as const]),
  ];
}

const STATE: Readonly<Record<StreamStats['state'], string>> = {
  placing: 'Looking for a node', open: 'Starting', waiting: 'Waiting for a place on a node', elsewhere: 'On another gateway, which knows the details',
};
