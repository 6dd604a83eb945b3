import { clock } from '@reelay/contracts';
import type { SideFiles, StoryboardFile } from '@reelay/store';
import type { Piece } from '../cache/piece.ts';
import type { GatewayDeps } from '../deps.ts';
import { HttpProblem } from '../http/problem.ts';
import { readPart, tagOfPath } from './side-file.ts';

/**
 * WebVTT whose cues are pictures: part of a sheet each (W3C media fragments). The sheets' names change with the
 * storyboard, so that they may be kept for ever. @throws HttpProblem segment_not_found
 */
export const storyboardText = (files: SideFiles, durationSeconds: number): string => {
  const { path, board } = boardOf(files);
  const { intervalSeconds, pictures, tileWidth, tileHeight, columns, rows } = board;
  const blocks = Array.from({ length: pictures }, (_, n) => {
    const startMs = n * intervalSeconds * 1000;
    const endMs = n === pictures - 1 ? Math.max(durationSeconds * 1000, startMs + 1) : startMs + intervalSeconds * 1000;
    const at = n % (columns * rows);
    const place = [(at % columns) * tileWidth, Math.floor(at / columns) * tileHeight, tileWidth, tileHeight].join(',');
    return `\n${clock(startMs)} --> ${clock(endMs)}\nstoryboard-${Math.floor(n / (columns * rows))}-${tagOfPath(path)}.jpg#xywh=${place}\n`;
  });
  return `WEBVTT\n${blocks.join('')}`;
};

/** A sheet of pictures, as JPEG. @throws HttpProblem segment_not_found */
export const storyboardSheet = ({ cache, library }: GatewayDeps, files: SideFiles, sheet: { version: string; n: number; tag: string }): Promise<Piece> => {
  const { path, board } = boardOf(files);
  const part = board.sheets[sheet.n];
  if (part === undefined || sheet.tag !== tagOfPath(path)) throw new HttpProblem('segment_not_found', 'There is no such sheet of pictures');
  return cache.getOrMake({ version: sheet.version, rendition: 'storyboard', name: `${sheet.n}-${sheet.tag}` }, () => readPart(library, path, part), 'memory');
};

const boardOf = ({ storyboard }: SideFiles): StoryboardFile => {
  if (storyboard === null) throw new HttpProblem('segment_not_found', 'The video has no pictures for the seek bar');
  return storyboard;
};
