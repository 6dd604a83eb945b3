import type { LeaderMetrics } from '@reelay/contracts';
import { Counter, Gauge, Registry } from 'prom-client';

/** The metrics of the job-queue document, as the scheduler's leader told them; one place, so that sums are right. */
export const queueMetrics = async (metrics: LeaderMetrics): Promise<string> => {
  const registers = [new Registry()];
  const jobs = new Counter({ name: 'media_jobs_total', help: 'Total media jobs created', labelNames: ['type', 'status'], registers });
  for (const { type, status, count } of metrics.jobsTotal) jobs.inc({ type, status }, count);
  new Gauge({ name: 'media_jobs_pending', help: 'Number of pending media jobs', registers }).set(metrics.pending);
  const running = new Gauge({ name: 'media_jobs_running', help: 'Number of running media jobs', labelNames: ['resourceCategory'], registers });
  for (const [resourceCategory, count] of Object.entries(metrics.runningByCategory)) running.set({ resourceCategory }, count);
  new Gauge({ name: 'media_vram_used_mb', help: 'Total VRAM used by running jobs (MB)', registers }).set(metrics.vramUsedMb);
  new Gauge({ name: 'media_vram_total_mb', help: 'VRAM of all healthy devices (MB)', registers }).set(metrics.vramTotalMb);
  return registers[0]?.metrics() ?? '';
};
