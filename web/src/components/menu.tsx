/** A button with a menu, in the top layer so that no scrolling table cuts it off. Arrow keys, Home, End and Escape work. */
import type { ComponentChildren } from 'preact';
import { useId, useLayoutEffect, useRef, useState } from 'preact/hooks';
import type { IconName } from './icon.tsx';
import { Icon } from './icon.tsx';

export interface MenuItem {
  readonly label: string;
  readonly icon?: IconName;
  /** A second line. */
  readonly detail?: string | undefined;
  readonly onSelect: () => void;
  readonly danger?: boolean;
  /** One of several, of which one is chosen; with `toggles`, on or off by itself. */
  readonly checked?: boolean;
  readonly toggles?: boolean;
  /** A line above this one. */
  readonly divided?: boolean;
  /** Set: the item cannot be chosen, and this says why. */
  readonly disabledBecause?: string | undefined;
}

interface Props {
  readonly label: string;
  readonly items: readonly MenuItem[];
  readonly children?: ComponentChildren;
  readonly class?: string;
  /** Opens over the button rather than under it. */
  readonly above?: boolean;
  /** What the menu is called, when the button says more than that. */
  readonly title?: string;
}

export function Menu({ label, items, children, class: className = 'icon-button', above = false, title = label }: Props) {
  const button = useRef<HTMLButtonElement>(null);
  const menu = useRef<HTMLDivElement>(null);
  const [open, setOpen] = useState(false);
  const id = useId();

  useLayoutEffect(() => {
    if (!open || menu.current === null || button.current === null) return;
    menu.current.showPopover();
    placeBeside(menu.current, button.current.getBoundingClientRect(), above);
    const all = itemsOf(menu.current);
    (all.find((item) => item.getAttribute('role') === 'menuitemradio' && item.getAttribute('aria-checked') === 'true') ?? all[0])?.focus();
  }, [open, above]);
  const close = (): void => {
    setOpen(false);
    button.current?.focus();
  };
  return (
    <>
      <button ref={button} type="button" class={className} aria-label={label} title={label} aria-haspopup="menu" aria-expanded={open} popovertarget={id} onClick={(event) => {
        event.preventDefault();
        setOpen(!open);
      }}>
        {children ?? <Icon name="more" />}
      </button>
      {open && (
        <div ref={menu} id={id} class="menu" role="menu" aria-label={title} popover="auto" onToggle={(event) => event.newState === 'closed' && setOpen(false)} onKeyDown={(event) => onKey(event, menu.current, close)}>
          {items.map((item, index) => <Item key={index} item={item} choose={() => {
            close();
            item.onSelect();
          }} />)}
        </div>
      )}
    </>
  );
}

function Item({ item, choose }: { item: MenuItem; choose: () => void }) {
  const disabled = item.disabledBecause !== undefined;
  return (
    <button
      type="button"
      role={roleOf(item)}
      aria-checked={item.checked}
      aria-disabled={disabled}
      tabIndex={-1}
      title={item.disabledBecause}
      data-danger={item.danger}
      data-divided={item.divided}
      onClick={disabled ? undefined : choose}
    >
      {item.icon !== undefined && <Icon name={item.icon} />}
      <span>{item.label}{(disabled || item.detail !== undefined) && <small>{item.disabledBecause ?? item.detail}</small>}</span>
      {item.checked === true && <Icon name="check" size={16} />}
    </button>
  );
}

const roleOf = ({ checked, toggles = false }: MenuItem): 'menuitem' | 'menuitemcheckbox' | 'menuitemradio' =>
  (checked === undefined ? 'menuitem' : toggles ? 'menuitemcheckbox' : 'menuitemradio');

const itemsOf = (menu: HTMLElement): HTMLElement[] => [...menu.querySelectorAll<HTMLElement>('[role^="menuitem"]')];

function onKey(event: KeyboardEvent, menu: HTMLElement | null, close: () => void): void {
  if (menu === null) return;
  const items = itemsOf(menu);
  const at = items.findIndex((item) => item === document.activeElement);
  const to = { ArrowDown: (at + 1) % items.length, ArrowUp: (at + items.length - 1) % items.length, Home: 0, End: items.length - 1 }[event.key];
  if (to !== undefined) {
    event.preventDefault();
    items[to]?.focus();
  } else if (event.key === 'Tab' || event.key === 'Escape') {
    event.preventDefault();
    event.stopPropagation();
    close();
  }
}

const GAP = 4;
/** Under the button or over it, right edges together; on the other side or shifted where the window ends. */
function placeBeside(menu: HTMLElement, anchor: DOMRect, wantsAbove: boolean): void {
  const { width, height } = menu.getBoundingClientRect();
  const below = anchor.bottom + GAP;
  const above = anchor.top - GAP - height;
  const goesBelow = wantsAbove ? above < GAP : below + height <= innerHeight;
  const top = goesBelow ? below : Math.max(GAP, above);
  const left = Math.min(Math.max(GAP, anchor.right - width), innerWidth - width - GAP);
  menu.style.top = `${top}px`;
  menu.style.left = `${left}px`;
}
