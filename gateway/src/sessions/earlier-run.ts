import { readFile, rename, writeFile } from 'node:fs/promises';
import { type CloseSession, type EndSession, PROTOCOL_VERSION, sessionReplySchema, subjects } from '@reelay/contracts';
import { errorCode, type Logger } from '@reelay/runtime';
import type { Bus } from '@reelay/runtime/bus';
import { readSessions, type Sql } from '@reelay/store';
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

/**
 * Ends the sessions of a run that was killed: their nodes would find out only after three silent keeps, and until then a
 * node that is full had no place for the viewers who come back.
 */
export const endSessionsOf = async (deps: { sql: Sql; bus: Bus; logger: Logger }, gatewayId: string): Promise<void> => {
  const { sql, bus, logger } = deps;
  try {
    const left = (await readSessions(sql)).filter((session) => session.gatewayId === gatewayId);
    await Promise.all(left.map(async ({ id, nodeId }) => {
      const close: CloseSession = { v: PROTOCOL_VERSION, kind: 'close', sessionId: id, reason: REASON };
      const end: EndSession = { v: PROTOCOL_VERSION, sessionId: id, reason: REASON };
      await bus.request(subjects.agent(nodeId, 'session'), close, { timeoutMs: ASK_MS, schema: sessionReplySchema }).catch(() => null);
      await bus.request(subjects.sessionEnd, end, { timeoutMs: ASK_MS, schema: z.unknown() });
    }));
    if (left.length > 0) logger.info({ sessions: left.length }, 'streams of the run before were ended');
  } catch (error) {
    logger.warn({ code: errorCode(error) }, 'streams of the run before end by themselves');
  }
};
