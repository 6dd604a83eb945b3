import type { Clock } from '@reelay/runtime';
import type { Hub, HubClient } from './hub.ts';

/**
 * The answer's body for one client of the hub: gives out frames as fast as the socket takes them, and no faster.
 * `onEnd` is called once, when the stream is over for whatever reason.
 */
export const sseStream = (hub: Hub, client: HubClient, clock: Clock, onEnd: () => void): ReadableStream<Uint8Array> => {
  const { queue } = client;
  let wake: (() => void) | undefined;
  let ended = false;
  let cancelled = false;
  const end = () => {
    if (ended) return;
    ended = true;
    onEnd();
  };
  queue.onChange(() => {
    if (queue.left !== undefined) end();
    wake?.();
  });
  return new ReadableStream<Uint8Array>(
    {
      async pull(controller) {
        for (;;) {
          if (queue.left !== undefined) {
            if (!cancelled) controller.close();
            return;
          }
          const frame = queue.take(clock.monotonicMs());
          if (frame !== null) {
            controller.enqueue(frame);
            return;
          }
          // The last one was taken.
          if (queue.left !== undefined) continue;
          await new Promise<void>((resolve) => {
            wake = resolve;
          });
          wake = undefined;
        }
      },
      cancel() {
        cancelled = true;
        hub.leave(client, 'closed');
        wake?.();
        end();
      },
    },
    { highWaterMark: 0 },
  );
};
