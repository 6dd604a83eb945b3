/** A Postgres between client and server whose connection breaks right when the server has done a COMMIT, before its answer arrives. */
import { createServer, connect, type Socket } from 'node:net';

export interface CuttingProxy {
  /** The database's URL through the proxy. */
  url: string;
  /** From now on, the next COMMIT is done and its answer lost; what connects afterwards is served, or refused. */
  cutNextCommit: (afterwards: 'serve' | 'refuse') => void;
  serveAgain: () => void;
  close: () => Promise<void>;
}

export const startCuttingProxy = async (databaseUrl: string): Promise<CuttingProxy> => {
  const target = new URL(databaseUrl);
  const sockets = new Set<Socket>();
  let cut: 'serve' | 'refuse' | null = null;
  let refusing = false;
  const server = createServer((client) => {
    if (refusing) {
      client.destroy();
      return;
    }
    const upstream = connect(Number(target.port), target.hostname);
    let losing = false;
    for (const socket of [client, upstream]) {
      sockets.add(socket);
      socket.on('error', () => undefined);
      socket.on('close', () => {
        sockets.delete(socket);
        client.destroy();
        upstream.destroy();
      });
    }
    client.on('data', (data) => {
      if (cut !== null && /commit/i.test(data.toString('latin1'))) {
        refusing = cut === 'refuse';
        losing = true;
        cut = null;
      }
      upstream.write(data);
    });
    upstream.on('data', (data) => {
      if (losing) client.destroy();
      else client.write(data);
    });
  });
  await new Promise<void>((resolve) => {
    server.listen(0, '127.0.0.1', resolve);
  });
  const address = server.address();
  const port = typeof address === 'object' && address !== null ? address.port : 0;
  const url = new URL(databaseUrl);
  url.host = `127.0.0.1:${port}`;
  return {
    url: url.href,
    cutNextCommit: (afterwards) => {
      cut = afterwards;
    },
    serveAgain: () => {
      refusing = false;
    },
    close: () => new Promise((resolve) => {
      for (const socket of sockets) socket.destroy();
      server.close(() => resolve());
    }),
  };
};
