/** The log: follows the end unless the reader scrolled up, keeps the last lines in the page, the rest is in the download. */
import type { Job } from '@reelay/contracts';
import { useSignal } from '@preact/signals';
import type { Signal } from '@preact/signals';
import { useEffect, useRef } from 'preact/hooks';
import { api } from '../../api.ts';
import { Icon } from '../../components/icon.tsx';
import { count, plural } from '../../model/format.ts';
import { readStored, writeStored } from '../../store/storage.ts';
import { followLog } from './log-stream.ts';
import { LogLines } from './log-lines.ts';

const WRAP_KEY = 'reelay.log-wrap';

interface View {
  readonly trouble: Signal<string | null>;
  readonly ended: Signal<boolean>;
  readonly total: Signal<number>;
  readonly dropped: Signal<number>;
  readonly unseen: Signal<number>;
  readonly element: { current: HTMLDivElement | null };
  readonly lines: { current: LogLines | null };
}

function useLog(jobId: string, epoch: number): View {
  const trouble = useSignal<string | null>(null);
  const ended = useSignal(false);
  const total = useSignal(0);
  const dropped = useSignal(0);
  const unseen = useSignal(0);
  const element = useRef<HTMLDivElement>(null);
  const lines = useRef<LogLines | null>(null);
  useEffect(() => {
    if (element.current === null) return undefined;
    const mine = new LogLines(element.current, (state) => {
      total.value = state.total;
      dropped.value = state.dropped;
      unseen.value = state.unseen;
    });
    lines.current = mine;
    ended.value = false;
    const stop = followLog(jobId, {
      onLines: (added) => mine.add(added),
      onTrouble: (text) => {
        trouble.value = text;
      },
      onEnd: () => {
        ended.value = true;
      },
    });
    return () => {
      stop();
      mine.destroy();
    };
    // A new attempt of a job that was over starts the following again.
  }, [jobId, epoch, trouble, ended, total, dropped, unseen]);
  return { trouble, ended, total, dropped, unseen, element, lines };
}

export function LogView({ job }: { job: Job }) {
  const view = useLog(job.id, job.epoch);
  const wrap = useSignal(readStored(WRAP_KEY) !== 'off');
  const toggleWrap = (): void => {
    wrap.value = !wrap.value;
    writeStored(WRAP_KEY, wrap.value ? null : 'off');
  };
  const { trouble, ended, total, dropped, unseen } = view;
  return (
    <section class="panel log" aria-labelledby="log">
      <div class="row wrap">
        <h2 id="log">Log</h2>
        <span class="small muted grow" role="status">{trouble.value ?? `${plural(total.value, 'line')}${ended.value ? '' : ', following'}`}</span>
        <button type="button" class="button small" aria-pressed={wrap.value} onClick={toggleWrap}><Icon name="wrap" size={16} />Wrap lines</button>
        <a class="button small" href={api.logPath(job.id)} download={`${job.id}.log`}><Icon name="download" size={16} />Download</a>
      </div>
      {dropped.value > 0 && <p class="small muted">{count(dropped.value)} earlier lines are in the download.</p>}
      <div class="log-frame">
        <div ref={view.element} class="log-lines" data-wrap={wrap.value} tabIndex={0} role="log" aria-live="off" aria-label="Log lines" />
        {unseen.value > 0 && <button type="button" class="pill" onClick={() => view.lines.current?.toEnd()}><Icon name="down" size={16} />{plural(unseen.value, 'new line')}</button>}
      </div>
      {total.value === 0 && trouble.value === null && <p class="small muted">Nothing was written yet.</p>}
    </section>
  );
}
