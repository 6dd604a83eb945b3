import type { Stream } from '@reelay/contracts';

/** A stream as it stands in a list, number `n`. */
export const testStream = (n: number, gateway: string): Stream => ({
  id: `00000000-0000-4000-8000-${String(n).padStart(12, '0')}`, kind: 'segments', videoId: '00000000-0000-4000-8000-0000000000aa', videoTitle: 'Film', version: 't1', state: 'open', gateway,
  unreachable: false, sessionId: `00000000-0000-4000-9000-${String(n).padStart(12, '0')}`, nodeId: 'node-1', deviceId: 'software', encoder: 'libx264', viewers: 1, uptimeSeconds: 1, idleSeconds: 0, heads: [],
  segments: 1, cacheHits: 0, detail: null,
});
