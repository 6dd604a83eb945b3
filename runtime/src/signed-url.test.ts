import { chmodSync, mkdtempSync, rmSync, statSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { afterAll, expect, test } from 'vitest';
import { ensureSecretKey, readSecretKeys, SecretFileError, signToken, TokenExpired, TokenInvalid, verifyToken } from './signed-url.ts';

const dir = mkdtempSync(join(tmpdir(), 'reelay-sign-'));
afterAll(() => rmSync(dir, { recursive: true }));
const key = Buffer.alloc(32, 1);

test('a token gives its payload back until it expires', () => {
  const token = signToken(key, { path: 'a b/ü.mp4' }, 1_000);
  expect(token).toMatch(/^[\w.-]+$/);
  expect(verifyToken(key, token, 999)).toEqual({ path: 'a b/ü.mp4' });
  expect(() => verifyToken(key, token, 1_000)).toThrow(TokenExpired);
});

test('a changed token, another key and rubbish are refused', () => {
  const token = signToken(key, { a: 1 }, 1_000);
  const forged = `${Buffer.from('{"p":{"a":2},"e":9999}').toString('base64url')}.${token.split('.')[1] ?? ''}`;
  for (const bad of [forged, `${token}A`, token.slice(0, -1), '', '.', 'a.b', token.replace('.', ''), `${token}\n`]) {
    expect(() => verifyToken(key, bad, 0), bad).toThrow(TokenInvalid);
  }
  expect(() => verifyToken(Buffer.alloc(32, 2), token, 0)).toThrow(TokenInvalid);
});

test('the key file is made once, for its owner alone', () => {
  const path = join(dir, 'key');
  ensureSecretKey(path);
  const made = readSecretKeys(path);
  ensureSecretKey(path);
  expect(readSecretKeys(path)).toEqual(made);
  expect(statSync(path).mode & 0o777).toBe(0o600);
  chmodSync(path, 0o644);
  expect(() => readSecretKeys(path)).toThrow(SecretFileError);
});

test('a short or missing key is refused', () => {
  const path = join(dir, 'short');
  writeFileSync(path, 'abc', { mode: 0o600 });
  expect(() => readSecretKeys(path)).toThrow(SecretFileError);
  expect(() => readSecretKeys(join(dir, 'none'))).toThrow(SecretFileError);
});

test('a key file holds one key a line, each of them long enough', () => {
  const path = join(dir, 'two');
  writeFileSync(path, `${'a'.repeat(32)}\r\n\n ${'b'.repeat(40)} \n`, { mode: 0o600 });
  expect(readSecretKeys(path).map(String)).toEqual(['a'.repeat(32), 'b'.repeat(40)]);
  writeFileSync(path, `${'a'.repeat(32)}\nshort\n`);
  expect(() => readSecretKeys(path)).toThrow(SecretFileError);
});
