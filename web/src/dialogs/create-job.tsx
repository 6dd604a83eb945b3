/** Create a job of any type, or one action on one video. The form comes from the catalogue's parameter schema. */
import type { CatalogueItem, Job, JobType, Video } from '@reelay/contracts';
import { useEffect, useMemo, useRef, useState } from 'preact/hooks';
import { api, newKey, toApiError } from '../api.ts';
import type { ApiError } from '../api.ts';
import { Dialog } from '../components/dialog.tsx';
import { Loading, Note, Problem } from '../components/notice.tsx';
import type { FormValues } from '../model/schema-form.ts';
import { errorsByField, fieldsOf } from '../model/schema-form.ts';
import { JOB_TYPE } from '../model/words.ts';
import { navigate } from '../router.ts';
import { loadCatalogue } from '../store/catalogue.ts';
import { closeDialog } from '../store/dialogs.ts';
import { jobs, videos } from '../store/live-store.ts';
import { say } from '../store/toasts.ts';
import { JobForm } from './job-form.tsx';
import { useSubmit } from './use-submit.ts';

const DEFAULT_PRIORITY = 5;

export function CreateJobDialog({ type, video }: { type: JobType | null; video: Video | null }) {
  const [catalogue, setCatalogue] = useState<readonly CatalogueItem[] | null>(null);
  const [failure, setFailure] = useState<ApiError | null>(null);
  const load = (): void => {
    setFailure(null);
    loadCatalogue().then(setCatalogue, (error: unknown) => setFailure(toApiError(error)));
  };
  useEffect(load, []);
  useEffect(() => {
    if (video !== null) videos.put(video);
  }, [video]);
  return (
    <Dialog wide title={type === null ? 'Create job' : JOB_TYPE[type].title} onClose={closeDialog}>
      {failure !== null && <Problem what="The list of job types could not be loaded" error={failure} retry={load} />}
      {catalogue === null && failure === null && <Loading what="job types" />}
      {catalogue !== null && <CreateJobForm catalogue={catalogue} fixedType={type} video={video} />}
    </Dialog>
  );
}

function CreateJobForm({ catalogue, fixedType, video }: { catalogue: readonly CatalogueItem[]; fixedType: JobType | null; video: Video | null }) {
  const [type, setType] = useState<JobType>(fixedType ?? 'reencode_streaming');
  const [values, setValues] = useState<FormValues>(video === null ? {} : { videoId: video.id });
  const [priority, setPriority] = useState(DEFAULT_PRIORITY);
  const [errors, setErrors] = useState<Record<string, string>>({});
  const form = useRef<HTMLFormElement>(null);
  const { busy, error, submit } = useSubmit();
  const keyFor = useKey();
  const item = catalogue.find((entry) => entry.type === type);
  const fields = useMemo(() => (item === undefined ? [] : fieldsOf(item.paramsSchema)), [item]);

  useEffect(() => {
    if (error !== null) setErrors(errorsByField(error.fields, fields.map(({ name }) => name)));
  }, [error, fields]);
  useEffect(() => {
    form.current?.querySelector<HTMLElement>('[aria-invalid="true"]')?.focus();
  }, [errors]);
  // The form comes after the dialog has opened, so the browser's own autofocus is over.
  useEffect(() => form.current?.querySelector<HTMLElement>('select, input')?.focus(), []);

  const create = (params: Record<string, unknown>): void => submit(async () => {
    setErrors({});
    const body = { type, params, ...(priority === DEFAULT_PRIORITY ? {} : { priority }) };
    const job = await api.createJob(body, keyFor(body));
    closeDialog();
    showNew(job);
  });
  const general = errors[''] ?? (error !== null && error.fields.length === 0 ? error.message : undefined);
  return (
    <JobForm
      form={form} catalogue={catalogue} item={item} fields={fields} values={values} priority={priority} errors={errors} busy={busy} fixed={fixedType !== null} video={video}
      notice={general === undefined ? null : <Note tone="error">{general}</Note>}
      onType={(next) => {
        setType(next);
        setErrors({});
      }}
      onValues={setValues} onPriority={setPriority} onErrors={setErrors} onCreate={create}
    />
  );
}

/** The same key while the same job is sent again: a lost answer does not make a second job. */
function useKey(): (body: unknown) => string {
  const last = useRef({ body: '', key: '' });
  return (body) => {
    const text = JSON.stringify(body);
    if (last.current.body !== text) last.current = { body: text, key: newKey() };
    return last.current.key;
  };
}

function showNew(job: Job): void {
  say(`${JOB_TYPE[job.type].title}: job created`, { link: { href: `/jobs/${job.id}`, label: 'Open' } });
  if ('rev' in job) jobs.put(job);
  navigate('/jobs', { note: job.id });
}
