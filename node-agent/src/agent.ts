import { availableParallelism } from 'node:os';
import { CATALOGUE, type EncoderTrial, type HelloReply, type HeartbeatReply, type LoadReport, type WorkOrder } from '@reelay/contracts';
import { type Clock, type Ctx, EXIT_CODES, type Logger, readLibraryId, ReelayError, type Service, Shutdown, withDeadline } from '@reelay/runtime';
import type { Bus, BusSubscription } from '@reelay/runtime/bus';
import type { HealthMonitorOptions, ResourceLimits, Supervisor } from '@reelay/runtime/supervisor';
import type { NodeState } from './attempts/admission.ts';
import { Attempts } from './attempts/attempts.ts';
import { DrainDeadline } from './attempts/drain-deadline.ts';
import { removeParts } from './attempts/parts.ts';
import { DeviceInventory } from './devices/inventory.ts';
import { bestEncoder, encoderFor, SOFTWARE_ENCODER } from './encoder/candidates.ts';
import { ffmpegVersion, hasFilter, tryEncoders } from './encoder/trials.ts';
import { readLoad } from './host/load.ts';
import { MemoryGuard } from './host/memory-guard.ts';
import type { Scratch } from './host/scratch.ts';
import { DRAINED, endReasonOf, serveControls } from './hub/controls.ts';
import { HubClient } from './hub/hub-client.ts';
import { HubLink } from './hub/hub-link.ts';
import type { JobContext } from './process/protocol.ts';
import { WarmPool } from './process/warm-pool.ts';
import { serveProcesses } from './processes/serve.ts';
import { serveSessions } from './session/serve.ts';
import { Sessions } from './session/sessions.ts';
import type { AgentSettings } from './settings.ts';

export interface AgentOptions {
  settings: AgentSettings;
  /** UUID of this start. */
  incarnation: string;
  version: string;
  /** The bundled job process. */
  jobProgram: string;
  bus: Bus;
  supervisor: Supervisor;
  scratch: Scratch;
  clock: Clock;
  logger: Logger;
  /** Each time the hub has answered hello: from then on this is a node of the fleet. */
  onWelcomed?: (() => void) | undefined;
  onSuperseded: () => void;
  /** Where the memory's figures come from; the host when left out. */
  readMemory?: HealthMonitorOptions['readMemory'];
}

/** Not one of the encoders that this host might have has made a picture. */
class NoEncoderWorks extends ReelayError {
  readonly code = 'no_encoder_works';
  override readonly serviceExit = EXIT_CODES.configuration;
  constructor(ffmpeg: string, trials: readonly EncoderTrial[]) {
    const reasons = trials.map(({ encoder, reason }) => `${encoder}: ${reason ?? 'unknown'}`).join(', ');
    super(`no H.264 encoder of ${ffmpeg} works on this host (${reasons}); install an ffmpeg with libx264, or set FFMPEG_PATH to one`, { trials });
  }
}

const FENCE_MS = 500;
/** So many heartbeats fit into a lease, whatever pace the hub wants. */
const BEATS_PER_LEASE = 3;
/** How long an orderly stop waits after the KILL of jobs that ignored TERM, and then for the hub to hear of it. */
const KILL_MARGIN_MS = 500;
const REPORT_MS = 2_000;
/** Of SHUTDOWN_TIMEOUT: what jobs get at most for their end. */
const GRACE_SHARE = 0.5;

/** This host as a node of the fleet: what it has, what it runs, and its link to the hub. */
export class Agent implements Service {
  readonly name = 'agent';
  readonly attempts: Attempts;
  readonly #options: AgentOptions;
  readonly #inventory: DeviceInventory;
  readonly #hub: HubClient;
  readonly #link: HubLink;
  readonly #memory: MemoryGuard;
  #pool: WarmPool | undefined;
  #sessions: Sessions | undefined;
  #ctx: Ctx | undefined;
  #subscriptions: BusSubscription[] = [];
  #endFence: () => void = () => {};
  readonly #deadline: DrainDeadline;
  #trials: EncoderTrial[] = [];
  #ffmpegVersion: string | null = null;
  #canToneMap = false;
  #load: LoadReport | undefined;
  #libraryId: string | null = null;
  #hubLibraryId: string | null = null;
  #draining = false;
  #stopping: Promise<void> | undefined;

  constructor(options: AgentOptions) {
    const { settings, supervisor, logger, bus, clock, incarnation } = options;
    this.#options = options;
    this.#deadline = new DrainDeadline(clock, () => this.#drainIsOver());
    this.#inventory = new DeviceInventory({ supervisor, logger, nvidiaSmiPath: settings.NVIDIA_SMI_PATH });
    this.#hub = new HubClient(bus, settings.REELAY_NODE_ID, incarnation, clock);
    this.attempts = new Attempts({
      hub: this.#hub, clock, logger,
      takeWorker: () => this.#requirePool().take(),
      onTaken: () => this.#link.checkPace(),
      node: () => this.#nodeState(),
      contextFor: (order) => this.#contextFor(order),
      cleanUp: (order, keepParts) => this.#cleanUp(order, keepParts),
    });
    this.#memory = new MemoryGuard({ supervisor, attempts: this.attempts, clock, logger, readMemory: options.readMemory, onChange: () => this.#link.beatNow() });
    this.#link = new HubLink({
      hub: this.#hub, clock, logger,
      describe: () => this.#describe(),
      pulse: () => this.#pulse(),
      onWelcome: (reply) => this.#welcomed(reply),
      onHeartbeat: (reply, sentMs) => this.#heard(reply, sentMs),
      onSuperseded: () => void this.#superseded(),
      longestPauseMs: () => this.attempts.shortestLeaseMs / BEATS_PER_LEASE,
      mustIntroduceAgain: async () => (await this.#readLibraryId()) !== this.#libraryId,
      onReconnected: (fn) => bus.onStatus((status) => {
        if (status === 'reconnected') fn();
      }),
    });
  }

  /** Learns what the host can do, then introduces it. `ctx` must outlive an orderly stop. */
  async start(ctx: Ctx): Promise<void> {
    const { settings, supervisor, logger, clock, bus, incarnation, jobProgram } = this.#options;
    this.#ctx = ctx;
    this.#pool = new WarmPool(ctx, () => ({ supervisor, clock, logger, program: jobProgram, graceMs: settings.REELAY_KILL_GRACE_MS, limits: batchLimits(settings) }), clock);
    this.#pool.fill();
    await this.#explore(ctx);
    // A stop came meanwhile: it must not become a node now.
    if (this.#stopping) return;
    this.#sessions = this.#makeSessions(ctx);
    this.#subscriptions = [serveSessions(bus, settings.REELAY_NODE_ID, this.#sessions), ...serveProcesses({ bus, supervisor, logger, clock, nodeId: settings.REELAY_NODE_ID, attempts: this.attempts }), ...serveControls({ bus, incarnation, nodeId: settings.REELAY_NODE_ID, attempts: this.attempts, setDraining: (draining, deadlineMs) => this.#drain(draining, deadlineMs ?? null) })];
    this.#endFence = clock.every(FENCE_MS, () => this.attempts.fence(clock.monotonicMs()));
    await this.#memory.start(ctx);
    this.#link.start();
  }

  /** The settings have changed: the hub is told, and the next job's process is one that was started with the new ones. */
  reconfigured(): void {
    this.#pool?.renew();
    this.#link.introduceAgain();
  }

  /** Ends all jobs, gives them back to the hub, and says no more. */
  stop(): Promise<void> {
    this.#stopping ??= this.#stop();
    return this.#stopping;
  }

  async #stop(): Promise<void> {
    const { clock, logger } = this.#options;
    this.#draining = true;
    const sessions = this.#sessions?.stop(new Shutdown('the node stops'));
    const { REELAY_KILL_GRACE_MS: killGraceMs, SHUTDOWN_TIMEOUT } = this.#options.settings;
    const graceMs = Math.min(killGraceMs, SHUTDOWN_TIMEOUT * 1_000 * GRACE_SHARE);
    await withDeadline(clock, 'jobs', graceMs + KILL_MARGIN_MS, () => this.attempts.endAll({ kind: 'released', by: 'shutdown', reason: 'the node stops' })).catch(() => {});
    // A hub that stops at the same time would not answer; it learns of the jobs from the silence.
    await withDeadline(clock, 'reports', REPORT_MS, () => this.attempts.allOver()).catch(() => {});
    if (this.attempts.size > 0) logger.warn({ jobs: this.attempts.size }, 'stopping although the hub was not told about all jobs');
    this.attempts.abandonAll(new Shutdown('the node stops'));
    await sessions;
    await this.#memory.stop();
    this.#endFence();
    this.#deadline.set(null);
    for (const subscription of this.#subscriptions) subscription.unsubscribe();
    await this.#link.stop();
    await this.#pool?.close();
  }

  async #superseded(): Promise<void> {
    this.#options.logger.error({ nodeId: this.#hub.nodeId }, 'another agent with this node id took over; this one ends its jobs and exits');
    this.#draining = true;
    await this.#sessions?.stop(new Shutdown('another agent with this node id took over'));
    await this.attempts.endAll({ kind: 'stale', why: 'another agent with this node id took over' });
    await this.attempts.allOver();
    this.#options.onSuperseded();
  }

  async #explore(ctx: Ctx): Promise<void> {
    const { supervisor, logger, settings } = this.#options;
    const tools = { supervisor, logger, ffmpegPath: settings.FFMPEG_PATH };
    const devices = this.#inventory.refresh(ctx).then(() => this.#inventory.report(() => 0));
    [this.#trials, this.#ffmpegVersion, this.#canToneMap] = await Promise.all([devices.then((found) => tryEncoders(ctx, found, tools)), ffmpegVersion(ctx, tools), hasFilter(ctx, tools, 'zscale')]);
    const encoder = bestEncoder(this.#trials);
    if (encoder === null) throw new NoEncoderWorks(settings.FFMPEG_PATH, this.#trials);
    if (encoder === SOFTWARE_ENCODER) logger.info({ encoder }, 'encoding in software: no hardware encoder works here');
    else logger.info({ encoder }, 'encoding in hardware');
  }

  async #describe(): Promise<Parameters<HubClient['hello']>[0]> {
    const { settings, version } = this.#options;
    this.#libraryId = await this.#readLibraryId();
    return {
      name: settings.REELAY_NODE_NAME ?? settings.REELAY_NODE_ID, version,
      devices: this.#devices(), limits: limitsOf(settings), labels: settings.REELAY_LABELS,
      encoder: bestEncoder(this.#trials), encoderTrials: this.#trials, ffmpegVersion: this.#ffmpegVersion,
      sessionLimit: settings.MAX_CONCURRENT_TRANSCODES, libraryId: this.#libraryId, load: await this.#readLoad(),
    };
  }

  async #pulse(): Promise<Parameters<HubClient['heartbeat']>[0]> {
    // For the next heartbeat: a slow nvidia-smi must not delay this one.
    if (this.#ctx) this.#inventory.refresh(this.#ctx).catch((error: unknown) => this.#options.logger.warn({ err: error }, 'nvidia-smi could not be asked'));
    return { running: this.attempts.running(), sessions: this.#sessions?.ids ?? [], devices: this.#devices(), load: await this.#readLoad(), draining: this.#draining };
  }

  #welcomed({ libraryId, adminState }: HelloReply): void {
    this.#options.onWelcomed?.();
    this.#hubLibraryId = libraryId;
    this.#setDraining(adminState !== 'active');
    const { settings, logger } = this.#options;
    if (settings.MEDIA_LIBRARY_PATH !== undefined && this.#libraryRoot() === null) {
      logger.warn({ path: settings.MEDIA_LIBRARY_PATH, ownId: this.#libraryId, hubId: libraryId }, 'the mounted library is not the hub’s: files travel over HTTP');
    }
  }

  #heard(reply: HeartbeatReply, sentMs: number): void {
    this.attempts.renewed(reply.renewed, sentMs, reply.leaseMs);
    const frozen = reply.frozen && new Set(reply.frozen.map(({ jobId, epoch }) => `${jobId}.${epoch}`));
    if (frozen) for (const ref of reply.renewed) this.attempts.find(ref)?.setFrozen(frozen.has(`${ref.jobId}.${ref.epoch}`));
    for (const { reason, why, ...ref } of reply.kill) this.attempts.find(ref)?.end(endReasonOf(reason, why));
    this.#sessions?.end(reply.endSessions ?? []);
    // A hub that says nothing of a deadline knows none.
    if (reply.drainMs === undefined) this.#setDraining(reply.adminState !== 'active');
    else this.#drain(reply.adminState !== 'active', reply.drainMs);
  }

  /** What a person wants; the hub repeats it in each heartbeat. */
  #drain(draining: boolean, deadlineMs: number | null): void {
    this.#setDraining(draining);
    this.#deadline.set(draining && !this.#stopping ? deadlineMs : null);
  }

  #drainIsOver(): void {
    if (!this.#draining) return;
    if (this.attempts.size > 0) this.#options.logger.info({ jobs: this.attempts.size }, 'the drain’s deadline is over: what runs is given back');
    void this.attempts.endAll(DRAINED);
    this.#sessions?.closeAll('the node is drained');
  }

  #setDraining(draining: boolean): void {
    if (this.#stopping || draining === this.#draining) return;
    this.#draining = draining;
    this.#options.logger.info({ draining }, draining ? 'taking no new work' : 'taking work again');
  }

  #devices() {
    return this.#inventory.report((deviceId) => this.attempts.bookedMb(deviceId));
  }

  #nodeState(): Omit<NodeState, 'running' | 'bookedMb'> {
    const { settings } = this.#options;
    return {
      draining: this.#draining, limits: limitsOf(settings), devices: this.#devices(), hasEncoder: bestEncoder(this.#trials) !== null,
      freeBytes: this.#load?.diskFreeBytes ?? null, minFreeBytes: settings.REELAY_MIN_FREE_MB * 1e6, mountsLibrary: this.#libraryRoot() !== null,
      memoryPressure: this.#memory.pressure?.detail ?? null,
    };
  }

  #contextFor(order: WorkOrder): JobContext {
    const { settings, scratch } = this.#options;
    const encoder = encoderFor(this.#trials, order.deviceId);
    if (encoder === null && CATALOGUE[order.type].needsEncoder) this.#options.logger.warn({ deviceId: order.deviceId }, 'no encoder works on this device; trying software');
    return {
      gatewayUrl: settings.REELAY_GATEWAY_URL.replace(/\/+$/, ''), libraryRoot: this.#libraryRoot(), scratchDir: scratch.folderOf(order.jobId, order.epoch),
      encoder: encoder ?? SOFTWARE_ENCODER, gpuIndex: this.#inventory.gpuIndex(order.deviceId),
      ffmpegPath: settings.FFMPEG_PATH, ffprobePath: settings.FFPROBE_PATH, killGraceMs: settings.REELAY_KILL_GRACE_MS,
    };
  }

  #makeSessions(ctx: Ctx): Sessions {
    const { settings, supervisor, clock, logger, incarnation } = this.#options;
    return new Sessions({
      incarnation, ctx: ctx.child('sessions'), supervisor, clock, logger, ffmpegPath: settings.FFMPEG_PATH, cpus: availableParallelism(), gatewayUrl: settings.REELAY_GATEWAY_URL,
      limit: () => settings.MAX_CONCURRENT_TRANSCODES, draining: () => this.#draining, libraryRoot: () => this.#libraryRoot(),
      encoderOf: (deviceId) => encoderFor(this.#trials, deviceId), gpuIndexOf: (deviceId) => this.#inventory.gpuIndex(deviceId), canToneMap: () => this.#canToneMap,
    });
  }

  async #cleanUp(order: WorkOrder, keepParts: boolean): Promise<void> {
    const root = this.#libraryRoot();
    await this.#options.scratch.remove(order.jobId, order.epoch);
    if (!keepParts && root !== null) await removeParts(root, order);
  }

  /** The mount, when it is the hub's library. */
  #libraryRoot(): string | null {
    const isSame = this.#libraryId !== null && this.#libraryId === this.#hubLibraryId;
    return isSame ? (this.#options.settings.MEDIA_LIBRARY_PATH ?? null) : null;
  }

  async #readLibraryId(): Promise<string | null> {
    const path = this.#options.settings.MEDIA_LIBRARY_PATH;
    return path === undefined ? null : readLibraryId(path).catch(() => null);
  }

  async #readLoad(): Promise<LoadReport> {
    const { settings } = this.#options;
    this.#load = { ...(await readLoad(this.#libraryRoot() ?? settings.REELAY_WORK_DIR)), memoryPressure: this.#memory.pressure };
    return this.#load;
  }

  #requirePool(): WarmPool {
    if (!this.#pool) throw new TypeError('the agent was not started');
    return this.#pool;
  }
}

function limitsOf(settings: AgentSettings): NodeState['limits'] {
  return { cpu: settings.REELAY_LIMIT_CPU, gpu_encode: settings.REELAY_LIMIT_GPU_ENCODE, gpu_ai: settings.REELAY_LIMIT_GPU_AI };
}

/** Batch work comes after whatever a person waits for. */
function batchLimits({ REELAY_BATCH_NICE: nice, REELAY_JOB_MEMORY_MB: memoryMb }: AgentSettings): ResourceLimits {
  return { nice, ioPriority: 'low', memoryMb };
}
