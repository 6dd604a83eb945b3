/** A search field with a list of videos to choose from (ARIA combobox): arrows move, Enter chooses, Escape closes the list. */
import type { Video } from '@reelay/contracts';
import { useEffect, useId, useRef, useState } from 'preact/hooks';
import { api, toApiError } from '../api.ts';
import { clock } from '../model/format.ts';
import { videos } from '../store/live-store.ts';
import { Icon } from './icon.tsx';
import { Thumbnail } from './thumbnail.tsx';

interface Props {
  readonly control: { readonly id: string; readonly 'aria-describedby': string | undefined; readonly 'aria-invalid': true | undefined };
  readonly chosen: readonly string[];
  readonly many?: boolean;
  readonly onChange: (ids: readonly string[]) => void;
}
const MOST = 8;
const REST_MS = 150;

export function VideoPicker({ control, chosen, many = false, onChange }: Props) {
  const [text, setText] = useState('');
  const [open, setOpen] = useState(false);
  const [at, setAt] = useState(0);
  const listId = useId();
  const { found, failure } = useSearch(open ? text : null);
  const choose = (video: Video): void => {
    videos.put(video);
    onChange(many ? [...chosen, video.id] : [video.id]);
    setText('');
    setOpen(false);
  };
  const onKeyDown = (event: KeyboardEvent): void => {
    const video = found[at];
    if (event.key === 'ArrowDown' || event.key === 'ArrowUp') {
      event.preventDefault();
      setOpen(true);
      setAt(Math.max(0, Math.min(found.length - 1, at + (event.key === 'ArrowDown' ? 1 : -1))));
    } else if (event.key === 'Enter' && open && video !== undefined) {
      event.preventDefault();
      choose(video);
    } else if (event.key === 'Escape' && open) {
      event.preventDefault();
      event.stopPropagation();
      setOpen(false);
    }
  };
  const needsField = many || chosen.length === 0;
  return (
    <div class="picker">
      {chosen.map((id, index) => <Chosen key={`${id}-${index}`} id={id} remove={() => onChange(chosen.filter((_, other) => other !== index))} />)}
      {needsField && (
        <input
          {...control}
          type="text" role="combobox" autocomplete="off" placeholder="Search by title or file name"
          aria-expanded={open} aria-controls={listId} aria-autocomplete="list"
          aria-activedescendant={open && found.length > 0 ? `${listId}-${at}` : undefined}
          value={text}
          onInput={(event) => {
            setText(event.currentTarget.value);
            setOpen(true);
            setAt(0);
          }}
          onFocus={() => setOpen(true)}
          onBlur={() => setOpen(false)}
          onKeyDown={onKeyDown}
        />
      )}
      {open && needsField && <Found id={listId} found={found} at={at} failure={failure} choose={choose} />}
    </div>
  );
}

function Found({ id, found, at, failure, choose }: { id: string; found: readonly Video[]; at: number; failure: string | null; choose: (video: Video) => void }) {
  return (
    <ul id={id} class="picker-list" role="listbox" aria-label="Videos">
      {found.map((video, index) => (
        <li key={video.id} id={`${id}-${index}`} role="option" aria-selected={index === at} onMouseDown={(event) => {
          event.preventDefault();
          choose(video);
        }}>
          <Thumbnail video={video} />
          <span><strong>{video.title}</strong><small class="muted">{video.path} · {clock(video.durationSeconds)}</small></span>
        </li>
      ))}
      {found.length === 0 && <li class="muted" role="option" aria-selected={false} aria-disabled>{failure ?? 'No video found'}</li>}
    </ul>
  );
}

function Chosen({ id, remove }: { id: string; remove: () => void }) {
  const video = videos.get(id)?.value;
  return (
    <div class="picked">
      {video !== undefined && <Thumbnail video={video} />}
      <span>{video?.title ?? id}</span>
      <button type="button" class="icon-button small" aria-label={`Remove ${video?.title ?? id}`} onClick={remove}><Icon name="cross" size={16} /></button>
    </div>
  );
}

/** Searches once typing rests; null: nothing to search now. */
function useSearch(text: string | null): { found: readonly Video[]; failure: string | null } {
  const [found, setFound] = useState<readonly Video[]>([]);
  const [failure, setFailure] = useState<string | null>('Searching');
  const abort = useRef<AbortController | null>(null);
  useEffect(() => {
    if (text === null) return undefined;
    const timer = setTimeout(() => {
      const mine = new AbortController();
      abort.current = mine;
      const query = { limit: String(MOST), ...(text.trim() === '' ? {} : { q: text.trim() }) };
      const search = async (): Promise<void> => {
        try {
          setFound((await api.videos(query, mine.signal)).data);
          setFailure(null);
        } catch (error) {
          if (!mine.signal.aborted) setFailure(toApiError(error).message);
        }
      };
      void search();
    }, REST_MS);
    return () => {
      clearTimeout(timer);
      abort.current?.abort();
    };
  }, [text]);
  return { found, failure };
}
