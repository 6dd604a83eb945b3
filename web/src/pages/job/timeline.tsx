import type { Attempt, AuditEntry, Job } from '@reelay/contracts';
import type { ApiError } from '../../api.ts';
import { Took, When } from '../../components/time.tsx';
import { exactTime } from '../../model/format.ts';
import { STATUS, isStatus } from '../../model/words.ts';

interface Props {
  readonly job: Job;
  readonly history: { readonly attempts: readonly Attempt[]; readonly audit: readonly AuditEntry[] } | null;
  readonly error: ApiError | null;
}

/** Every attempt, and every change of the job with who made it. */
export function Timeline({ job, history, error }: Props) {
  return (
    <section class="panel" aria-labelledby="history">
      <h2 id="history">History</h2>
      {history === null && <p class="muted small">{error === null ? 'Loading' : error.message}</p>}
      {history !== null && (
        <>
          {history.attempts.length === 0 ? <p class="muted small">No node has tried it yet.</p> : <Attempts attempts={history.attempts} running={job.status === 'running'} />}
          <ol class="timeline">
            {history.audit.map((entry) => (
              <li key={entry.id} data-tone={entry.to !== null && isStatus(entry.to) ? STATUS[entry.to].tone : 'grey'}>
                <strong>{sentence(entry)}</strong>
                <span class="small muted"><time dateTime={entry.at} title={exactTime(Date.parse(entry.at))}><When iso={entry.at} /></time> by {entry.actor}</span>
                {entry.detail !== null && <span class="small">{entry.detail}</span>}
              </li>
            ))}
          </ol>
        </>
      )}
    </section>
  );
}

function Attempts({ attempts, running }: { attempts: readonly Attempt[]; running: boolean }) {
  return (
    <table class="plain">
      <caption class="off-screen">Attempts</caption>
      <thead><tr><th scope="col">Attempt</th><th scope="col">Node</th><th scope="col">Took</th><th scope="col">Outcome</th></tr></thead>
      <tbody>
        {attempts.map((attempt, index) => (
          <tr key={attempt.epoch}>
            <td>{attempt.epoch}</td>
            <td>{attempt.nodeId ?? '–'}</td>
            <td>{attempt.endedAt === null && !(running && index === 0) ? '–' : <Took from={attempt.startedAt} to={attempt.endedAt} />}</td>
            <td>{attempt.outcome ?? (attempt.startedAt === null ? 'placed' : 'running')}{attempt.errorMessage !== null && <span class="small error"> {attempt.errorMessage}</span>}</td>
          </tr>
        ))}
      </tbody>
    </table>
  );
}

function sentence({ event, from, to }: AuditEntry): string {
  const words = event.replaceAll(/[._-]+/g, ' ').replaceAll(/([a-z])([A-Z])/g, '$1 $2').toLowerCase();
  const name = words.charAt(0).toUpperCase() + words.slice(1);
  if (to === null || to === from) return name;
  return from === null ? `${name}: ${to}` : `${name}: ${from} → ${to}`;
}
