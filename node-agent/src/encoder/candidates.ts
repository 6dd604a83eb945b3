import type { DeviceReport, EncoderTrial } from '@reelay/contracts';

/** One H.264 encoder to try: a picture of a fraction of a second is encoded and thrown away. */
export interface Candidate {
  encoder: string;
  /** The NVIDIA device it runs on; null for the others. */
  deviceId: string | null;
  /** Set when it need not be tried because the hardware is not there. */
  skipped: string | null;
  args: readonly string[];
}

export const SOFTWARE_ENCODER = 'libx264';
// Some NVENC generations refuse pictures below 145x49, so the trial is larger.
const SOURCE = ['-f', 'lavfi', '-i', 'color=c=black:s=320x240:r=25:d=0.2', '-frames:v', '4'];
const SINK = ['-an', '-f', 'null', '-'];

/** What to try, best first. `hasDri`: the host has /dev/dri. */
export function encoderCandidates(devices: readonly DeviceReport[], hasDri: boolean): Candidate[] {
  const nvidia = devices.filter((device) => device.kind === 'nvidia');
  const nvenc = nvidia.map((device): Candidate => ({
    encoder: 'h264_nvenc', deviceId: device.id, skipped: null, args: [...SOURCE, '-c:v', 'h264_nvenc', '-gpu', String(device.index), ...SINK],
  }));
  const noNvidia: Candidate = { encoder: 'h264_nvenc', deviceId: null, skipped: 'no NVIDIA device', args: [] };
  const skipped = hasDri ? null : 'no /dev/dri';
  return [
    ...(nvenc.length > 0 ? nvenc : [noNvidia]),
    { encoder: 'h264_qsv', deviceId: null, skipped, args: [...SOURCE, '-vf', 'format=nv12', '-c:v', 'h264_qsv', ...SINK] },
    { encoder: 'h264_vaapi', deviceId: null, skipped, args: ['-vaapi_device', '/dev/dri/renderD128', ...SOURCE, '-vf', 'format=nv12,hwupload', '-c:v', 'h264_vaapi', ...SINK] },
    { encoder: SOFTWARE_ENCODER, deviceId: null, skipped: null, args: [...SOURCE, '-c:v', SOFTWARE_ENCODER, '-preset', 'ultrafast', ...SINK] },
  ];
}

/** The encoder of the whole node: the best that works anywhere; null when none does. */
export function bestEncoder(trials: readonly EncoderTrial[]): string | null {
  return trials.find((trial) => trial.ok)?.encoder ?? null;
}

/** The encoder for a job on one device: NVENC only where it was tried with success on that very device. */
export function encoderFor(trials: readonly EncoderTrial[], deviceId: string): string | null {
  return trials.find((trial) => trial.ok && (trial.deviceId === null || trial.deviceId === deviceId))?.encoder ?? null;
}
