/** Server-sent events out of a byte stream. Own parser because EventSource can neither send Last-Event-ID on a first connect nor tell 401 from a lost line. */

export interface SseMessage {
  readonly event: string;
  readonly data: string;
  /** Id of this message; null when it carried none. */
  readonly id: string | null;
}

/** Feed text as it arrives; complete messages come back, the rest is kept. */
export class SseParser {
  #rest = '';
  #event = '';
  #data: string[] = [];
  #id: string | null = null;

  push(text: string): SseMessage[] {
    const found: SseMessage[] = [];
    const lines = (this.#rest + text).split('\n');
    this.#rest = lines.pop() ?? '';
    for (const line of lines) {
      const message = this.#line(line.endsWith('\r') ? line.slice(0, -1) : line);
      if (message !== null) found.push(message);
    }
    return found;
  }

  #line(line: string): SseMessage | null {
    if (line === '') return this.#flush();
    const colon = line.indexOf(':');
    if (colon === 0) return null;
    const field = colon === -1 ? line : line.slice(0, colon);
    const value = colon === -1 ? '' : line.slice(colon + 1).replace(/^ /, '');
    if (field === 'event') this.#event = value;
    else if (field === 'data') this.#data.push(value);
    else if (field === 'id' && !value.includes('\0')) this.#id = value;
    return null;
  }

  #flush(): SseMessage | null {
    const { length } = this.#data;
    // An id alone moves the place to resume from, as in the standard.
    const event = length === 0 ? 'cursor' : this.#event || 'message';
    const message = length === 0 && this.#id === null ? null : { event, data: this.#data.join('\n'), id: this.#id };
    this.#event = '';
    this.#data = [];
    this.#id = null;
    return message;
  }
}

/** Reads one response until it ends, is aborted, or is silent for longer than `silenceMs` (a dead line answers nothing). */
export async function readSse(response: Response, onMessage: (message: SseMessage) => void, silenceMs: number): Promise<void> {
  const reader = response.body?.getReader();
  if (reader === undefined) return;
  const decoder = new TextDecoder();
  const parser = new SseParser();
  let timer: ReturnType<typeof setTimeout> | undefined;
  const watch = (): void => {
    clearTimeout(timer);
    timer = setTimeout(() => void reader.cancel(), silenceMs);
  };
  try {
    watch();
    for (let part = await reader.read(); !part.done; part = await reader.read()) {
      watch();
      for (const message of parser.push(decoder.decode(part.value, { stream: true }))) onMessage(message);
    }
  } finally {
    clearTimeout(timer);
  }
}

/**
 * Id to resume from after `message`. `hello` names the newest event there is: it counts only where nothing was resumed,
 * else a line lost during the replay would skip the rest of it. `reset` forgets.
 */
export function resumeIdAfter(lastId: string | null, message: SseMessage): string | null {
  if (message.event === 'reset') return null;
  if (message.event !== 'hello') return message.id ?? lastId;
  return lastId ?? message.id ?? helloId(message.data);
}

/** When to come back, in ms, if this is the last message of a gateway that stops; null for any other. */
export function movingMs({ event, data }: SseMessage): number | null {
  if (event !== 'moving') return null;
  const retryMs = Number(/"retryMs":(\d+)/.exec(data)?.[1]);
  return Number.isFinite(retryMs) ? Math.min(retryMs, 60_000) : 1_000;
}

function helloId(data: string): string | null {
  try {
    const hello: unknown = JSON.parse(data);
    return typeof hello === 'object' && hello !== null && 'id' in hello && typeof hello.id === 'string' ? hello.id : null;
  } catch {
    return null;
  }
}
