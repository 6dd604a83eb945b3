import { type FileHandle, open } from 'node:fs/promises';
import { type MediaInfo, PacketFlag, type PacketIndex, type PacketTrack } from '@reelay/contracts';

// In a transport stream every AAC frame says its sampling rate and channels, and nothing else does. Recordings change them
// between programmes; whoever has begun to play cannot. The heads are read at places that the index knows.

/** One in so many milliseconds of a film of two hours: 360. Reading 20,000 heads takes about a second. */
const MOST_HEADS = 20_000;
/** A packet of the stream with its head, and room for the time stamp that some recorders put in front. */
const READ_BYTES = 192;
const SYNC = 0x47;
const PRIVATE_BIT = 2;
/** Where so many heads in a row are those of AAC, and then so many are not, the sound is something else from there on. */
const SOMETHING_ELSE = 5;

/** Whether a file's sound has to be looked at by {@link markNewSoundConfigs}. */
export const needsSoundConfigs = ({ container, streams }: MediaInfo): boolean => container === 'mpegts' && streams.some(({ codec, extradata }) => codec === 'aac' && extradata === null);

/** Sets the flag `newSets` of the AAC frames whose head says something that none before them said. The index is changed in place. */
export async function markNewSoundConfigs(path: string, { streams }: MediaInfo, index: PacketIndex): Promise<void> {
  const handle = await open(path, 'r');
  try {
    for (const track of index.tracks) {
      if (streams.some((stream) => stream.index === track.streamIndex && stream.codec === 'aac' && stream.extradata === null)) await markTrack(handle, track);
    }
  } finally {
    await handle.close();
  }
}

async function markTrack(handle: FileHandle, track: PacketTrack): Promise<void> {
  const known = Array.from({ length: track.count }, (_, i) => i).filter((i) => !Number.isNaN(track.position[i] ?? Number.NaN));
  const step = Math.max(1, Math.ceil(known.length / MOST_HEADS));
  const seen = new Set<number>();
  const flag = (packet: number): void => {
    track.flags[packet] = (track.flags[packet] ?? 0) | PacketFlag.newSets;
  };
  let unread: number[] = [];
  let read = 0;
  const bytes = new Uint8Array(READ_BYTES);
  for (let n = 0; n < known.length; n += step) {
    const packet = known[n] ?? 0;
    const { bytesRead } = await handle.read(bytes, 0, READ_BYTES, track.position[packet] ?? 0);
    const config = soundConfigAt(bytes.subarray(0, bytesRead), track.size[packet] ?? 0);
    if (config === null) {
      unread.push(packet);
      if (unread.length === SOMETHING_ELSE && read >= SOMETHING_ELSE) flag(unread[0] ?? packet);
      continue;
    }
    unread = [];
    read += 1;
    if (seen.has(config)) continue;
    seen.add(config);
    flag(packet);
  }
}

/**
 * Profile, rate and channels of the AAC frame that a packet of a transport stream begins with, as one number; null where
 * another frame's end comes first.
 */
function soundConfigAt(bytes: Uint8Array, frameBytes: number): number | null {
  const at = bytes[0] === SYNC ? 0 : 4;
  const byte = (i: number): number => bytes[i] ?? 0;
  if (byte(at) !== SYNC || (byte(at + 1) & 0x40) === 0) return null;
  const pes = at + ((byte(at + 3) & 0x20) === 0 ? 4 : 5 + byte(at + 4));
  const head = pes + 9 + byte(pes + 8);
  if (byte(head) !== 0xff || (byte(head + 1) & 0xf6) !== 0xf0) return null;
  const length = ((byte(head + 3) & 3) << 11) | (byte(head + 4) << 3) | (byte(head + 5) >> 5);
  return length === frameBytes ? ((byte(head + 2) & ~PRIVATE_BIT) << 2) | (byte(head + 3) >> 6) : null;
}
