import { createRoute } from '@hono/zod-openapi';
import { lockListSchema, videoHoldersSchema } from '@reelay/contracts';
import { filesOf, findVideo, findVideosByIds, type FileHolder, type FileKey, readHolders } from '@reelay/store';
import { requireRole } from '../auth/sign-in.ts';
import type { GatewayDeps } from '../deps.ts';
import type { App } from '../http/env.ts';
import { HttpProblem } from '../http/problem.ts';
import { idParam, json, noQuery, problems, uuidOr404 } from '../http/route.ts';
import { toHolderView } from '../locks/holder-view.ts';

/** Who uses which file. */
export const lockRoutes = (app: App, deps: GatewayDeps): void => {
  const { sql, writes } = deps;
  app.openapi(createRoute({
    method: 'get', path: '/api/media/locks', tags: ['Videos'], summary: 'Every file in use, and who uses it', middleware: requireRole(sql, 'SUPER_ADMIN'),
    request: { query: noQuery }, responses: { 200: json(lockListSchema, 'Files in use'), ...problems },
  }), async (c) => {
    const holders = await readHolders(sql, { files: null });
    const byFile = groupByFile(holders);
    const videos = new Map((await findVideosByIds(sql, [...byFile.keys()].flatMap(videoIdOf))).map((video) => [video.id, video]));
    const data = [...byFile].map(([file, users]) => {
      const [videoId = null] = videoIdOf(file);
      const video = videoId === null ? undefined : videos.get(videoId);
      return { videoId, title: video?.title ?? null, path: video?.path ?? pathOf(file), holders: users.map((user) => toHolderView(writes.withProgress(user))) };
    });
    return c.json({ data }, 200);
  });

  app.openapi(createRoute({
    method: 'get', path: '/api/media/videos/{id}/holders', tags: ['Videos'], summary: 'Who uses the file of a video', middleware: requireRole(sql, 'ADMIN'),
    request: { params: idParam, query: noQuery }, responses: { 200: json(videoHoldersSchema, 'Who reads it, changes it, or waits to'), ...problems },
  }), async (c) => {
    const id = uuidOr404(c.req.valid('param').id, 'video_not_found');
    const video = await findVideo(sql, id);
    if (video === null) throw new HttpProblem('video_not_found', `There is no video ${id}`);
    const holders = await readHolders(sql, { files: filesOf(video) });
    return c.json({ data: holders.map((holder) => toHolderView(writes.withProgress(holder))) }, 200);
  });
};

const videoIdOf = (file: FileKey): string[] => (file.startsWith('video:') ? [file.slice('video:'.length)] : []);
const pathOf = (file: FileKey): string => (file.startsWith('path:') ? file.slice('path:'.length) : '');

/** A writer asks for a video by its id and by its path: one line is enough. */
const groupByFile = (holders: readonly FileHolder[]): Map<FileKey, FileHolder[]> => {
  const groups = new Map<FileKey, FileHolder[]>();
  for (const holder of holders) {
    const byVideo = holder.files.filter((file) => file.startsWith('video:'));
    for (const file of byVideo.length > 0 ? byVideo : holder.files) groups.set(file, [...(groups.get(file) ?? []), holder]);
  }
  return groups;
};
