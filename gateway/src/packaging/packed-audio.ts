import { concat, u32, u64, u8 } from './fmp4/box.ts';

// MP3 goes without MP4: Chromium's media source takes `audio/mpeg` but no MP3 in `audio/mp4` (measured, 156), and HLS has
// "packed audio" for it: bare frames behind an ID3 tag with the time of the first one (RFC 8216, 3.4).

const OWNER = new TextEncoder().encode('com.apple.streaming.transportStreamTimestamp\0');
const CLOCK_HZ = 90_000;

/** A segment of bare frames that starts `startSeconds` after the presentation's start. */
export function writePackedAudio(startSeconds: number, frames: readonly Uint8Array[]): Uint8Array {
  const time = u64(Math.round(startSeconds * CLOCK_HZ) % 2 ** 33);
  const privateFrame = concat([ascii('PRIV'), syncSafe(OWNER.length + time.length), u8(0, 0), OWNER, time]);
  return concat([ascii('ID3'), u8(4, 0, 0), syncSafe(privateFrame.length), privateFrame, ...frames]);
}

function ascii(text: string): Uint8Array {
  return new TextEncoder().encode(text);
}

/** ID3 lengths use seven bits of each byte. */
function syncSafe(value: number): Uint8Array {
  return u32(((value & 0x3f80) << 1) | (value & 0x7f));
}
