/** What surrounds every page: skip link, navigation, banners, toasts. */
import type { ComponentChildren } from 'preact';
import { frozen, liveState, retryLive, setFrozen, staleSinceMs, unseenChanges } from '../live/live.ts';
import { plural, timeOfDay } from '../model/format.ts';
import { ROLE_NAME } from '../model/roles.ts';
import { place } from '../router.ts';
import { can, signOut, user } from '../store/session.ts';
import { THEMES, setTheme, theme } from '../store/theme.ts';
import { say } from '../store/toasts.ts';
import { ConfirmHost } from './confirm.tsx';
import { DialogHost } from './dialog-host.tsx';
import type { IconName } from './icon.tsx';
import { Icon, Logo } from './icon.tsx';
import type { MenuItem } from './menu.tsx';
import { Menu } from './menu.tsx';
import { Toasts } from './toasts.tsx';

export function Shell({ children }: { children: ComponentChildren }) {
  return (
    <>
      <a class="skip" href="#main">Skip to the content</a>
      {user.value !== null && <Header />}
      <main id="main" tabIndex={-1}>
        <StaleBanner />
        <FrozenBanner />
        {children}
      </main>
      <Toasts />
      <DialogHost />
      <ConfirmHost />
    </>
  );
}

function Header() {
  return (
    <header class="top">
      <a class="brand" href="/library" aria-label="Reelay, to the library"><Logo /><span>Reelay</span></a>
      <nav aria-label="Main">
        <NavLink href="/library" icon="film" label="Library" also="/videos/" />
        {can('jobs') && <NavLink href="/jobs" icon="queue" label="Queue" also="/jobs/" />}
        {can('nodes') && <NavLink href="/nodes" icon="node" label="Nodes" />}
      </nav>
      <LiveDot />
      <UserMenu />
    </header>
  );
}

function NavLink({ href, icon, label, also }: { href: string; icon: IconName; label: string; also?: string }) {
  const { path } = place.value;
  const here = path === href || (also !== undefined && path.startsWith(also));
  return <a href={href} aria-current={here ? 'page' : undefined}><Icon name={icon} /><span>{label}</span></a>;
}

function LiveDot() {
  const on = liveState.value === 'live';
  const text = on ? (frozen.value ? 'Paused' : 'Live') : liveState.value === 'connecting' ? 'Connecting' : 'Not live';
  return <span class="live" data-on={on && !frozen.value} title={on ? 'Changes appear by themselves' : 'Changes do not appear at the moment'}>{text}</span>;
}

const THEME_WORDS = { system: ['Theme of the system', 'screen'], light: ['Light theme', 'sun'], dark: ['Dark theme', 'moon'] } as const;

function UserMenu() {
  const person = user.value;
  if (person === null) return null;
  const items: MenuItem[] = [
    ...THEMES.map((name): MenuItem => ({ label: THEME_WORDS[name][0], icon: THEME_WORDS[name][1], checked: theme.value === name, onSelect: () => setTheme(name) })),
    { label: 'API documentation', icon: 'link', divided: true, onSelect: () => window.open('/docs', '_blank', 'noopener') },
    { label: `Sign out ${person.username}`, icon: 'lock', divided: true, onSelect: () => void leave() },
  ];
  return (
    <Menu label={`${person.username}, ${ROLE_NAME[person.role]}: theme and sign out`} items={items} class="user-button">
      <Icon name="user" /><span>{person.username}</span>
    </Menu>
  );
}

async function leave(): Promise<void> {
  try {
    await signOut();
  } catch {
    say('The server did not answer, so the session there may still be open.', { tone: 'error' });
  }
}

function StaleBanner() {
  const since = staleSinceMs.value;
  if (since === null || user.value === null) return null;
  return (
    <div class="banner" role="status">
      <Icon name="warning" />
      <span>Live updates stopped at {timeOfDay(since)}. What you see may be out of date. Trying to reconnect.</span>
      <button type="button" class="button small" onClick={retryLive}>Try now</button>
    </div>
  );
}

function FrozenBanner() {
  if (!frozen.value) return null;
  return (
    <div class="banner" role="status">
      <Icon name="pause" />
      <span>Updates are paused. {plural(unseenChanges.value, 'change')} since.</span>
      <button type="button" class="button small" onClick={() => setFrozen(false)}>Continue</button>
    </div>
  );
}
