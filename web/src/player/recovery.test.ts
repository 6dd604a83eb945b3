import { expect, test } from 'vitest';
import type { Fault, Step } from './recovery.ts';
import { NOTHING_TRIED, afterStep, faultOfStatus, nextStep } from './recovery.ts';

const ladder = (fault: Fault, canSwitch: boolean): string[] => {
  const steps: string[] = [];
  let tried = NOTHING_TRIED;
  for (let count = 0; count < 20; count += 1) {
    const step: Step = nextStep(fault, tried, canSwitch);
    steps.push(step.do === 'retry' ? `retry ${step.delayMs}` : step.do);
    if (step.do === 'stop') return steps;
    tried = afterStep(tried, step);
  }
  throw new Error('the ladder has no end');
};

test('every ladder ends', () => {
  expect(ladder('network', true)).toEqual(['retry 1000', 'retry 2000', 'retry 4000', 'retry 8000', 'stop']);
  expect(ladder('decode', true)).toEqual(['recover', 'recover', 'switch', 'recover', 'recover', 'stop']);
  expect(ladder('decode', false)).toEqual(['recover', 'recover', 'stop']);
  expect(ladder('unsupported', true)).toEqual(['switch', 'stop']);
  expect(ladder('gone', true)).toEqual(['reload', 'stop']);
  expect(ladder('signed-out', true)).toEqual(['stop']);
});

test('HTTP answers are told apart', () => {
  expect([0, 503, 401, 404, 410, 415].map(faultOfStatus)).toEqual(['network', 'network', 'signed-out', 'gone', 'gone', 'unsupported']);
});
