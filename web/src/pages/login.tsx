import { useEffect, useRef, useState } from 'preact/hooks';
import type { ApiError } from '../api.ts';
import { toApiError } from '../api.ts';
import { Logo } from '../components/icon.tsx';
import { Note } from '../components/notice.tsx';
import { signIn } from '../store/session.ts';

export default function LoginPage() {
  const [error, setError] = useState<ApiError | null>(null);
  const [busy, setBusy] = useState(false);
  const name = useRef<HTMLInputElement>(null);
  useEffect(() => name.current?.focus(), []);

  const submit = async (event: SubmitEvent & { currentTarget: HTMLFormElement }): Promise<void> => {
    event.preventDefault();
    const form = new FormData(event.currentTarget);
    setBusy(true);
    setError(null);
    try {
      await signIn(textIn(form, 'username'), textIn(form, 'password'));
    } catch (failure) {
      setError(toApiError(failure));
      setBusy(false);
    }
  };
  return (
    <form class="login" onSubmit={(event) => void submit(event)}>
      <h1><Logo />Reelay</h1>
      {error !== null && <Note tone="error">{sentence(error)}</Note>}
      <label>User name<input ref={name} name="username" autocomplete="username" autocapitalize="none" spellcheck={false} required maxLength={100} /></label>
      <label>Password<input name="password" type="password" autocomplete="current-password" required maxLength={1000} /></label>
      <button type="submit" class="button primary" disabled={busy}>{busy ? 'Signing in' : 'Sign in'}</button>
      <p class="small muted">First start? The user is <code>admin</code>; the terminal that started Reelay showed the password.</p>
    </form>
  );
}

const textIn = (form: FormData, name: string): string => {
  const value = form.get(name);
  return typeof value === 'string' ? value : '';
};

function sentence(error: ApiError): string {
  if (error.code === 'bad_credentials') return 'The user name or the password is wrong.';
  if (error.code !== 'rate_limited') return error.message;
  return error.retryAfterSeconds === null
    ? 'Too many attempts. Wait a minute and try again.'
    : `Too many attempts. Try again in ${Math.ceil(error.retryAfterSeconds)} seconds.`;
}
