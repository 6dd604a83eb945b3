import type { EndProcess, Process } from '@reelay/contracts';
import { expect, test } from 'vitest';
import { consequence, cpu, memoryOf, outcome, purposeOf, stateOf, totals } from './processes.ts';

const JOB = '0190f000-0000-7000-8000-000000000001';
const process = (more: Partial<Process> = {}): Process => ({
  id: '12-3', pid: 12, name: 'job process', kind: 'batch', owner: null, job: null, file: null, state: 'running', uptimeMs: 0, cpuMs: 0, cpuPercent: 182.4, rssBytes: 312e6,
  memoryLimitMb: null, members: [], nodeId: 'a', videoTitle: null, ...more,
});
const ended = (more: Partial<EndProcess> = {}): EndProcess => ({ processId: '12-3', nodeId: 'a', result: 'ended', pid: 12, name: 'x', how: 'signal SIGTERM', tookMs: 210, forced: false, job: null, ...more });

test('a process says what it works for', () => {
  const job = { jobId: JOB, epoch: 1, type: 'validate' } as const;
  expect(purposeOf(process({ job, videoTitle: 'Film' }))).toBe('Validate Metadata of “Film”');
  expect(purposeOf(process({ job }))).toBe('Validate Metadata');
  expect(purposeOf(process({ owner: 'waiting for a job' }))).toBe('Waiting for a job');
  expect(purposeOf(process())).toBe('A job');
  expect([process(), process({ job }), process({ state: 'ending' }), process({ job, state: 'frozen' })].map((each) => stateOf(each).label)).toEqual(['Ready', 'Running', 'Ending', 'Frozen']);
});

test('figures, and what is not known', () => {
  expect([cpu(182.4), cpu(null), memoryOf(process({ memoryLimitMb: 4000 })), memoryOf(process({ rssBytes: null }))]).toEqual(['182%', '–', '312 MB of 4 GB', '–']);
  expect(totals([process(), process({ cpuPercent: null, rssBytes: 8e6 })])).toBe('2, CPU 182%, 320 MB');
  expect(totals([])).toBe('none');
});

test('ending: what it means, and how it went', () => {
  expect(consequence(process({ job: { jobId: JOB, epoch: 1, type: 'scan' } }))).toMatch(/not retried by itself/);
  expect(consequence(process())).toMatch(/starts another one/);
  expect(outcome(ended())).toBe('Process 12 ended (signal SIGTERM after 0.2 s)');
  expect(outcome(ended({ forced: true, how: null, tookMs: null, job: { id: JOB, epoch: 1, status: 'failed' } }))).toBe('Process 12 ignored SIGTERM and was killed; the job failed');
  expect(outcome(ended({ result: 'ending' }))).toMatch(/still ending/);
});
