import { expect, it } from 'vitest';
import { localUrl, serviceCommand, type ServiceName, SERVICES, type SystemPlan } from './programs.ts';

const plan: SystemPlan = {
  dist: '/app/dist', dataDir: '/data', libraryRoot: '/library', host: '0.0.0.0', port: 4100, localPort: undefined, stopSeconds: { gateway: 2, scheduler: 2, 'node-agent': 4 },
  databaseUrl: 'postgres://reelay:database-password@127.0.0.1:5/reelay', natsUrl: 'nats://127.0.0.1:6', hubCreds: '/data/hub.creds', nodeCreds: '/data/node.creds',
  nodeId: 'local', nodeName: 'box', ffmpeg: '/usr/bin/ffmpeg', ffprobe: '/usr/bin/ffprobe', secretFile: '/data/secret.key', configFile: undefined,
  env: { HOME: '/root', REELAY_ADMIN_PASSWORD: 'admin-password', REELAY_LIMIT_CPU: '3', REELAY_ALIVE_FILE: '/run/alive', REELAY_RETRY_UNIT_SECONDS: '1', AWS_SECRET_ACCESS_KEY: 'other' },
};
const envOf = (name: ServiceName): Record<string, string | undefined> => ({ ...serviceCommand(name, plan, () => {}).env });

it('keeps the database, the signing key and the password from the agent', () => {
  const env = envOf('node-agent');
  expect(JSON.stringify(env)).not.toMatch(/database-password|admin-password|secret\.key|hub\.creds/);
  expect(env).toMatchObject({ REELAY_NATS_CREDS: '/data/node.creds', REELAY_GATEWAY_URL: 'http://127.0.0.1:4100', REELAY_LIMIT_CPU: '3', REELAY_JOB_PROCESS: '/app/dist/job-process.js' });
});
it('tells the hub all of it, and passes on our own variables only', () => {
  for (const name of ['gateway', 'scheduler'] as const) {
    expect(envOf(name)).toMatchObject({ DATABASE_URL: plan.databaseUrl, REELAY_SECRET_FILE: '/data/secret.key', REELAY_NATS_CREDS: '/data/hub.creds', REELAY_RETRY_UNIT_SECONDS: '1' });
    expect(envOf(name)).not.toHaveProperty('AWS_SECRET_ACCESS_KEY');
  }
  for (const name of SERVICES) expect(envOf(name)).not.toHaveProperty('REELAY_ALIVE_FILE');
  expect(JSON.stringify(envOf('scheduler'))).not.toContain('admin-password');
});
it('speaks to the gateway over loopback when it listens everywhere', () => {
  expect(localUrl({ ...plan, host: '::' })).toBe('http://127.0.0.1:4100');
  expect(localUrl({ ...plan, host: '::1' })).toBe('http://[::1]:4100');
  expect(localUrl({ ...plan, host: '10.1.1.1' })).toBe('http://10.1.1.1:4100');
});
it('has a port of its own for this machine when the other one speaks TLS', () => {
  const secure = { ...plan, host: '10.1.1.1', localPort: 4101 };
  expect(localUrl(secure)).toBe('http://127.0.0.1:4101');
  expect(serviceCommand('gateway', secure, () => {}).env).toMatchObject({ PORT: '4100', REELAY_LOCAL_PORT: '4101', SHUTDOWN_TIMEOUT: '2' });
  expect(serviceCommand('node-agent', secure, () => {}).env).toMatchObject({ REELAY_GATEWAY_URL: 'http://127.0.0.1:4101', SHUTDOWN_TIMEOUT: '4' });
});
