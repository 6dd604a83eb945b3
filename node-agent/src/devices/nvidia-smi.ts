import { DEFAULT_VRAM_MB, type DeviceReport } from '@reelay/contracts';

/** The order of the columns is that of `parseNvidiaSmi`. */
export const NVIDIA_SMI_ARGS: readonly string[] = [
  '--query-gpu=uuid,index,name,memory.total,memory.free,utilization.gpu,temperature.gpu', '--format=csv,noheader,nounits',
];

/** `[N/A]`, `[Not Supported]`, `[Insufficient Permissions]`: the driver does not tell. */
function number(text: string | undefined): number | null {
  const value = Number(text?.trim() === '' ? Number.NaN : text);
  return Number.isFinite(value) ? value : null;
}

function parseLine(line: string): DeviceReport | null {
  const columns = line.split(',').map((column) => column.trim());
  const [id, index] = columns;
  // A name may hold a comma; the numbers after it never do.
  const [total, free, utilization, temperature] = columns.slice(-4);
  const name = columns.slice(2, -4).join(', ');
  const position = number(index);
  if (columns.length < 7 || id === undefined || !/^(GPU|MIG)-/.test(id) || position === null) return null;
  const totalMb = number(total) ?? DEFAULT_VRAM_MB;
  return {
    id: id.slice(0, 128),
    index: Math.trunc(position),
    kind: 'nvidia',
    name: (name || 'NVIDIA GPU').slice(0, 200),
    totalMb: Math.trunc(totalMb),
    freeMb: Math.trunc(number(free) ?? totalMb),
    utilization: number(utilization),
    temperatureC: number(temperature),
  };
}

/** The devices in nvidia-smi's CSV. Lines that are no device are left out; unknown memory counts as the default. */
export function parseNvidiaSmi(csv: string): DeviceReport[] {
  const devices = new Map<string, DeviceReport>();
  for (const line of csv.split(/\r?\n/)) {
    const device = parseLine(line);
    if (device && !devices.has(device.id)) devices.set(device.id, device);
  }
  return [...devices.values()].toSorted((a, b) => a.index - b.index).slice(0, 64);
}
