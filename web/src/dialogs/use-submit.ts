import { useState } from 'preact/hooks';
import type { ApiError } from '../api.ts';
import { toApiError } from '../api.ts';

/** State of a form that is being sent. */
export function useSubmit(): { busy: boolean; error: ApiError | null; submit: (work: () => Promise<void>) => void } {
  const [busy, setBusy] = useState(false);
  const [error, setError] = useState<ApiError | null>(null);
  const submit = (work: () => Promise<void>): void => {
    setBusy(true);
    setError(null);
    work().catch((failure: unknown) => setError(toApiError(failure))).finally(() => setBusy(false));
  };
  return { busy, error, submit };
}
