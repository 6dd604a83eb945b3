import { createServer } from 'node:net';
import { errorCode, listenFailure } from '@reelay/runtime';
import { type Check, fail, ok, warn } from '../check.ts';

const LIMIT_MS = 8_000;

const tryListen = (host: string, port: number): Promise<unknown> =>
  new Promise((resolve) => {
    const server = createServer();
    server.once('error', resolve);
    server.listen(port, host, () => server.close(() => resolve(null)));
  });

const look: Check['look'] = async ({ place: { host, port }, instance }) => {
  const url = instance?.facts?.url;
  if (url !== undefined) return [ok(`The gateway of the running system has its port (${url})`)];
  if (port === 0) return [ok('Port: a free one is picked at each start')];
  const error = await tryListen(host, port);
  if (error === null) return [ok(`Port ${port} on ${host} is free`)];
  // What it is, and what to do.
  const [message = '', advice = ''] = (await listenFailure(host, port, error)).message.split('; ');
  // It may be a gateway that was started by itself.
  return [errorCode(error) === 'EADDRINUSE' ? warn(message, `if that is no Reelay, ${advice}`) : fail(message, advice)];
};

export const portChecks: Check[] = [{ id: 'port', group: 'Processes', limitMs: LIMIT_MS, look }];
