import { CSRF_HEADER, type Problem, SESSION_COOKIE, type User } from '@reelay/contracts';
import { afterAll, beforeAll, expect, test } from 'vitest';
import { PASSWORD, startTestGateway, type TestGateway } from '../../testing/kit.ts';

let gateway: TestGateway;
beforeAll(async () => {
  gateway = await startTestGateway();
});
afterAll(() => gateway.stop());

const login = (username: string, password: string): Promise<Response> =>
  gateway.call('POST', '/api/auth/login', { as: null, body: { username, password } });
const codeOf = async (response: Response): Promise<string> => ((await response.json()) as Problem).code;

test('a sign-in gives a token and a cookie, both good until the sign-out', async () => {
  const response = await login('Super_Admin', PASSWORD);
  expect(response.status).toBe(200);
  const { token, user } = (await response.json()) as { token: string; user: User };
  expect(user).toMatchObject({ username: 'super_admin', role: 'SUPER_ADMIN' });
  const cookie = response.headers.get('set-cookie') ?? '';
  expect(cookie).toMatch(/HttpOnly/);
  expect(cookie).toMatch(/SameSite=Lax/);
  expect(cookie).toContain(`${SESSION_COOKIE}=${token}`);

  expect((await gateway.call('GET', '/api/auth/me', { as: token })).status).toBe(200);
  expect((await gateway.call('GET', '/api/auth/me', { as: null, headers: { cookie: `${SESSION_COOKIE}=${token}` } })).status).toBe(200);
  expect((await gateway.call('POST', '/api/auth/logout', { as: token })).status).toBe(204);
  expect((await gateway.call('GET', '/api/auth/me', { as: token })).status).toBe(401);
});

test('no token, a wrong one and a broken header are all 401 with a challenge', async () => {
  for (const headers of [{}, { authorization: 'Bearer nonsense' }, { authorization: 'Basic YTpi' }, { cookie: `${SESSION_COOKIE}=zzz` }]) {
    const response = await gateway.call('GET', '/api/auth/me', { as: null, headers });
    expect(response.status).toBe(401);
    expect(response.headers.get('www-authenticate')).toBe('Bearer');
    expect(response.headers.get('content-type')).toBe('application/problem+json');
    expect(await codeOf(response)).toBe('unauthenticated');
  }
});

test('a cookie alone may read; a write needs the header that no foreign page can set', async () => {
  const { token } = (await (await login('admin', PASSWORD)).json()) as { token: string };
  const headers = { cookie: `${SESSION_COOKIE}=${token}` };
  const refused = await gateway.call('POST', '/api/auth/tokens', { as: null, headers, body: { name: 'x' } });
  expect([refused.status, await codeOf(refused)]).toEqual([403, 'csrf_header_missing']);
  const passed = await gateway.call('POST', '/api/auth/tokens', { as: null, headers: { ...headers, [CSRF_HEADER]: '1' }, body: { name: 'x' } });
  expect(passed.status).toBe(201);
});

test('parallel wrong passwords get no more tries than the bucket holds', async () => {
  const responses = await Promise.all(Array.from({ length: 25 }, () => login('viewer', 'wrong password')));
  const statuses = responses.map((response) => response.status);
  expect(statuses.filter((status) => status === 401)).toHaveLength(10);
  expect(statuses.filter((status) => status === 429)).toHaveLength(15);
  const limited = responses.find((response) => response.status === 429);
  expect(Number(limited?.headers.get('retry-after'))).toBeGreaterThan(0);
  // The right password does not help now, and other users are not affected.
  expect((await login('viewer', PASSWORD)).status).toBe(429);
  expect((await login('admin', PASSWORD)).status).toBe(200);
});

test('right passwords use up no tries, and an unknown user is told the same as a wrong password', async () => {
  for (let n = 0; n < 12; n += 1) expect((await login('super_admin', PASSWORD)).status).toBe(200);
  const unknown = await login('nobody-here', PASSWORD);
  expect([unknown.status, await codeOf(unknown)]).toEqual([401, 'bad_credentials']);
});

test('API tokens are shown once, listed without their secret, and end when removed', async () => {
  const made = await gateway.json<{ id: string; token: string }>(201, 'POST', '/api/auth/tokens', { as: 'VIEWER', body: { name: 'script', expiresInDays: 1 } });
  expect((await gateway.call('GET', '/api/auth/me', { as: made.token })).status).toBe(200);
  const { data } = await gateway.json<{ data: Record<string, unknown>[] }>(200, 'GET', '/api/auth/tokens', { as: 'VIEWER' });
  expect(data.some((token) => token.id === made.id && !('token' in token))).toBe(true);
  expect((await gateway.call('DELETE', `/api/auth/tokens/${made.id}`, { as: 'ADMIN' })).status).toBe(404);
  expect((await gateway.call('DELETE', `/api/auth/tokens/${made.id}`, { as: 'VIEWER' })).status).toBe(204);
  expect((await gateway.call('GET', '/api/auth/me', { as: made.token })).status).toBe(401);
});

test('users: made, changed, removed by a SUPER_ADMIN; a new password ends their sign-ins; the last SUPER_ADMIN stays', async () => {
  const made = await gateway.json<User>(201, 'POST', '/api/users', { body: { username: 'maria', password: 'first password', role: 'ADMIN' } });
  expect((await gateway.call('POST', '/api/users', { body: { username: 'MARIA', password: 'first password', role: 'ADMIN' } })).status).toBe(409);
  const { token } = (await (await login('maria', 'first password')).json()) as { token: string };
  expect((await gateway.call('PATCH', `/api/users/${made.id}`, { body: { password: 'second password' } })).status).toBe(200);
  expect((await gateway.call('GET', '/api/auth/me', { as: token })).status).toBe(401);
  expect((await login('maria', 'second password')).status).toBe(200);
  expect((await gateway.call('DELETE', `/api/users/${made.id}`)).status).toBe(204);
  expect((await gateway.call('DELETE', `/api/users/${made.id}`)).status).toBe(404);
  const own = gateway.users.SUPER_ADMIN.id;
  expect(await codeOf(await gateway.call('PATCH', `/api/users/${own}`, { body: { role: 'VIEWER' } }))).toBe('last_super_admin');
  expect(await codeOf(await gateway.call('DELETE', `/api/users/${own}`))).toBe('last_super_admin');
  expect((await gateway.call('GET', '/api/users', { as: 'ADMIN' })).status).toBe(403);
});
