/** Files that broke: cut off, with bits flipped or stretches lost, or with nothing but a header. By seed. */
import { readFile, writeFile } from 'node:fs/promises';
import type { Randomness } from '../../kit/random.ts';
import { type FileRecipe, picture, sound, type Workshop } from './workshop.ts';

const VP9 = ['-c:v', 'libvpx-vp9', '-deadline', 'realtime', '-cpu-used', '8', '-b:v', '200k', '-g', '63', '-c:a', 'libopus'];

const WHOLE: Readonly<Record<string, (shop: Workshop, path: string) => Promise<void>>> = {
  'a.mp4': async (shop, path) => shop.ffmpeg('-i', await shop.base(), '-c', 'copy', '-movflags', '+faststart', path),
  'b.mp4': async (shop, path) => shop.ffmpeg('-i', await shop.base(), '-c', 'copy', path),
  'frag.mp4': async (shop, path) => shop.ffmpeg('-i', await shop.base(), '-c', 'copy', '-movflags', '+frag_keyframe+empty_moov', path),
  'c.mkv': async (shop, path) => shop.ffmpeg('-i', await shop.base(), '-c', 'copy', path),
  'd.ts': async (shop, path) => shop.ffmpeg('-i', await shop.base(), '-c', 'copy', path),
  'e.flv': async (shop, path) => shop.ffmpeg('-i', await shop.base(), '-c', 'copy', path),
  'f.avi': async (shop, path) => shop.ffmpeg(...picture(), ...sound(), '-c:v', 'mpeg4', '-q:v', '5', '-c:a', 'libmp3lame', path),
  'g.webm': async (shop, path) => shop.ffmpeg(...picture(), ...sound(), ...VP9, path),
  'h.mov': async (shop, path) => shop.ffmpeg('-i', await shop.base(), '-c', 'copy', path),
  'i.mkv': async (shop, path) => shop.ffmpeg(...picture(), ...sound(), '-c:v', 'libx265', '-preset', 'ultrafast', '-x265-params', 'log-level=none', '-c:a', 'libmp3lame', path),
};

type Harm = (bytes: Buffer, random: Randomness) => Buffer;

const harms: Readonly<Record<string, Harm>> = {
  'cut': (bytes, random) => bytes.subarray(0, random.between(1, bytes.length - 1)),
  'cut-late': (bytes, random) => bytes.subarray(0, Math.floor(bytes.length * (0.8 + 0.2 * random.next()))),
  'flips': (bytes, random) => {
    const copy = Buffer.from(bytes);
    for (let i = random.between(1, 60); i > 0; i -= 1) {
      const at = random.between(0, copy.length - 1);
      copy[at] = (copy[at] ?? 0) ^ (1 << random.between(0, 7));
    }
    return copy;
  },
  'head-flips': (bytes, random) => {
    const copy = Buffer.from(bytes);
    for (let i = random.between(1, 12); i > 0; i -= 1) copy[random.between(8, Math.min(copy.length, 6_000) - 1)] = random.between(0, 255);
    return copy;
  },
  'zeros': (bytes, random) => {
    const copy = Buffer.from(bytes);
    const at = random.between(0, copy.length - 1);
    return copy.fill(0, at, Math.min(copy.length, at + random.between(100, 20_000)));
  },
  'hole': (bytes, random) => {
    const at = random.between(Math.floor(bytes.length / 10), bytes.length - 1);
    return Buffer.concat([bytes.subarray(0, at), bytes.subarray(at + random.between(1, 20_000))]);
  },
  'tail': (bytes, random) => Buffer.concat([bytes, Buffer.alloc(random.between(1, 5_000), random.between(0, 255))]),
  'lead': (bytes, random) => Buffer.concat([Buffer.alloc(random.between(1, 400), random.between(0, 255)), bytes]),
  'swapped': (bytes, random) => {
    const [a, b] = [random.between(5_000, bytes.length / 2), random.between(Math.floor(bytes.length / 2), bytes.length - 4_000)];
    const copy = Buffer.from(bytes);
    bytes.copy(copy, a, b, b + 3_000);
    return copy;
  },
};

const text = (name: string, bytes: Buffer): FileRecipe => ({ name, group: 'damage: no media', damaged: true, make: (shop) => writeFile(shop.path(name), bytes) });

/** `rounds`: how often each kind of harm is done to each file. */
export function damageRecipes(rounds: number): FileRecipe[] {
  const broken = Object.keys(WHOLE).flatMap((whole) => Object.entries(harms).flatMap(([harm, change]) => Array.from({ length: rounds }, (_, n): FileRecipe => {
    const [stem = '', suffix = ''] = whole.split('.');
    const name = `damaged-${stem}-${harm}-${n}.${suffix}`;
    return {
      name, group: `damage: ${harm}`, damaged: true,
      make: async (shop) => {
        const from = await shop.shared(`whole-${whole}`, (path) => WHOLE[whole]?.(shop, path) ?? Promise.resolve());
        await writeFile(shop.path(name), change(await readFile(from), shop.random.branch(name)));
      },
    };
  })));
  return [
    ...broken, text('empty.mp4', Buffer.alloc(0)), text('zeros.mkv', Buffer.alloc(100_000)), text('text.mp4', Buffer.from('hello\n'.repeat(1_000))), text('playlist.mp4', Buffer.from('#EXTM3U\n#EXTINF:5,\nfile:///etc/passwd\n')),
    text('header.mkv', Buffer.from('1a45dfa3934282886d6174726f736b6142878104428581021853806701ffffffffffffff', 'hex')), text('header.mp4', Buffer.from('000000186674797069736f6d0000020069736f6d6d703431', 'hex')), text('sync.ts', Buffer.from(Array.from({ length: 188 * 50 }, (_, i) => (i % 188 === 0 ? 0x47 : 0xff)))),
    text('riff.avi', Buffer.from('RIFF\x10\x00\x00\x00AVI LIST', 'latin1')), text('picture.jpg.mp4', Buffer.from('ffd8ffe000104a46494600010100000100010000ffd9', 'hex')), text('concat.mp4', Buffer.from("ffconcat version 1.0\nfile '/etc/passwd'\n")),
  ];
}
