/** The figures of a run, as one JSON object. */
import type { Load, Result } from './scenario.ts';

export const figuresOf = (load: Load, result: Result): Record<string, unknown> => ({
  load,
  ...result.tally.summary(),
  stopsMs: result.stopsMs,
  exits: result.exits,
  viewers: result.watched,
  listeners: {
    events: result.heard[0]?.ids.length ?? 0,
    connects: result.heard.reduce((sum, { connects }) => sum + connects, 0),
    brokenOff: result.heard.reduce((sum, { broken }) => sum + broken, 0),
    resets: result.heard.reduce((sum, { resets }) => sum + resets, 0),
  },
  jobs: { created: result.api.created.size, unknown: result.api.unknown.length },
  uploads: result.sent.map(({ patches, resumed, bytes }) => ({ bytes, patches, resumed })),
});
