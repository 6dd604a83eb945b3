import { expect, test } from 'vitest';
import { parseFfprobe } from './ffprobe.ts';
import { subtitleLabel, textSubtitles } from './side-tracks.ts';

const withSubtitles = (format: string, ...codecs: string[]) => parseFfprobe({
  format: { format_name: format, duration: '10', filename: 'x.mkv' }, streams: codecs.map((codec, index) => ({ index, codec_type: 'subtitle', codec_name: codec })),
});

const mp4 = (duration: string, length: string) =>
  parseFfprobe({ format: { format_name: 'mov,mp4', duration, start_time: '3600' }, streams: [{ index: 0, codec_type: 'video', codec_name: 'h264', duration: length }] }).durationSeconds;

test('pictures of text are no text', () => {
  const media = withSubtitles('matroska,webm', 'subrip', 'dvd_subtitle', 'ass', 'hdmv_pgs_subtitle', 'dvb_subtitle', 'webvtt', 'eia_608', 'dvb_teletext');
  expect(textSubtitles(media).map(({ codec }) => codec)).toEqual(['subrip', 'ass', 'webvtt']);
  expect(textSubtitles(withSubtitles('mov,mp4,m4a,3gp,3g2,mj2', 'mov_text', 'webvtt')).map(({ codec }) => codec)).toEqual(['mov_text']);
});

test('names for menus', () => {
  const track = { id: 's1', title: null, language: null, isForced: false, isForDeaf: false };
  expect([subtitleLabel(track), subtitleLabel({ ...track, language: 'eng', isForced: true }), subtitleLabel({ ...track, title: 'Signs', language: 'eng' })])
    .toEqual(['Subtitles 2', 'eng (forced)', 'Signs']);
});

test('what starts late is as long as it is', () => {
  const late = { format: { format_name: 'matroska,webm', filename: 'x.mkv', duration: '3615', start_time: '3600' }, streams: [{ index: 0, codec_type: 'video', codec_name: 'h264', tags: { DURATION: '01:00:15.0' } }] };
  expect(parseFfprobe(late)).toMatchObject({ durationSeconds: 15, streams: [{ durationSeconds: 15 }] });
  expect([mp4('3615', '15'), mp4('15', '15')]).toEqual([15, 15]);
});
