import { LibraryFileMissing, LibraryRoot } from '@reelay/runtime';
import { z } from 'zod';
import { type Execute, JobFailed, type JobRun } from '../agent-types.ts';
import { probeMedia } from '../media-probe.ts';
import { inBatches } from './batches.ts';
import { type probedBatch, type ScanOrder, scanOrder, type ScanResult } from './result.ts';
import { type FoundFile, walkVideos } from './walk.ts';

type ProbedFile = z.infer<typeof probedBatch>['files'][number];
const listingReply = z.object({ unknown: z.array(z.string()) });
const probedReply = z.object({ created: z.number().int(), updated: z.number().int() });

const PROBES_AT_ONCE = 2;
/** The part of the progress bar that listing takes; the rest is files processed of files to process. */
const LISTING_PERCENT = 10;

/** Walks a folder, asks the hub which files are new, probes those, and sends what it found, batch by batch. */
export const executeScan: Execute = async (run) => {
  const order = scanOrder.parse(run.order.order);
  if (run.libraryRoot === null) throw new JobFailed('library_missing', 'This node does not hold the library, so it cannot list folders.', true);
  const root = await LibraryRoot.open(run.libraryRoot);
  run.log(`Scanning ${order.folder || 'the library'}`);
  const files = await listFolder(run, root, order);
  const unknown = await askUnknown(run, files);
  const wanted = order.skipExisting ? files.filter((file) => unknown.has(file.path)) : files;
  run.log(`Found ${files.length} video files, ${unknown.size} of them new`);
  const result: ScanResult = { found: files.length, known: files.length - unknown.size, created: 0, updated: 0, invalid: 0 };
  await probeAll(run, root, wanted, result);
  run.log(`Scan completed successfully: ${result.created} added, ${result.updated} refreshed, ${result.invalid} not usable`);
  return { files: [], result: { ...result } };
};

async function listFolder(run: JobRun, root: LibraryRoot, { folder, recursive }: ScanOrder): Promise<FoundFile[]> {
  const files: FoundFile[] = [];
  const report = (): void => run.progress({ percent: 0, phase: 'listing', message: `${files.length} video files found` });
  try {
    const onSkipped = (path: string, reason: string): void => run.log(`Skipped ${path}: ${reason}`);
    for await (const file of walkVideos(root, folder, { recursive, onSkipped, onFolder: report })) {
      run.signal.throwIfAborted();
      files.push(file);
      if (files.length % 500 === 0) report();
    }
  } catch (error) {
    if (error instanceof LibraryFileMissing) throw new JobFailed('folder_missing', `The folder ${folder} does not exist in the library.`, false, { cause: error });
    throw error;
  }
  return files;
}

async function askUnknown(run: JobRun, files: readonly FoundFile[]): Promise<Set<string>> {
  const unknown = new Set<string>();
  let asked = 0;
  for (const batch of inBatches(files, 500)) {
    const reply = listingReply.parse(await run.effects({ kind: 'listing', files: batch }));
    for (const path of reply.unknown) unknown.add(path);
    asked += batch.length;
    run.progress({ percent: (LISTING_PERCENT * asked) / files.length, phase: 'listing', message: `${unknown.size} of ${asked} files are new` });
  }
  return unknown;
}

/** Probes two files at a time; a batch goes out as soon as it is full, so that new videos appear while the scan runs. */
async function probeAll(run: JobRun, root: LibraryRoot, files: readonly FoundFile[], result: ScanResult): Promise<void> {
  const pending: ProbedFile[] = [];
  const queue = files.values();
  let processed = 0;
  const flush = async (): Promise<void> => {
    for (const batch of inBatches(pending.splice(0), 100)) await sendProbed(run, batch, result);
  };
  const worker = async (): Promise<void> => {
    for (const file of queue) {
      run.signal.throwIfAborted();
      pending.push(await probe(run, root, file));
      processed += 1;
      const percent = LISTING_PERCENT + ((99 - LISTING_PERCENT) * processed) / files.length;
      run.progress({ percent, phase: 'probing', message: `${processed} of ${files.length} files processed` });
      if (pending.length >= 50) await flush();
    }
  };
  const outcomes = await Promise.allSettled(Array.from({ length: PROBES_AT_ONCE }, worker));
  for (const outcome of outcomes) if (outcome.status === 'rejected') throw outcome.reason;
  await flush();
}

async function probe(run: JobRun, root: LibraryRoot, file: FoundFile): Promise<ProbedFile> {
  let absolute: string;
  try {
    absolute = await root.resolveExisting(file.path);
  } catch {
    return { ...file, media: null, invalidReason: 'The file disappeared while the folder was scanned.' };
  }
  const probed = await probeMedia(run, absolute, file.sizeBytes);
  if (probed.kind === 'media') return { ...file, media: probed.media, invalidReason: null };
  run.log(`Not usable: ${file.path}: ${probed.reason}`);
  return { ...file, media: probed.media, invalidReason: probed.reason };
}

async function sendProbed(run: JobRun, files: readonly ProbedFile[], result: ScanResult): Promise<void> {
  const reply = probedReply.parse(await run.effects({ kind: 'probed', files }));
  result.created += reply.created;
  result.updated += reply.updated;
  result.invalid += files.filter((file) => file.invalidReason !== null).length;
}
