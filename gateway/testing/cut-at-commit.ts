/** A Postgres between client and server whose connection breaks right when the server has done a COMMIT, before its answer arrives. */
import { createServer, connect, type Socket } from 'node:net';

export interface CuttingProxy {
  /** The database's URL through the proxy. */
  url: string;
  /** From now on, the next COMMIT is done and its answer lost; what connects afterwards is served, or refused as by a server that is down. */
  cutNextCommit: (afterwards: 'serve' | 'refuse') => void;
  serveAgain: () => Promise<void>;
  close: () => Promise<void>;
}

export const startCuttingProxy = async (databaseUrl: string): Promise<CuttingProxy> => {
  const target = new URL(databaseUrl);
  const sockets = new Set<Socket>();
  let cut: 'serve' | 'refuse' | null = null;
  const server = createServer((client) => {
    const upstream = connect(Number(target.port), target.hostname);
    let losing = false;
    let name: string | undefined;
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
      const text = data.toString('latin1');
      // A statement is parsed once per connection, and called by its name from then on.
      name = /([0-9a-z]+)\u0000commit\u0000/i.exec(text)?.[1] ?? name;
      if (cut !== null && name !== undefined && text.includes(name)) {
        if (cut === 'refuse') server.close();
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
  const listen = (port: number): Promise<void> => new Promise((resolve) => {
    server.listen(port, '127.0.0.1', resolve);
  });
  await listen(0);
  const address = server.address();
  const port = typeof address === 'object' && address !== null ? address.port : 0;
  const url = new URL(databaseUrl);
  url.host = `127.0.0.1:${port}`;
  return {
    url: url.href,
    cutNextCommit: (afterwards) => {
      cut = afterwards;
    },
    serveAgain: () => (server.listening ? Promise.resolve() : listen(port)),
    close: () => new Promise((resolve) => {
      for (const socket of sockets) socket.destroy();
      server.close(() => resolve());
    }),
  };
};
