import { PassThrough } from 'node:stream';
import { expect, it } from 'vitest';
import { ask, askSecret, firstLine } from './prompt.ts';

const terminal = (typed: string) => {
  const shown: string[] = [];
  const input = new PassThrough();
  input.write(typed);
  return { io: { input, err: { write: (text: string) => void shown.push(text) } }, shown: () => shown.join('') };
};

it('shows what is asked and typed, but nothing of a secret', async () => {
  const plain = terminal('ann\r');
  expect(await ask(plain.io, 'User name: ')).toBe('ann');
  expect(plain.shown()).toContain('User name: ');
  expect(plain.shown()).toContain('ann');
  const secret = terminal('hunter2\r');
  expect(await askSecret(secret.io, 'Password: ')).toBe('hunter2');
  expect(secret.shown()).toBe('Password: \n');
});

it('asks one question after the other', async () => {
  const { io, shown } = terminal('ann\r');
  await ask(io, 'User name: ');
  io.input.write('hunter2\r');
  expect(await askSecret(io, 'Password: ')).toBe('hunter2');
  expect(shown().match(/User name/g)?.length).toBe(1);
  expect(shown()).not.toContain('hunter2');
});

it('takes Ctrl-C and an empty input for no answer', async () => {
  await expect(askSecret(terminal('\u0003').io, 'Password: ')).rejects.toThrow('Nothing was entered');
  const empty = new PassThrough();
  empty.end();
  await expect(firstLine({ input: empty })).rejects.toThrow('Standard input is empty');
  const piped = new PassThrough();
  piped.end('one\ntwo\n');
  expect(await firstLine({ input: piped })).toBe('one');
});
