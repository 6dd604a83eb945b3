import type { Node } from '@reelay/contracts';
import { megabytes } from '../../model/format.ts';
import { vramParts } from '../../model/vram.ts';

export function Device({ device }: { device: Node['devices'][number] }) {
  const { usedMb, bookedMb, freeMb } = vramParts(device);
  const share = (mb: number): string => `${device.totalMb === 0 ? 0 : (mb / device.totalMb) * 100}%`;
  const facts = [
    device.utilization === null ? null : `${Math.round(device.utilization)}% busy`,
    device.temperatureC === null ? null : `${Math.round(device.temperatureC)} °C`,
  ].filter((fact) => fact !== null);
  return (
    <div class="device">
      <div class="row spread small">
        <span>{device.kind === 'software' ? 'Software device (no GPU)' : device.name}</span>
        <span class="muted">{facts.join(', ')}</span>
      </div>
      <div class="vram" role="img" aria-label={`VRAM of ${megabytes(device.totalMb)}: ${megabytes(usedMb)} used, ${megabytes(bookedMb)} booked, ${megabytes(freeMb)} free`}>
        <i data-part="used" style={{ width: share(usedMb) }} />
        <i data-part="booked" style={{ width: share(bookedMb) }} />
      </div>
      <ul class="legend small">
        <li data-part="used">{megabytes(usedMb)} used</li>
        <li data-part="booked">{megabytes(bookedMb)} booked</li>
        <li data-part="free">{megabytes(freeMb)} free</li>
      </ul>
    </div>
  );
}
