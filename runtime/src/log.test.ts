import { expect, test } from 'vitest';
import { ClientGone } from './causes.ts';
import { createLogger, redactUrl } from './log.ts';

function capture() {
  const lines: string[] = [];
  const logger = createLogger({ service: 'test', level: 'debug', destination: { write: (line) => lines.push(line) } });
  return { logger, lines };
}

test('a line is one JSON object with service, level name, time and message', () => {
  const { logger, lines } = capture();
  logger.info({ jobId: 'j' }, 'job started');
  const line: unknown = JSON.parse(lines[0] ?? '');
  expect(line).toMatchObject({ service: 'test', level: 'info', msg: 'job started', jobId: 'j', pid: process.pid });
  expect(line).toHaveProperty('time', expect.stringMatching(/^\d{4}-\d\d-\d\dT/));
});

test('secrets are removed at the depths where they occur', () => {
  const { logger, lines } = capture();
  logger.info(
    {
      password: 'S3CRET',
      user: { token: 'S3CRET', name: 'ann' },
      req: { headers: { authorization: 'Bearer S3CRET', cookie: 'sid=S3CRET', 'set-cookie': 'S3CRET' } },
      env: { DATABASE_URL: 'S3CRET' },
    },
    'request',
  );
  expect(lines.join('')).not.toContain('S3CRET');
  expect(lines.join('')).toContain('ann');
});

test('an error keeps its code, fields and cause', () => {
  const { logger, lines } = capture();
  logger.error({ err: Object.assign(new ClientGone({ path: '/x' }), { cause: new Error('reset') }) }, 'failed');
  expect(JSON.parse(lines[0] ?? '')).toMatchObject({ err: { type: 'ClientGone', code: 'client_gone', fields: { path: '/x' }, cause: { message: 'reset' } } });
});

test('a URL loses its user and password', () => {
  expect(redactUrl('postgres://u:p@db:5432/x')).toBe('postgres://***@db:5432/x');
  expect(redactUrl('nats://127.0.0.1:4222')).toBe('nats://127.0.0.1:4222');
});
