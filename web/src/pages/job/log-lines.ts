/** Log lines in the page, appended by hand: a virtual DOM over thousands of lines would be compared at every line. */
import type { LogLine } from './log-stream.ts';

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
    if (this.#atEnd() && this.#unseen > 0) {
      this.#unseen = 0;
      this.#tell();
    }
  };
  #waiting: LogLine[] = [];
  #frame = 0;
  #total = 0;
  #dropped = 0;
  #unseen = 0;

  constructor(element: HTMLElement, onState: (state: LogState) => void) {
    this.#element = element;
    this.#onState = onState;
    element.replaceChildren();
    element.addEventListener('scroll', this.#onScroll, { passive: true });
    this.#tell();
  }

  /** Lines of one frame are put in together. */
  add(lines: readonly LogLine[]): void {
    this.#waiting.push(...lines);
    if (this.#waiting.length > 2 * MOST) this.#drop(this.#waiting.length - MOST);
    if (this.#frame === 0) this.#frame = requestAnimationFrame(() => this.#flush());
  }

  toEnd(): void {
    this.#element.scrollTop = this.#element.scrollHeight;
  }

  destroy(): void {
    cancelAnimationFrame(this.#frame);
    this.#element.removeEventListener('scroll', this.#onScroll);
  }

  #flush(): void {
    this.#frame = 0;
    const following = this.#atEnd();
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
    if (following) this.toEnd();
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

function lineElement({ at, stream, text }: LogLine): HTMLElement {
  const line = document.createElement('div');
  line.className = 'log-line';
  line.dataset['stream'] = stream;
  if (at !== null && stream !== 'marker') {
    const time = document.createElement('time');
    time.dateTime = at;
    time.textContent = at.slice(11, 19);
    line.append(time, ' ');
  }
  line.append(text);
  return line;
}
