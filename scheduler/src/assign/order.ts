import { mkdir } from 'node:fs/promises';
import { dirname } from 'node:path';
import { CATALOGUE, type InputFile, type OutputFile, type WorkOrder, workOrderSchema } from '@reelay/contracts';
import { type HubJob, JobRefused, type Prepared } from '@reelay/job-types/hub';
import { identify, partName } from '@reelay/runtime';
import { type JobRow, setPreparedParams } from '@reelay/store';
import type { Deps } from '../deps.ts';

const SECOND_MS = 1000;
const MINUTE_MS = 60 * SECOND_MS;
const DAY_MS = 24 * 60 * MINUTE_MS;
const SHORTEST_LIMIT_MS = 30 * MINUTE_MS;

/** max(30 min, factor × media); a day when nobody knows how much there is to do (the stall watchdog ends hangs long before). */
const timeLimitMs = (factor: number, mediaSeconds: number | null): number =>
  mediaSeconds === null ? DAY_MS : Math.round(Math.max(SHORTEST_LIMIT_MS, factor * mediaSeconds * SECOND_MS));

export const hubJob = (job: JobRow): HubJob => ({ id: job.id, type: job.type, epoch: job.epoch, params: job.params, createdBy: job.createdBy });

/** What the type wants for this attempt. */
type Prepare = (deps: Deps, job: JobRow) => Promise<Prepared>;

/**
 * All that the node needs for one attempt: what the type prepared, with the identity and signed address of each file.
 * Folders for the outputs are made here. @throws JobRefused, LibraryFileMissing, PathOutsideLibrary
 */
export const buildOrder = async (deps: Deps, job: JobRow, prepare: Prepare): Promise<WorkOrder> => {
  const { timeLimitFactor, stallSeconds } = CATALOGUE[job.type];
  const prepared = await prepare(deps, job);
  if (prepared.params) await setPreparedParams(deps.sql, job.id, job.epoch, prepared.params);
  const limitMs = timeLimitMs(timeLimitFactor, prepared.mediaSeconds);
  const expiresAtMs = deps.clock.now().getTime() + limitMs + DAY_MS;
  const ref = { jobId: job.id, epoch: job.epoch };
  const url = (folder: string, payload: Record<string, unknown>): string => `/agent/v1/${folder}/${deps.keys.sign({ ...payload, ...ref }, expiresAtMs)}`;
  const order: WorkOrder = {
    ...ref, type: job.type, category: job.resourceCategory, deviceId: job.deviceId ?? '', vramMb: job.vramRequired,
    leaseMs: deps.timing.leaseMs, timeLimitMs: limitMs, stallMs: stallSeconds * SECOND_MS,
    inputs: await Promise.all(prepared.inputs.map((input) => inputOf(deps, input, (path) => url('files', { k: 'file', path })))),
    outputs: await Promise.all(prepared.outputs.map((output) => outputOf(deps, job, output, (partPath) => url('outputs', { k: 'output', partPath })))),
    effectsUrl: url('effects', { k: 'effects' }),
    order: prepared.order,
  };
  const [issue] = workOrderSchema.safeParse(order).error?.issues ?? [];
  // Such as a path that is too long: the node would refuse the message, and with it every other order of the batch.
  if (issue) throw new JobRefused('order_invalid', `The work order is not valid: ${issue.path.join('.')} ${issue.message}`);
  return order;
};

const inputOf = async ({ library }: Deps, { name, path }: Prepared['inputs'][number], url: (path: string) => string): Promise<InputFile> => {
  const { sizeBytes, mtimeMs, inode } = await identify(await library.resolveExisting(path));
  return { name, path, sizeBytes, mtimeMs, inode, url: url(path) };
};

const outputOf = async ({ library }: Deps, job: JobRow, { name, path, onConflict }: Prepared['outputs'][number], url: (path: string) => string): Promise<OutputFile> => {
  const partPath = partName(path, job.id, job.epoch);
  await mkdir(dirname(await library.resolveForCreate(path)), { recursive: true });
  return { name, path, partPath, url: url(partPath), onConflict };
};
