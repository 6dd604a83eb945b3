import type { JobType, MediaInfo, MediaStream } from '@reelay/contracts';
import { newId } from '@reelay/runtime';
import { findVideo, inTransaction, insertVideo, type JobRow, type Lease, type NodeRow, readSideFiles, readVideoIndex, type Sql, StaleAttemptError, type VideoRow } from '@reelay/store';
import { createTestDatabase, runJob, stopTestServer, type TestDatabase, testJob, testLease, testNode } from '@reelay/store/testing';
import { afterAll, beforeEach, describe, expect, it } from 'vitest';
import { type Applied, applyEffectBatch, type HubEnvironment, hubJobType, type HubJob, JobRefused, type Prepared, type PublishedFile, titleOf } from './hub.ts';
import { videoFacts } from './video-facts.ts';

let database: TestDatabase;
let sql: Sql;
let lease: Lease;
let node: NodeRow;
let env: HubEnvironment;

beforeEach(async () => {
  await database?.drop();
  database = await createTestDatabase();
  sql = database.sql;
  lease = await testLease(sql);
  node = await testNode(sql, 'node-a', { limits: { cpu: 50, gpu_encode: 50, gpu_ai: 1 }, devices: [{ id: 'software', index: 0, kind: 'software', name: 's', totalMb: 900_000, freeMb: 900_000, utilization: null, temperatureC: null }] });
  env = { libraryRoot: '/library', now: () => new Date(), newId };
});
afterAll(async () => {
  await database.drop();
  await stopTestServer();
});

const stream = (over: Partial<MediaStream>): MediaStream => ({
  index: 0, kind: 'video', codec: 'h264', profile: 'High', level: 31, codecString: 'avc1.64001f', timeBase: { num: 1, den: 90_000 }, startTimeSeconds: 0,
  durationSeconds: 10, bitrateKbps: 800, language: null, title: null, disposition: ['default'], width: 1280, height: 720, displayWidth: 1280, displayHeight: 720,
  rotationDegrees: 0, sampleAspectRatio: null, frameRate: { num: 30_000, den: 1001 }, pixelFormat: 'yuv420p', bitDepth: 8, interlaced: false, colour: null,
  reorderDepth: 2, channels: null, channelLayout: null, sampleRate: null, extradata: null, ...over,
});
const media = (over: Partial<MediaInfo> = {}): MediaInfo => ({
  container: 'mp4', formatNames: ['mov', 'mp4'], majorBrand: 'isom', durationSeconds: 10, startTimeSeconds: 0, bitrateKbps: 900, sizeBytes: 1_000_000, chapters: [],
  streams: [stream({}), stream({ index: 1, kind: 'audio', codec: 'aac', width: null, height: null, displayWidth: null, displayHeight: null, frameRate: null })], ...over,
});
const video = async (path: string, over: { thumbnailPath?: string } = {}): Promise<VideoRow> => {
  const row = await inTransaction(sql, (tx) => insertVideo(tx, { id: newId(), title: titleOf(path), path, sizeBytes: 10, mtimeMs: 0, inode: '1' }, 'tester'));
  if (!row) throw new Error('exists');
  if (over.thumbnailPath) await sql`update videos set thumbnail_path = ${over.thumbnailPath}, duration_seconds = 100 where id = ${row.id}`;
  else await sql`update videos set duration_seconds = 100 where id = ${row.id}`;
  return row;
};
const hubJob = (job: JobRow): HubJob => ({ id: job.id, type: job.type, epoch: job.epoch, params: job.params, createdBy: job.createdBy });
const running = async (type: JobType, params: Record<string, unknown>): Promise<JobRow> => runJob(sql, lease, await testJob(sql, type, { params, createdBy: 'ann' }), node);
const prepare = async (type: JobType, params: Record<string, unknown>): Promise<Prepared> => hubJobType(type).prepare(sql, hubJob(await testJob(sql, type, { params })), env);
const apply = (job: JobRow, result: object, files: PublishedFile[] = []): Promise<Applied> =>
  inTransaction(sql, (tx) => hubJobType(job.type).apply(tx, hubJob(job), { ...result }, files, env));
const named = (name: string, path: string): PublishedFile => ({ ...file(path), name });
const file = (path: string): PublishedFile => ({ name: 'x', path, sizeBytes: 1_000_000, mtimeMs: 1_700_000_000_000, inode: '77' });
const read = async (id: string): Promise<VideoRow> => {
  const row = await findVideo(sql, id);
  if (!row) throw new Error('no video');
  return row;
};
const batch = (job: JobRow, n: number, body: Record<string, unknown>): Promise<Record<string, unknown>> => applyEffectBatch(sql, { jobId: job.id, epoch: job.epoch, n, body }, env);

describe('facts', () => {
  it('come from the main streams', () => {
    expect(videoFacts(media(), 1_000_000)).toEqual({
      durationSeconds: 10, width: 1280, height: 720, frameRate: 30_000 / 1001, videoCodec: 'h264', audioCodec: 'aac', bitrate: 900, orientation: 'landscape',
    });
  });
  it('are as shown: a turned picture has its sides swapped; a bitrate the file does not tell is computed', () => {
    const turned = media({ bitrateKbps: null, streams: [stream({ rotationDegrees: 90, displayWidth: 720, displayHeight: 1280 })] });
    expect(videoFacts(turned, 1_250_000)).toMatchObject({ width: 720, height: 1280, orientation: 'portrait', audioCodec: null, bitrate: 1000 });
  });
  it.each([['inbox/My film.part1.mkv', 'My film.part1'], ['.hidden', '.hidden'], ['a/b', 'b'], ['x/ÆØ 電影.mp4', 'ÆØ 電影']])('title of %s', (path, title) => {
    expect(titleOf(path)).toBe(title);
  });
});

describe('prepare', () => {
  it('makes orders from parameters', async () => {
    const { id } = await video('inbox/My film.mkv');
    expect(await prepare('validate', { videoId: id })).toMatchObject({
      inputs: [{ path: 'inbox/My film.mkv' }], mediaSeconds: 100, order: { deep: false, sidecars: [] },
      outputs: [{ name: 'subtitles', path: expect.stringMatching(/^thumbnails\/My film-[0-9a-f]{8}\.subtitles\.vtt$/) }],
    });
    expect(await prepare('thumbnail_generate', { videoId: id })).toMatchObject({ order: { timestampSeconds: 25, width: 640 }, outputs: [
      { path: expect.stringMatching(/^thumbnails\/My film-[0-9a-f]{8}\.jpg$/) }, { name: 'storyboard', path: expect.stringMatching(/^thumbnails\/My film-[0-9a-f]{8}\.storyboard\.mjpeg$/) },
    ] });
    expect(await prepare('thumbnail_generate', { videoId: id, timestamp: 5, width: 320 })).toMatchObject({ order: { timestampSeconds: 5, width: 320 } });
    expect(await prepare('reencode_streaming', { videoId: id })).toMatchObject({
      outputs: [{ path: 'playback/My film.mp4', onConflict: 'rename' }], params: { inputPath: 'inbox/My film.mkv', outputPath: 'playback/My film.mp4' },
      order: { videoId: id, targetBitrate: 2000, preset: 'medium', crf: 23, skipIfReady: false, durationSeconds: 100 },
    });
    expect(await prepare('reencode_streaming', { inputPath: 'inbox/My film.mkv', outputPath: 'out/x.mp4' })).toMatchObject({ outputs: [{ path: 'out/x.mp4' }], order: { videoId: id } });
    expect(await prepare('reencode_streaming', { inputPath: 'inbox/unknown.mkv' })).toMatchObject({ order: { videoId: null }, mediaSeconds: null });
    expect(await prepare('move_to_library', { videoId: id, directoryType: 'films' })).toMatchObject({ outputs: [{ path: 'library/films/My film.mkv', onConflict: 'rename' }] });
    expect(await prepare('scan', {})).toMatchObject({ order: { folder: 'library/videos', skipExisting: true, recursive: true, isPublic: false } });
    expect(await prepare('public_scan', {})).toMatchObject({ order: { folder: 'public', isPublic: true } });
  });

  it('gives outputs names that any file system and any JSON can hold', async () => {
    for (const name of ['x'.repeat(251), `a${'🎬'.repeat(62)}`, `é${'电'.repeat(80)}`]) {
      const { id } = await video(`inbox/${name}.mp4`);
      for (const type of ['thumbnail_generate', 'reencode_streaming'] as const) {
        const path = (await prepare(type, { videoId: id })).outputs[0]?.path ?? '';
        expect(path).not.toMatch(/\p{Surrogate}/u);
        // Room for " (1000)".
        expect(Buffer.byteLength(path.slice(path.indexOf('/') + 1))).toBeLessThanOrEqual(248);
      }
    }
  });

  it('refuses a video that is gone, and types of later releases', async () => {
    await expect(prepare('validate', { videoId: newId() })).rejects.toMatchObject({ error: { code: 'video_not_found', retryable: false } });
    expect(() => hubJobType('compile_gif')).toThrow(JobRefused);
  });
});

describe('validate', () => {
  it('stores facts and index, and orders a thumbnail once', async () => {
    const { id } = await video('inbox/a.mp4');
    const job = await running('validate', { videoId: id });
    await batch(job, 0, { kind: 'index', part: 0, data: Buffer.from('RPI').toString('base64') });
    await batch(job, 1, { kind: 'index', part: 1, data: Buffer.from('index').toString('base64') });
    const identity = { sizeBytes: 55, mtimeMs: 1_700_000_000_000, inode: '9' };
    const result = { valid: true, file: identity, media: media(), indexParts: 2, indexFacts: { tracks: 2 } };
    expect((await apply(job, result)).followUps).toEqual([{ type: 'thumbnail_generate', params: { videoId: id } }]);
    expect(await read(id)).toMatchObject({ valid: true, invalidReason: null, width: 1280, sizeBytes: 55, inode: '9', mtimeMs: 1_700_000_000_000 });
    const index = await readVideoIndex(sql, id);
    expect(Buffer.from(index?.data ?? []).toString()).toBe('RPIindex');
    expect(index).toMatchObject({ facts: { tracks: 2 }, sizeBytes: 55 });
    await testJob(sql, 'thumbnail_generate', { params: { videoId: id } });
    expect((await apply(job, { ...result, indexParts: 0 })).followUps).toEqual([]);
    expect(await readVideoIndex(sql, id)).toBeNull();
  });

  it('refuses a result whose index has not arrived', async () => {
    const { id } = await video('inbox/a.mp4');
    const job = await running('validate', { videoId: id });
    const result = { valid: true, file: { sizeBytes: 1, mtimeMs: 1, inode: '1' }, media: media(), indexParts: 2, indexFacts: {} };
    await expect(apply(job, result)).rejects.toMatchObject({ error: { code: 'index_incomplete', retryable: true } });
  });

  it('marks bad media and keeps what was known', async () => {
    const { id } = await video('inbox/bad.mp4');
    const job = await running('validate', { videoId: id });
    const applied = await apply(job, { valid: false, file: null, reason: 'The file is empty.', media: null });
    expect(applied.followUps).toEqual([]);
    expect(await read(id)).toMatchObject({ valid: false, invalidReason: 'The file is empty.', durationSeconds: 100 });
  });
});

describe('files beside a video', () => {
  const track = { id: 's0', language: 'eng', title: null, isDefault: true, isForced: false, isForDeaf: false, cues: 3, from: 0, bytes: 90 };
  const valid = { valid: true, file: { sizeBytes: 10, mtimeMs: 0, inode: '1' }, media: media(), indexParts: 0, indexFacts: {} };

  it('subtitles come, are replaced, and go', async () => {
    const { id } = await video('inbox/a.mp4');
    const job = await running('validate', { videoId: id });
    expect((await apply(job, { ...valid, subtitles: [track] }, [named('subtitles', 'thumbnails/a.vtt')])).removeAfter).toEqual([]);
    expect((await readSideFiles(sql, id)).subtitles).toEqual({ path: 'thumbnails/a.vtt', tracks: [track] });
    expect((await apply(job, { ...valid, subtitles: [track] }, [named('subtitles', 'thumbnails/b.vtt')])).removeAfter).toEqual(['thumbnails/a.vtt']);
    // As an agent of the release before tells it.
    expect((await apply(job, valid)).removeAfter).toEqual(['thumbnails/b.vtt']);
    expect((await readSideFiles(sql, id)).subtitles).toBeNull();
    await sql`update videos set deleted_at = now() where id = ${id}`;
    expect((await apply(job, { ...valid, subtitles: [track] }, [named('subtitles', 'thumbnails/c.vtt')])).removeAfter).toEqual(['thumbnails/c.vtt']);
  });

  it('a storyboard goes with the thumbnail, and stays when the next one has none', async () => {
    const { id } = await video('inbox/a.mp4');
    const job = await running('thumbnail_generate', { videoId: id });
    const storyboard = { intervalSeconds: 10, pictures: 10, tileWidth: 160, tileHeight: 90, columns: 10, rows: 1, sheets: [{ from: 0, bytes: 5 }] };
    const size = { width: 640, height: 360 };
    await apply(job, { ...size, storyboard }, [file('thumbnails/a.jpg'), named('storyboard', 'thumbnails/a.mjpeg')]);
    expect((await apply(job, size, [file('thumbnails/b.jpg')])).removeAfter).toEqual(['thumbnails/a.jpg']);
    expect((await readSideFiles(sql, id)).storyboard).toEqual({ path: 'thumbnails/a.mjpeg', board: storyboard });
    expect((await apply(job, { ...size, storyboard }, [file('thumbnails/c.jpg'), named('storyboard', 'thumbnails/c.mjpeg')])).removeAfter).toEqual(['thumbnails/b.jpg', 'thumbnails/a.mjpeg']);
  });
});

describe('thumbnail_generate', () => {
  it('sets the picture and drops the old one', async () => {
    const { id } = await video('inbox/a.mp4', { thumbnailPath: 'thumbnails/old.jpg' });
    const job = await running('thumbnail_generate', { videoId: id });
    expect((await apply(job, { width: 640, height: 360 }, [file('thumbnails/new.jpg')])).removeAfter).toEqual(['thumbnails/old.jpg']);
    expect((await read(id)).thumbnailPath).toBe('thumbnails/new.jpg');
    await sql`update videos set deleted_at = now() where id = ${id}`;
    expect((await apply(job, { width: 640, height: 360 }, [file('thumbnails/late.jpg')])).removeAfter).toEqual(['thumbnails/late.jpg']);
  });
});

describe('reencode_streaming', () => {
  it('adds the encoded video, notes the job on the original, and has the new one validated', async () => {
    const original = await video('inbox/a.mkv');
    const job = await running('reencode_streaming', { videoId: original.id, inputPath: 'inbox/a.mkv', outputPath: 'playback/a.mp4' });
    const applied = await apply(job, { kind: 'encoded', media: media(), encoder: 'libx264' }, [file('playback/a (2).mp4')]);
    const [made] = await sql<VideoRow[]>`select * from videos where path = 'playback/a (2).mp4'`;
    expect(made).toMatchObject({ sourceVideoId: original.id, title: 'a', valid: true, videoCodec: 'h264' });
    expect(applied).toMatchObject({ followUps: [{ type: 'validate', params: { videoId: made?.id } }], params: { outputPath: 'playback/a (2).mp4' } });
    expect((await read(original.id)).reencodeJobId).toBe(job.id);
  });

  it('takes over the record of a file that was gone from its place', async () => {
    const original = await video('inbox/a.mkv');
    const stale = await video('playback/a.mp4');
    const job = await running('reencode_streaming', { videoId: original.id });
    await apply(job, { kind: 'encoded', media: media(), encoder: 'libx264' }, [file('playback/a.mp4')]);
    expect(await read(stale.id)).toMatchObject({ sourceVideoId: original.id, inode: '77', sizeBytes: 1_000_000 });
  });

  it('may end without a file when the source fits, and not otherwise', async () => {
    const original = await video('inbox/a.mp4');
    const job = await running('reencode_streaming', { videoId: original.id, skipIfReady: true });
    expect(await apply(job, { kind: 'skipped', reason: 'it is H.264 already' })).toMatchObject({ followUps: [], log: ['Nothing to encode: it is H.264 already'] });
    await expect(apply(job, { kind: 'encoded', media: media(), encoder: 'libx264' })).rejects.toMatchObject({ error: { code: 'output_missing' } });
  });
});

describe('move_to_library', () => {
  it('points the video at its new place and drops the old name', async () => {
    const { id } = await video('inbox/a.mp4');
    const job = await running('move_to_library', { videoId: id });
    expect((await apply(job, { method: 'link' }, [file('library/videos/a.mp4')])).removeAfter).toEqual(['inbox/a.mp4']);
    expect(await read(id)).toMatchObject({ path: 'library/videos/a.mp4', filename: 'a.mp4', inode: '77' });
    expect((await apply(job, { method: 'link' }, [file('library/videos/a.mp4')])).removeAfter).toEqual([]);
  });

  it('puts a video that it replaces into the trash with its file', async () => {
    const [mover, other] = [await video('inbox/a.mp4'), await video('library/videos/a.mp4')];
    const job = await running('move_to_library', { videoId: mover.id, onConflict: 'replace' });
    await apply(job, { method: 'copy' }, [{ ...file('library/videos/a.mp4'), replacedPath: '.trash/a.mp4' }]);
    expect(await findVideo(sql, other.id)).toBeNull();
    expect(await sql`select trash_path from videos where id = ${other.id}`).toEqual([{ trashPath: '.trash/a.mp4' }]);
    expect((await read(mover.id)).path).toBe('library/videos/a.mp4');
  });
});

const found = (path: string, valid = true) => ({ path, sizeBytes: 5, mtimeMs: 6, inode: '7', media: valid ? media() : null, invalidReason: valid ? null : 'not media' });

describe('scan', () => {
  it('tells what is new, adds it once, and has what is valid validated', async () => {
    await video('library/videos/known.mp4');
    const job = await running('scan', {});
    const files = ['library/videos/b.mp4', 'library/videos/known.mp4', 'library/videos/a.mkv'].map((path) => ({ path, sizeBytes: 1, mtimeMs: 1, inode: '1' }));
    expect(await batch(job, 0, { kind: 'listing', files })).toEqual({ unknown: ['library/videos/b.mp4', 'library/videos/a.mkv'] });
    const probed = { kind: 'probed', files: [found('library/videos/b.mp4'), found('library/videos/a.mkv', false)] };
    expect(await batch(job, 1, probed)).toEqual({ created: 2, updated: 0 });
    expect(await batch(job, 1, probed)).toEqual({ created: 2, updated: 0 });
    expect(await batch(job, 2, probed)).toEqual({ created: 0, updated: 2 });
    expect(await sql`select title, valid, invalid_reason, is_public from videos where path like 'library/videos/_.%' order by path`).toEqual([
      { title: 'a', valid: false, invalidReason: 'not media', isPublic: false }, { title: 'b', valid: true, invalidReason: null, isPublic: false },
    ]);
    expect(await sql`select type, priority, created_by from jobs where type = 'validate'`).toEqual([{ type: 'validate', priority: 7, createdBy: 'ann' }]);
  });

  it('of the public folder makes videos public', async () => {
    const known = await video('public/known.mp4');
    const job = await running('public_scan', {});
    await batch(job, 0, { kind: 'probed', files: [found('public/new.mp4'), found('public/known.mp4')] });
    expect(await sql`select distinct is_public from videos`).toEqual([{ isPublic: true }]);
    expect((await read(known.id)).valid).toBe(true);
  });

  it('refuses batches of attempts that are over, of other types, broken or too large', async () => {
    const job = await running('scan', {});
    await expect(applyEffectBatch(sql, { jobId: job.id, epoch: 9, n: 0, body: {} }, env)).rejects.toBeInstanceOf(StaleAttemptError);
    await expect(batch(job, 0, { kind: 'nonsense' })).rejects.toMatchObject({ error: { code: 'batch_invalid' } });
    await expect(batch(job, 0, { big: 'x'.repeat(600_000) })).rejects.toMatchObject({ error: { code: 'batch_too_large' } });
    // Repeated for ever by the agent, were it taken for a passing failure.
    const unstorable = { kind: 'probed', files: [{ ...found('library/videos/a.mp4'), sizeBytes: 1e30 }] };
    await expect(batch(job, 0, unstorable)).rejects.toMatchObject({ error: { code: 'batch_unstorable' } });
    const encode = await running('reencode_streaming', { videoId: (await video('inbox/a.mp4')).id });
    await expect(batch(encode, 0, {})).rejects.toMatchObject({ error: { code: 'batch_invalid' } });
  });
});
