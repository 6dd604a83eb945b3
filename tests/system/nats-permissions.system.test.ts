/** One node cannot speak for another, hear another's answers, or go on after it was cut off. Real nats-server, operator mode. */
import { readFileSync } from 'node:fs';
import { stat } from 'node:fs/promises';
import { nodeInboxPrefix, subjects } from '@reelay/contracts';
import { connect, credsAuthenticator, Events, type NatsConnection } from 'nats';
import { afterAll, afterEach, beforeAll, expect, it } from 'vitest';
import { revokeNode } from '../../launcher/src/nats/accounts.ts';
import { startTestNats, type TestNats } from '../kit/nats.ts';

let server: TestNats;
const open: NatsConnection[] = [];

beforeAll(async () => {
  server = await startTestNats();
});
afterEach(async () => {
  await Promise.all(open.splice(0).map((connection) => connection.close()));
});
afterAll(() => server.stop());

const connectWith = async (credsPath: string, inboxPrefix?: string): Promise<NatsConnection> => {
  const creds = readFileSync(credsPath);
  const connection = await connect({ servers: server.url, authenticator: credsAuthenticator(creds), reconnect: false, ...(inboxPrefix === undefined ? {} : { inboxPrefix }) });
  open.push(connection);
  return connection;
};
const connectHub = (): Promise<NatsConnection> => connectWith(server.keys.paths.hubCreds);
const connectNode = async (nodeId: string): Promise<NatsConnection> => connectWith(await server.keys.createNodeCreds(nodeId), nodeInboxPrefix(nodeId));

/** The next refusal that the server tells this connection. */
const nextRefusal = async (connection: NatsConnection): Promise<string> => {
  for await (const status of connection.status()) if (status.type === Events.Error) return status.permissionContext?.subject ?? JSON.stringify(status.data);
  throw new Error('the connection ended without a refusal');
};
/** The refusal of a subscription. */
const refusalOf = (connection: NatsConnection, subject: string): Promise<unknown> =>
  new Promise((resolve) => {
    connection.subscribe(subject, { callback: (error) => resolve(error) });
  });

it('keeps keys and credentials to their owner', async () => {
  await server.keys.createNodeCreds('private');
  for (const path of [server.keys.paths.hubCreds, server.keys.paths.systemCreds, server.keys.nodeCredsPath('private')]) {
    expect((await stat(path)).mode & 0o777, path).toBe(0o600);
  }
});

it('refuses the wrong credentials and none', async () => {
  await expect(connect({ servers: server.url, reconnect: false })).rejects.toMatchObject({ code: 'AUTHORIZATION_VIOLATION' });
});

it('lets a node that joins while the server runs ask and answer', async () => {
  const hub = await connectHub();
  const node = await connectNode('joined');
  hub.subscribe(subjects.anyNode('heartbeat'), { callback: (_error, message) => message.respond('renewed') });
  node.subscribe(subjects.agent('joined', 'assign'), { callback: (_error, message) => message.respond('accepted') });
  await Promise.all([hub.flush(), node.flush()]);
  expect((await node.request(subjects.node('joined', 'heartbeat'), '', { timeout: 2_000 })).string()).toBe('renewed');
  expect((await hub.request(subjects.agent('joined', 'assign'), '', { timeout: 2_000 })).string()).toBe('accepted');
});

it('refuses to speak for another node, or as the hub', async () => {
  const hub = await connectHub();
  const heard: string[] = [];
  hub.subscribe('>', { callback: (_error, message) => void heard.push(message.subject) });
  await hub.flush();
  const node = await connectNode('mallory');
  for (const subject of [subjects.node('alice', 'done'), subjects.agent('alice', 'assign'), subjects.hintPlace, subjects.streams, subjects.gateway('any', 'end-stream'), `${nodeInboxPrefix('alice')}.x`, '$SYS.REQ.CLAIMS.UPDATE']) {
    const refusal = nextRefusal(node);
    node.publish(subject, 'forged');
    expect(await refusal).toBe(subject);
  }
  await hub.flush();
  expect(heard.filter((subject) => !subject.startsWith('_INBOX.'))).toEqual([]);
});

it('refuses to listen to another node, its inbox, or everything', async () => {
  const node = await connectNode('eve');
  for (const subject of [subjects.agent('alice', 'assign'), subjects.gateway('any', 'streams'), subjects.streams, `${nodeInboxPrefix('alice')}.>`, 'node.>', '_INBOX.>', '>']) {
    expect(await refusalOf(node, subject), subject).toMatchObject({ code: 'PERMISSIONS_VIOLATION' });
  }
});

it('lists its processes and ends one when the hub asks, and can ask no other node', async () => {
  const hub = await connectHub();
  const node = await connectNode('workhorse');
  const other = await connectNode('curious');
  for (const topic of ['processes', 'kill'] as const) {
    node.subscribe(subjects.agent('workhorse', topic), { callback: (_error, message) => message.respond(topic) });
    await node.flush();
    expect((await hub.request(subjects.agent('workhorse', topic), '', { timeout: 2_000 })).string()).toBe(topic);
    const refusal = nextRefusal(other);
    other.publish(subjects.agent('workhorse', topic), 'forged', { reply: `${nodeInboxPrefix('curious')}.x` });
    expect(await refusal).toBe(subjects.agent('workhorse', topic));
    expect(await refusalOf(other, subjects.agent('workhorse', topic))).toMatchObject({ code: 'PERMISSIONS_VIOLATION' });
  }
});

it('answers a request once and never on its own', async () => {
  const hub = await connectHub();
  const node = await connectNode('talker');
  node.subscribe(subjects.agent('talker', 'cancel'), {
    callback: (_error, message) => {
      message.respond('first');
      message.respond('second');
    },
  });
  await node.flush();
  const refusal = nextRefusal(node);
  expect((await hub.request(subjects.agent('talker', 'cancel'), '', { timeout: 2_000 })).string()).toBe('first');
  expect(await refusal).toMatch(/^_INBOX\./);
});

it('cuts a revoked node off at once and for good, and lets it join anew', async () => {
  const node = await connectNode('fired');
  const oldCreds = readFileSync(server.keys.nodeCredsPath('fired'));
  const other = await connectNode('loyal');
  const closed = node.closed();
  await revokeNode(server.keys, server.url, 'fired');
  await closed;
  const reconnect = () => connect({ servers: server.url, authenticator: credsAuthenticator(oldCreds), reconnect: false });
  await expect(reconnect()).rejects.toMatchObject({ code: 'AUTHORIZATION_VIOLATION' });
  await other.flush();

  const again = await connectNode('fired');
  await again.flush();
  await Promise.all([again.close(), other.close()]);

  await server.restart();
  await expect(reconnect()).rejects.toMatchObject({ code: 'AUTHORIZATION_VIOLATION' });
  await (await connectNode('fired')).flush();
});

it('remembers a revocation that the server did not hear', async () => {
  await server.keys.createNodeCreds('offline');
  const creds = readFileSync(server.keys.nodeCredsPath('offline'));
  const { parseCreds } = await import('@nats-io/jwt');
  await server.keys.revokeUser((await parseCreds(creds)).uc.sub);
  await server.restart();
  await expect(connect({ servers: server.url, authenticator: credsAuthenticator(creds), reconnect: false })).rejects.toMatchObject({ code: 'AUTHORIZATION_VIOLATION' });
});

it('gives the hub JetStream', async () => {
  const hub = await connectHub();
  const store = await hub.jetstream().views.kv('progress', { ttl: 60_000 });
  await store.put('job', 'half');
  expect((await store.get('job'))?.string()).toBe('half');
});
