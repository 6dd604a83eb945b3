import { expect, test } from 'vitest';
import type { Fault, Step } from './recovery.ts';
import { NOTHING_TRIED, afterStep, nextStep, retryDelayMs, troubleOf } from './recovery.ts';

const ladder = (fault: Fault, canSwitch: boolean, most = 7): string[] => {
  const steps: string[] = [];
  let tried = NOTHING_TRIED;
  let left = canSwitch;
  while (steps.length < most) {
    const step: Step = nextStep({ fault, sentence: null, retryAfterSeconds: null }, tried, left);
    steps.push(step.do === 'retry' ? `retry ${step.delayMs}` : step.do === 'restart' ? `restart ${step.swapAudio}` : step.do);
    if (step.do === 'stop' || step.do === 'sign-in') return steps;
    if (step.do === 'next-source') left = false;
    tried = afterStep(tried, step);
  }
  return steps;
};

test('a server that is away is tried as long as it takes, at least every 3 s', () => {
  expect(ladder('away', true)).toEqual(['retry 500', 'retry 500', 'retry 1000', 'retry 1000', 'retry 2000', 'retry 3000', 'retry 3000']);
  expect(retryDelayMs(1000)).toBe(3000);
});

test('a busy one is asked when it said', () => {
  expect(nextStep({ fault: 'busy', sentence: null, retryAfterSeconds: 7 }, NOTHING_TRIED, true)).toEqual({ do: 'retry', delayMs: 7000 });
  expect(nextStep({ fault: 'busy', sentence: null, retryAfterSeconds: 0 }, NOTHING_TRIED, true)).toEqual({ do: 'retry', delayMs: 500 });
  expect(nextStep({ fault: 'busy', sentence: null, retryAfterSeconds: 9000 }, NOTHING_TRIED, true)).toEqual({ do: 'retry', delayMs: 30_000 });
});

test('every other ladder ends', () => {
  expect(ladder('decode', true)).toEqual(['restart false', 'restart true', 'next-source', 'restart false', 'restart true', 'stop']);
  expect(ladder('decode', false)).toEqual(['restart false', 'restart true', 'stop']);
  expect(ladder('unsupported', true)).toEqual(['next-source', 'stop']);
  expect(ladder('gone', true)).toEqual(['ask-again', 'ask-again', 'stop']);
  expect(ladder('encoding', true)).toEqual(['retry 11000', 'stop']);
  expect(ladder('signed-out', true)).toEqual(['sign-in']);
  expect(ladder('forbidden', true)).toEqual(['stop']);
});

test('answers are told apart', () => {
  const faults = [0, 502, 503, 429, 401, 403, 404, 410, 415].map((status) => troubleOf(status).fault);
  expect(faults).toEqual(['away', 'busy', 'busy', 'busy', 'signed-out', 'forbidden', 'gone', 'gone', 'unsupported']);
  expect(troubleOf(500, 'encoding_failed').fault).toBe('encoding');
});
