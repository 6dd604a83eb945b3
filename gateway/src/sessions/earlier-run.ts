import { readFile, rename, writeFile } from 'node:fs/promises';
import { type CloseSession, type EndSession, PROTOCOL_VERSION, sessionReplySchema, subjects } from '@reelay/contracts';
import { errorCode, type Logger } from '@reelay/runtime';
import type { Bus } from '@reelay/runtime/bus';
import { readSessions, type SessionRow, type Sql } from '@reelay/store';
import { z } from 'zod';

const ASK_MS = 2_000;
const REASON = 'its gateway was started anew';

/** Notes the id of this run of the gateway in a file, and gives the one that stood there. */
export const noteRun = async (file: string, gatewayId: string): Promise<string | null> => {
  const earlier = await readFile(file, 'utf8').then((text) => z.uuid().safeParse(text.trim()), () => null);
  await writeFile(`${file}.new`, `${gatewayId}\n`);
  await rename(`${file}.new`, file);
  return earlier?.success === true ? earlier.data : null;
};

/** Ends what a node makes for a session, and gives its place back, without the gateway it belongs to. @throws the bus's errors, when the place could not be given back */
export const endAtNode = async (bus: Bus, { id, nodeId }: Pick<SessionRow, 'id' | 'nodeId'>, reason: string): Promise<void> => {
  const close: CloseSession = { v: PROTOCOL_VERSION, kind: 'close', sessionId: id, reason };
  const end: EndSession = { v: PROTOCOL_VERSION, sessionId: id, reason };
  await bus.request(subjects.agent(nodeId, 'session'), close, { timeoutMs: ASK_MS, schema: sessionReplySchema }).catch(() => null);
  await bus.request(subjects.sessionEnd, end, { timeoutMs: ASK_MS, schema: z.unknown() });
};

/**
 * Ends the sessions of a run that was killed: their nodes would find out only after three silent keeps, and until then a
 * node that is full had no place for the viewers who come back.
 */
export const endSessionsOf = async (deps: { sql: Sql; bus: Bus; logger: Logger }, gatewayId: string): Promise<void> => {
  const { sql, bus, logger } = deps;
  try {
    const left = (await readSessions(sql)).filter((session) => session.gatewayId === gatewayId);
    await Promise.all(left.map((session) => endAtNode(bus, session, REASON)));
    if (left.length > 0) logger.info({ sessions: left.length }, 'streams of the run before were ended');
  } catch (error) {
    logger.warn({ code: errorCode(error) }, 'streams of the run before end by themselves');
  }
};
