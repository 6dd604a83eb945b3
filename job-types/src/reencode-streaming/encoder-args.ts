/** What the H.264 encoders are given for one quality: pure, so that each can be read and tested by itself. */
export interface Quality {
  /** Name of an x264 preset. */
  preset: string;
  crf: number;
  /** kbit/s. */
  targetBitrate: number;
}

export interface EncoderArgs {
  /** Before the input. */
  global: string[];
  /** Filters after those of the picture itself. */
  filters: string[];
  codec: string[];
}

const VAAPI_DEVICE = '/dev/dri/renderD128';

/** x264's presets on NVENC's scale from p1 (fastest) to p7 (best). */
const NVENC_PRESETS: Readonly<Record<string, string>> = {
  ultrafast: 'p1', superfast: 'p1', veryfast: 'p2', faster: 'p3', fast: 'p4', medium: 'p5', slow: 'p6', slower: 'p7', veryslow: 'p7',
};
/** Quick Sync knows veryfast to veryslow. */
const QSV_PRESETS: Readonly<Record<string, string>> = { ultrafast: 'veryfast', superfast: 'veryfast' };

/** Arguments of one encoder. The bitrate is a ceiling: crf (cq, global quality) decides below it. */
export function encoderArgs(encoder: string, { preset, crf, targetBitrate }: Quality, gpuIndex: number | null): EncoderArgs {
  const ceiling = ['-maxrate', `${targetBitrate}k`, '-bufsize', `${targetBitrate * 2}k`];
  const pixels = 'format=yuv420p';
  switch (encoder) {
    case 'h264_nvenc':
      return {
        global: [],
        filters: [pixels],
        codec: [
          '-c:v', 'h264_nvenc', ...(gpuIndex === null ? [] : ['-gpu', String(gpuIndex)]), '-preset', NVENC_PRESETS[preset] ?? 'p5',
          '-rc', 'vbr', '-cq', String(crf), '-b:v', '0', ...ceiling, '-profile:v', 'high', '-forced-idr', '1',
        ],
      };
    case 'h264_qsv':
      return {
        global: [],
        filters: ['format=nv12'],
        codec: ['-c:v', 'h264_qsv', '-preset', QSV_PRESETS[preset] ?? preset, '-b:v', `${targetBitrate}k`, ...ceiling, '-forced_idr', '1'],
      };
    case 'h264_vaapi':
      return {
        global: ['-vaapi_device', VAAPI_DEVICE],
        filters: ['format=nv12', 'hwupload'],
        codec: ['-c:v', 'h264_vaapi', '-rc_mode', 'VBR', '-b:v', `${targetBitrate}k`, ...ceiling],
      };
    default:
      return { global: [], filters: [pixels], codec: ['-c:v', encoder, '-preset', preset, '-crf', String(crf), ...ceiling, '-pix_fmt', 'yuv420p'] };
  }
}
