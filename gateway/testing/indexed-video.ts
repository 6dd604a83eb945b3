import { readFile } from 'node:fs/promises';
import { encodePacketIndex, indexFacts, type Video } from '@reelay/contracts';
import { probe } from '../src/packaging/testing.ts';
import type { TestGateway } from './kit.ts';

/** Uploads a clip and stores what validation would find out about it: it can be played at once. */
export const uploadIndexed = async (gateway: TestGateway, clipPath: string, name: string): Promise<Video> => {
  const { info, index } = await probe(clipPath);
  const video = await gateway.upload(name, new Uint8Array(await readFile(clipPath)));
  const { sql } = gateway;
  await sql`update videos set valid = true, media = ${sql.json(JSON.parse(JSON.stringify(info)))}, duration_seconds = ${info.durationSeconds} where id = ${video.id}`;
  await sql`
    insert into video_indexes (video_id, data, facts, size_bytes, mtime_ms)
    select id, ${Buffer.from(await encodePacketIndex(index))}, ${sql.json(JSON.parse(JSON.stringify(indexFacts(index))))}, size_bytes, mtime_ms from videos where id = ${video.id}`;
  return video;
};
