import type { ReadonlySignal } from '@preact/signals';
import type { AllProcesses, Node } from '@reelay/contracts';
import { Badge } from '../../components/badge.tsx';
import { When } from '../../components/time.tsx';
import { drainSentence } from '../../model/drain.ts';
import { bytes, megabytes } from '../../model/format.ts';
import { PRESSURE } from '../../model/processes.ts';
import { ADMIN_STATE, HEALTH, RESOURCE, RESOURCES } from '../../model/words.ts';
import { nowMs } from '../../store/clock.ts';
import { actOnNode } from '../../store/commands.ts';
import { openDialog } from '../../store/dialogs.ts';
import { Device } from './device.tsx';
import { Processes } from './processes.tsx';

interface Props {
  readonly node: ReadonlySignal<Node>;
  readonly running: { readonly all: AllProcesses | null; readonly failure: string | null; readonly reload: () => void };
}

export function NodeCard({ node: { value: node }, running }: Props) {
  const state = ADMIN_STATE[node.adminState];
  const pressure = node.load.memoryPressure ?? null;
  return (
    <li class="panel node" data-health={node.health}>
      <div class="row spread">
        <div>
          <h2>{node.name}</h2>
          <p class="small muted">{node.id}, version {node.version}, seen <When iso={node.lastSeenAt} /></p>
        </div>
        <div class="row tight wrap">
          <Badge word={HEALTH[node.health]} />
          {pressure !== null && <Badge word={PRESSURE[pressure.level]} title={pressure.detail} />}
          {state !== null && <Badge word={state} />}
        </div>
      </div>
      {pressure !== null && <p class="small">No new jobs: {pressure.detail}</p>}
      {node.adminState === 'draining' && <Draining node={node} />}
      <Encoder node={node} />
      {node.devices.map((device) => <Device key={device.id} device={device} />)}
      <Slots node={node} />
      <dl class="facts compact">
        <div><dt>Load</dt><dd>{node.load.load1.toFixed(1)} on {node.load.cpus} CPUs</dd></div>
        <div><dt>Memory free</dt><dd>{megabytes(node.load.memoryFreeMb)} of {megabytes(node.load.memoryTotalMb)}</dd></div>
        <div><dt>Disk free</dt><dd>{node.load.diskFreeBytes === null ? 'Unknown' : bytes(node.load.diskFreeBytes)}</dd></div>
        <div><dt>Library</dt><dd>{node.hasLibrary ? 'Same files as the gateway' : 'Over HTTP from the gateway'}</dd></div>
      </dl>
      <Processes node={node} {...running} />
      <Actions node={node} />
    </li>
  );
}

function Encoder({ node }: { node: Node }) {
  return (
    <div class="encoder">
      <p>H.264 encoder in use: <strong>{node.encoder ?? 'none'}</strong>{node.ffmpegVersion !== null && <span class="muted">, ffmpeg {node.ffmpegVersion}</span>}</p>
      {node.encoderTrials.length > 0 && (
        <details>
          <summary>{node.encoderTrials.length} tried by a trial encode</summary>
          <ul class="trials">
            {node.encoderTrials.map((trial) => (
              <li key={`${trial.encoder} ${trial.deviceId ?? ''}`}>
                <Badge word={trial.ok ? { label: 'Works', icon: 'check', tone: 'green' } : { label: 'Does not work', icon: 'cross', tone: 'grey' }} />
                <span><code>{trial.encoder}</code>{trial.reason !== null && <small class="muted"> {trial.reason}</small>}</span>
              </li>
            ))}
          </ul>
        </details>
      )}
    </div>
  );
}

function Slots({ node }: { node: Node }) {
  return (
    <ul class="slots" aria-label="Jobs by category">
      {RESOURCES.map((category) => (
        <li key={category}>
          <span class="small muted">{RESOURCE[category]}</span>
          <strong>{node.running[category]} of {node.limits[category]}</strong>
          <span class="pips" aria-hidden="true">
            {Array.from({ length: Math.min(12, node.limits[category]) }, (_, index) => <i key={index} data-on={index < node.running[category]} />)}
          </span>
        </li>
      ))}
    </ul>
  );
}

const drain = (node: Node): void => {
  openDialog.value = { kind: 'drain', node };
};

/** Reads the clock by itself, so that the card is not drawn anew each second. */
function Draining({ node }: { node: Node }) {
  const sentence = drainSentence(node, nowMs.value);
  return sentence === null ? null : <p class="small">{sentence}</p>;
}

function Actions({ node }: { node: Node }) {
  return (
    <div class="row">
      {node.adminState === 'active' && <button type="button" class="button small" onClick={() => drain(node)}>Drain</button>}
      {node.adminState === 'active' && <button type="button" class="button small" onClick={() => void actOnNode(node, 'cordon')}>Cordon</button>}
      {node.adminState === 'draining' && <button type="button" class="button small" onClick={() => drain(node)}>Deadline</button>}
      {node.adminState !== 'active' && <button type="button" class="button small" onClick={() => void actOnNode(node, 'resume')}>Resume</button>}
    </div>
  );
}
