/** Builders for tests. */
import type { Job } from '@reelay/contracts';

export const aJob = (fields: Partial<Job> = {}): Job => ({
  id: '01890a5d-ac96-774b-bcce-b302099a8057', type: 'reencode_streaming', status: 'pending', progress: 0, params: {},
  resourceCategory: 'gpu_encode', vramRequired: 4000, priority: 5, queuePosition: null, waitingReason: null,
  retryCount: 0, maxRetries: 3, retryAfter: null, createdAt: '2026-02-13T10:25:00.000Z', startedAt: null, completedAt: null,
  rev: 1, epoch: 1, phase: null, statusMessage: null, cancelRequestedAt: null, errorCode: null, errorMessage: null,
  nodeId: null, deviceId: null, videoId: null, videoTitle: null, createdBy: null, labels: {}, lostCount: 0,
  etaSeconds: null, fps: null, speed: null, ...fields,
});
