/**
 * Who is signed in. The session itself is an HttpOnly cookie that this code never sees.
 *
 *   unknown ── /me ─▶ in | out      out ── login ─▶ in      in ── logout, 401 ─▶ out
 */
import { batch, computed, signal } from '@preact/signals';
import type { User } from '@reelay/contracts';
import { api, toApiError, whenSignedOut } from '../api.ts';
import type { ApiError } from '../api.ts';
import { startLive, stopLive } from '../live/live.ts';
import type { Ability } from '../model/roles.ts';
import { may } from '../model/roles.ts';
import { navigate } from '../router.ts';

export type Session =
  | { readonly state: 'unknown' }
  | { readonly state: 'out' }
  | { readonly state: 'in'; readonly user: User }
  | { readonly state: 'unreachable'; readonly error: ApiError };

export const session = signal<Session>({ state: 'unknown' });
export const user = computed(() => (session.value.state === 'in' ? session.value.user : null));
export const can = (ability: Ability): boolean => may(user.value?.role, ability);

export async function openSession(): Promise<void> {
  whenSignedOut(leave);
  try {
    enter(await api.me());
  } catch (failure) {
    const error = toApiError(failure);
    session.value = error.code === 'unauthenticated' ? { state: 'out' } : { state: 'unreachable', error };
  }
}

/** @throws {ApiError} `bad_credentials`, `rate_limited` and others */
export async function signIn(username: string, password: string): Promise<void> {
  const { user: signedIn } = await api.login(username, password);
  enter(signedIn);
}

export async function signOut(): Promise<void> {
  try {
    await api.logout();
  } finally {
    // Together, so that the page left is not taken for where to go after the next sign-in.
    batch(() => {
      leave();
      navigate('/login');
    });
  }
}

function enter(signedIn: User): void {
  session.value = { state: 'in', user: signedIn };
  startLive(leave);
}

function leave(): void {
  stopLive();
  session.value = { state: 'out' };
}
