/** The sequence parameter set of H.264, as far as it says what is shown (ITU-T H.264, 7.3.2.1.1). */
export interface Sps {
  readonly profile: number;
  readonly compatibility: number;
  readonly level: number;
  readonly width: number;
  readonly height: number;
}

const WITH_CHROMA = new Set([100, 110, 122, 244, 44, 83, 86, 118, 128]);

class Bits {
  readonly #bytes: number[] = [];
  #at = 0;

  constructor(unit: Uint8Array) {
    for (const [i, byte] of unit.entries()) if (!(byte === 3 && unit[i - 1] === 0 && unit[i - 2] === 0)) this.#bytes.push(byte);
  }

  bit(): number {
    const bit = ((this.#bytes[this.#at >> 3] ?? 0) >> (7 - (this.#at & 7))) & 1;
    this.#at += 1;
    return bit;
  }

  bits(count: number): number {
    let value = 0;
    for (let i = 0; i < count; i += 1) value = value * 2 + this.bit();
    return value;
  }

  unsigned(): number {
    let zeros = 0;
    while (this.bit() === 0 && zeros < 32) zeros += 1;
    return 2 ** zeros - 1 + this.bits(zeros);
  }

  signed(): number {
    const value = this.unsigned();
    return value % 2 === 1 ? (value + 1) / 2 : -value / 2;
  }
}

function skipScalingLists(bits: Bits, chroma: number): void {
  for (let i = 0; i < (chroma === 3 ? 12 : 8); i += 1) {
    if (bits.bit() === 0) continue;
    let [last, next] = [8, 8];
    for (let j = 0; j < (i < 6 ? 16 : 64); j += 1) {
      if (next !== 0) next = (last + bits.signed() + 256) % 256;
      last = next === 0 ? last : next;
    }
  }
}

/** `unit` begins with the NAL header. */
export function parseSps(unit: Uint8Array): Sps {
  const bits = new Bits(unit.subarray(1));
  const [profile, compatibility, level] = [bits.bits(8), bits.bits(8), bits.bits(8)];
  bits.unsigned();
  let chroma = 1;
  if (WITH_CHROMA.has(profile)) {
    chroma = bits.unsigned();
    if (chroma === 3) bits.bit();
    bits.unsigned();
    bits.unsigned();
    bits.bit();
    if (bits.bit() === 1) skipScalingLists(bits, chroma);
  }
  bits.unsigned();
  const order = bits.unsigned();
  if (order === 0) bits.unsigned();
  if (order === 1) {
    bits.bit();
    bits.signed();
    bits.signed();
    for (let left = bits.unsigned(); left > 0; left -= 1) bits.signed();
  }
  bits.unsigned();
  bits.bit();
  const [across, down] = [bits.unsigned() + 1, bits.unsigned() + 1];
  const frames = bits.bit();
  if (frames === 0) bits.bit();
  bits.bit();
  const crop = bits.bit() === 1 ? [bits.unsigned(), bits.unsigned(), bits.unsigned(), bits.unsigned()] : [0, 0, 0, 0];
  const [stepX, stepY] = [chroma === 1 || chroma === 2 ? 2 : 1, (chroma === 1 ? 2 : 1) * (2 - frames)];
  const [left = 0, right = 0, top = 0, bottom = 0] = crop;
  return { profile, compatibility, level, width: across * 16 - (left + right) * stepX, height: down * 16 * (2 - frames) - (top + bottom) * stepY };
}
