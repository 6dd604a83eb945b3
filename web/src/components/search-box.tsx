/** A search field that reports once typing rests. */
import { useEffect, useRef, useState } from 'preact/hooks';
import { Icon } from './icon.tsx';

const REST_MS = 250;

export function SearchBox({ label, value, onSearch }: { label: string; value: string; onSearch: (text: string) => void }) {
  const [text, setText] = useState(value);
  const timer = useRef<ReturnType<typeof setTimeout> | null>(null);
  const reported = useRef(value);
  useEffect(() => {
    // The address changed by other means (back button): follow it, but never what this field itself reported.
    if (value !== reported.current) setText(value);
    reported.current = value;
  }, [value]);
  const report = (next: string): void => {
    if (timer.current !== null) clearTimeout(timer.current);
    timer.current = null;
    reported.current = next;
    onSearch(next);
  };
  return (
    <form class="search" role="search" onSubmit={(event) => {
      event.preventDefault();
      report(text);
    }}>
      <Icon name="search" />
      <input
        type="search"
        aria-label={label}
        placeholder={label}
        maxLength={200}
        value={text}
        onInput={(event) => {
          const next = event.currentTarget.value;
          setText(next);
          if (timer.current !== null) clearTimeout(timer.current);
          timer.current = setTimeout(() => report(next), REST_MS);
        }}
      />
    </form>
  );
}
