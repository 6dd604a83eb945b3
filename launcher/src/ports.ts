import { freePort, listenFailure, tryPort } from '@reelay/runtime';

/** The port asked for, or a free one for 0. @throws PortUnavailable */
export async function claimPort(host: string, port: number): Promise<number> {
  try {
    return await (port === 0 ? freePort(host) : tryPort(host, port));
  } catch (error) {
    throw await listenFailure(host, port, error);
  }
}
