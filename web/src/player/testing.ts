/** Builders for the player's tests. */
import type { Playback } from '@reelay/contracts';

const UNSIGNED = { signedMasterUrl: null, signedFileUrl: null, signedUntil: null };

export const aPlayback = (fields: Partial<Playback> = {}): Playback => ({
  mode: 'direct', reason: 'The browser plays the file as it is.', available: true, masterUrl: '/stream/1/a/master.m3u8', fileUrl: '/api/media/videos/1/file', ladderUrl: null,
  durationSeconds: 60, renditions: [], audioTracks: [], subtitles: [], storyboardUrl: null, ...UNSIGNED, ...fields,
});
