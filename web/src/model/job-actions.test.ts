import { JOB_STATUSES, isFinal, nextStatus } from '@reelay/contracts';
import { expect, test } from 'vitest';
import { actionsFor, isOver } from './job-actions.ts';

test('offers exactly what the state table allows', () => {
  for (const status of JOB_STATUSES) {
    const actions = actionsFor({ status, cancelRequestedAt: null });
    for (const action of ['cancel', 'retry', 'pause', 'resume'] as const) {
      expect([status, action, actions.includes(action)]).toEqual([status, action, nextStatus(status, action) !== null]);
    }
    expect(isOver(status)).toBe(isFinal(status));
  }
});

test('a job that is being cancelled is not cancelled or paused again', () => {
  expect(actionsFor({ status: 'running', cancelRequestedAt: '2026-02-13T10:30:00Z' })).toEqual([]);
});
