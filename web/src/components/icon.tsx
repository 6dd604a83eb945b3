/** Line icons of our own, 24 × 24, drawn with the text's colour. */

const PATHS = {
  clock: 'M12 4a8 8 0 1 0 0 16 8 8 0 0 0 0-16M12 8v4.5l3 2',
  queue: 'M5 7h14M5 12h14M5 17h8',
  running: 'M12 3v4M12 17v4M3 12h4M17 12h4M5.6 5.6l2.9 2.9M15.5 15.5l2.9 2.9M5.6 18.4l2.9-2.9M15.5 8.5l2.9-2.9',
  check: 'M5 12.5l4.5 4.5L19 7.5',
  cross: 'M6.5 6.5l11 11M17.5 6.5l-11 11',
  stop: 'M12 4a8 8 0 1 0 0 16 8 8 0 0 0 0-16M6.5 6.5l11 11',
  pause: 'M9 6v12M15 6v12',
  play: 'M8 5.5v13l10.5-6.5z',
  retry: 'M19 12a7 7 0 1 1-2.2-5.1M19 4v4h-4',
  warning: 'M12 4.5 3.5 19h17zM12 10v4M12 16.6v.1',
  info: 'M12 4a8 8 0 1 0 0 16 8 8 0 0 0 0-16M12 11v5M12 8v.1',
  folder: 'M4 6.5h5l2 2h9v9.5H4z',
  globe: 'M12 4a8 8 0 1 0 0 16 8 8 0 0 0 0-16M4 12h16M12 4c-5 5-5 11 0 16M12 4c5 5 5 11 0 16',
  shield: 'M12 4l7 2.5v5c0 4-2.8 7-7 8.5-4.2-1.5-7-4.5-7-8.5v-5zM9 12l2 2 4-4',
  film: 'M4 5.5h16v13H4zM8 5.5v13M16 5.5v13M4 12h16',
  shuffle: 'M4 7h3l9 10h4M4 17h3l2.5-2.8M13.5 9.8 16 7h4M18 5l2 2-2 2M18 15l2 2-2 2',
  grid: 'M5 5h6v6H5zM13 5h6v6h-6zM5 13h6v6H5zM13 13h6v6h-6z',
  layers: 'M12 4l8 4.5-8 4.5-8-4.5zM4 13l8 4.5 8-4.5',
  image: 'M4 5.5h16v13H4zM4 16l4.5-4.5 3.5 3.5 3-3 5 4.5M15.5 9v.1',
  list: 'M9 7h10M9 12h10M9 17h10M5 7v.1M5 12v.1M5 17v.1',
  scissors: 'M6.5 5.5a2 2 0 1 0 0 4 2 2 0 0 0 0-4M6.5 14.5a2 2 0 1 0 0 4 2 2 0 0 0 0-4M8.2 8.7 19 17M8.2 15.3 19 7',
  star: 'M12 4.5l2.3 4.8 5.2.7-3.8 3.6 1 5.2-4.7-2.5-4.7 2.5 1-5.2L4.5 10l5.2-.7z',
  tag: 'M4.5 4.5h7l8 8-7 7-8-8zM8.5 8.5v.1',
  move: 'M4 6.5h5l2 2h9v9.5H4zM9 13h6M12.5 10.5 15 13l-2.5 2.5',
  search: 'M10.5 5a5.5 5.5 0 1 0 0 11 5.5 5.5 0 0 0 0-11M14.7 14.7 20 20',
  upload: 'M12 16V5M7.5 9.5 12 5l4.5 4.5M5 19h14',
  download: 'M12 5v11M7.5 11.5 12 16l4.5-4.5M5 19h14',
  more: 'M6 12v.1M12 12v.1M18 12v.1',
  plus: 'M12 5v14M5 12h14',
  left: 'M14.5 6 8.5 12l6 6',
  right: 'M9.5 6l6 6-6 6',
  down: 'M6 9.5l6 6 6-6',
  user: 'M12 5a3.5 3.5 0 1 0 0 7 3.5 3.5 0 0 0 0-7M5 20c.8-3.5 3.4-5 7-5s6.2 1.5 7 5',
  node: 'M4 5h16v6H4zM4 13h16v6H4zM7.5 8v.1M7.5 16v.1',
  link: 'M10 14a4 4 0 0 0 5.7 0l2.8-2.800a4 4 0 0 0-5.7-5.700L11.5 6.800M14 10a4 4 0 0 0-5.7 0L5.5 12.800a4 4 0 0 0 5.7 5.700l1.3-1.3',
  wrap: 'M4 6h16M4 12h13a3 3 0 0 1 0 6h-4M15 15.5 12.5 18l2.5 2.500M4 18h4',
  trash: 'M5 7h14M10 7V5h4v2M7 7l1 12.500h8L17 7',
  edit: 'M5 19l.8-3.700L16 5l3 3L8.7 18.200z',
  copy: 'M9 9h10v10H9zM15 9V5H5v10h4',
  lock: 'M6 11h12v8H6zM8.5 11V8a3.5 3.5 0 0 1 7 0v3',
  sun: 'M12 8a4 4 0 1 0 0 8 4 4 0 0 0 0-8M12 3v2M12 19v2M3 12h2M19 12h2M5.6 5.6 7 7M17 17l1.4 1.400M5.6 18.4 7 17M17 7l1.4-1.4',
  moon: 'M19 14.500A7.5 7.5 0 0 1 9.5 5 7.5 7.5 0 1 0 19 14.500z',
  screen: 'M4 5h16v11H4zM9 20h6M12 16v4',
  keyboard: 'M3.5 7h17v10h-17zM7 10.500v.1M10.5 10.500v.1M14 10.500v.1M17.5 10.500v.1M8 14h8',
  volume: 'M4 10v4h3l4.5 4V6L7 10zM15 9.5a3.5 3.5 0 0 1 0 5M17.5 7a7 7 0 0 1 0 10',
  'volume-off': 'M4 10v4h3l4.5 4V6L7 10zM15.5 9.8l4.5 4.5M20 9.8l-4.5 4.5',
  captions: 'M3.5 6h17v12h-17zM10.5 10.7a1.9 1.9 0 1 0 0 2.6M17 10.7a1.9 1.9 0 1 0 0 2.6',
  sound: 'M9 17.5a2.2 2.2 0 1 1-4.4 0 2.2 2.2 0 0 1 4.4 0V6l10-2v11.5M19 15.5a2.2 2.2 0 1 1-4.4 0 2.2 2.2 0 0 1 4.4 0',
  quality: 'M4 6h9M18 6h2M4 12h3M12 12h8M4 18h10M19 18h1M15.5 4v4M9.5 10v4M16.5 16v4',
  speed: 'M5.5 18a8 8 0 1 1 13 0M12 14l3.5-5M12 14v.1',
  pip: 'M4 5.5h16v13H4zM12.5 12.5h5v3.5h-5z',
  'full-screen': 'M4 9V5h4M20 9V5h-4M4 15v4h4M20 15v4h-4',
  'full-screen-off': 'M8 5v4H4M16 5v4h4M8 19v-4H4M16 19v-4h4',
  repeat: 'M17 3.5l3 3-3 3M20 6.5H8a4 4 0 0 0-4 4M7 20.5l-3-3 3-3M4 17.5h12a4 4 0 0 0 4-4',
} as const;

export type IconName = keyof typeof PATHS;

/** Decoration only: the words beside it say what it means. */
export function Icon({ name, size = 18 }: { name: IconName; size?: number }) {
  return (
    <svg class={`icon icon-${name}`} width={size} height={size} viewBox="0 0 24 24" fill="none" stroke="currentColor" stroke-width="1.9" stroke-linecap="round" stroke-linejoin="round" aria-hidden="true">
      <path d={PATHS[name]} />
    </svg>
  );
}

export function Logo() {
  return (
    <svg class="logo" width="28" height="28" viewBox="0 0 32 32" fill="none" stroke="currentColor" stroke-width="2.4" stroke-linecap="round" stroke-linejoin="round" aria-hidden="true">
      <circle cx="13.5" cy="14.5" r="8.5" />
      <path d="M13.5 23H27m-3.6-3.600L27 23l-3.6 3.6" />
      <g fill="currentColor" stroke="none">
        <circle cx="13.5" cy="10.7" r="1.8" />
        <circle cx="10.2" cy="16.4" r="1.8" />
        <circle cx="16.8" cy="16.4" r="1.8" />
      </g>
    </svg>
  );
}
