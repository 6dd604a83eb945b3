import { DEFAULT_VRAM_MB, type DeviceReport } from '@reelay/contracts';
import type { Ctx, Logger } from '@reelay/runtime';
import { runTool, type Supervisor } from '@reelay/runtime/supervisor';
import { NVIDIA_SMI_ARGS, parseNvidiaSmi } from './nvidia-smi.ts';

const SOFTWARE_DEVICE_ID = 'software';

export interface InventoryOptions {
  supervisor: Supervisor;
  nvidiaSmiPath: string;
  logger: Logger;
}

const QUERY_LIMIT_MS = 5_000;
const MAX_OUTPUT_BYTES = 256 * 1024;

/** What this host can compute on: its NVIDIA devices, else one software device. */
export class DeviceInventory {
  readonly #options: InventoryOptions;
  #nvidia: readonly DeviceReport[] = [];
  #hasTool: boolean | undefined;
  #refreshing: Promise<void> | undefined;

  constructor(options: InventoryOptions) {
    this.#options = options;
  }

  get hasNvidia(): boolean {
    return this.#nvidia.length > 0;
  }

  /** Asks nvidia-smi again; one query at a time. A host without the tool is asked only once. */
  refresh(ctx: Ctx): Promise<void> {
    if (this.#hasTool === false) return Promise.resolve();
    this.#refreshing ??= this.#query(ctx).finally(() => {
      this.#refreshing = undefined;
    });
    return this.#refreshing;
  }

  /** Devices as reported to the hub; `bookedMb` gives what our own jobs have booked on one. */
  report(bookedMb: (deviceId: string) => number): DeviceReport[] {
    if (this.#nvidia.length > 0) return [...this.#nvidia];
    const freeMb = Math.max(0, DEFAULT_VRAM_MB - bookedMb(SOFTWARE_DEVICE_ID));
    return [{ id: SOFTWARE_DEVICE_ID, index: 0, kind: 'software', name: 'Software encoding', totalMb: DEFAULT_VRAM_MB, freeMb, utilization: null, temperatureC: null }];
  }

  /** Index of an NVIDIA device; null for the software device or one that is gone. */
  gpuIndex(deviceId: string): number | null {
    return this.#nvidia.find((device) => device.id === deviceId)?.index ?? null;
  }

  async #query(ctx: Ctx): Promise<void> {
    const { supervisor, nvidiaSmiPath, logger } = this.#options;
    const { exit, stdout } = await runTool(ctx, supervisor, {
      name: 'nvidia-smi', argv0: nvidiaSmiPath, args: NVIDIA_SMI_ARGS, maxOutputBytes: MAX_OUTPUT_BYTES, limitMs: QUERY_LIMIT_MS,
    });
    if (exit.kind === 'spawnError') {
      this.#hasTool = false;
      return;
    }
    const devices = exit.kind === 'code' && exit.code === 0 ? parseNvidiaSmi(stdout) : [];
    if (this.#hasTool === undefined && devices.length === 0) logger.warn({ exit: exit.kind }, 'nvidia-smi reports no device');
    if (this.#nvidia.length > 0 && devices.length === 0) logger.error({ exit: exit.kind }, 'the NVIDIA devices are gone');
    // A device that drops out is reported with no free memory, so that nothing more is placed on it.
    this.#nvidia = this.#hasTool === undefined ? devices : merge(this.#nvidia, devices);
    this.#hasTool = true;
  }
}

/** Devices seen now, then those known before that did not answer, as full. */
export function merge(known: readonly DeviceReport[], seen: readonly DeviceReport[]): DeviceReport[] {
  const ids = new Set(seen.map((device) => device.id));
  const gone = known.filter((device) => !ids.has(device.id));
  const silent = gone.map(({ id, index, kind, name, totalMb }) => ({ id, index, kind, name, totalMb, freeMb: 0, utilization: null, temperatureC: null }));
  return [...seen, ...silent].toSorted((a, b) => a.index - b.index);
}
