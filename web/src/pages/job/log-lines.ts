/** Log lines in the page, appended by hand: a virtual DOM over thousands of lines would be compared at every line. */
const MOST = 5000;
/** Closer to the end than this counts as reading the end. */
const NEAR_END_PX = 40;

export interface LogState {
  readonly total: number;
  readonly dropped: number;
  readonly unseen: number;
}

export class LogLines {
  readonly #element: HTMLElement;
  readonly #onState: (state: LogState) => void;
  readonly #onScroll = (): void => {
    this.#following = this.#atEnd();
    if (this.#following && this.#unseen > 0) {
      this.#unseen = 0;
      this.#tell();
    }
  };
  /** Another width wraps lines otherwise: the end is somewhere else. */
  readonly #resized = new ResizeObserver(() => {
    if (this.#following) this.toEnd();
  });
  /** The end is being read; only the reader's scrolling changes it. */
  #following = true;
  #waiting: string[] = [];
  #frame = 0;
  #total = 0;
  #dropped = 0;
  #unseen = 0;

  constructor(element: HTMLElement, onState: (state: LogState) => void) {
    this.#element = element;
    this.#onState = onState;
    element.replaceChildren();
    element.addEventListener('scroll', this.#onScroll, { passive: true });
    this.#resized.observe(element);
    this.#tell();
  }

  /** Lines of one frame are put in together. */
  add(lines: readonly string[]): void {
    this.#waiting.push(...lines);
    if (this.#waiting.length > 2 * MOST) this.#drop(this.#waiting.length - MOST);
    if (this.#frame === 0) this.#frame = requestAnimationFrame(() => this.#flush());
  }

  toEnd(): void {
    this.#following = true;
    this.#element.scrollTop = this.#element.scrollHeight;
  }

  destroy(): void {
    cancelAnimationFrame(this.#frame);
    this.#element.removeEventListener('scroll', this.#onScroll);
    this.#resized.disconnect();
  }

  #flush(): void {
    this.#frame = 0;
    if (this.#waiting.length > MOST) this.#drop(this.#waiting.length - MOST);
    const added = this.#waiting;
    this.#waiting = [];
    const fragment = document.createDocumentFragment();
    for (const line of added) fragment.append(lineElement(line));
    this.#element.append(fragment);
    while (this.#element.childElementCount > MOST) {
      this.#element.firstElementChild?.remove();
      this.#dropped += 1;
    }
    this.#total += added.length;
    if (this.#following) this.toEnd();
    else this.#unseen += added.length;
    this.#tell();
  }

  /** Lines that came in faster than they could be shown. */
  #drop(howMany: number): void {
    this.#waiting.splice(0, howMany);
    this.#dropped += howMany;
    this.#total += howMany;
  }

  #atEnd(): boolean {
    const { scrollHeight, scrollTop, clientHeight } = this.#element;
    return scrollHeight - scrollTop - clientHeight < NEAR_END_PX;
  }

  #tell(): void {
    this.#onState({ total: this.#total, dropped: this.#dropped, unseen: this.#unseen });
  }
}

const STAMPED = /^\[(\d{4}-\d\d-\d\d (\d\d:\d\d:\d\d))\] (.*)$/s;

/** `[2026-02-13 10:30:15] text`, times in UTC; markers stand alone on their line. */
function lineElement(text: string): HTMLElement {
  const line = document.createElement('div');
  line.className = 'log-line';
  const [, stamp, clock, rest] = STAMPED.exec(text) ?? [];
  if (stamp === undefined || clock === undefined || rest === undefined) {
    if (text.startsWith('--- ')) line.dataset['stream'] = 'marker';
    line.append(text);
    return line;
  }
  const time = document.createElement('time');
  time.dateTime = `${stamp.replace(' ', 'T')}Z`;
  time.title = `${stamp} UTC`;
  time.textContent = clock;
  line.append(time, ' ', rest);
  return line;
}
