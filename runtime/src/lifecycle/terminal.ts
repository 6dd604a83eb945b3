import { isatty } from 'node:tty';

const STANDARD = [0, 1, 2] as const;

/** Watches whether the terminal that this process was started in has been closed; a hung-up terminal is none any more. */
export class Terminal {
  readonly #had = STANDARD.filter((fd) => isatty(fd));

  /** True when there was one and it is gone. Without one, as in a unit or with nohup, SIGHUP says nothing about it. */
  get isGone(): boolean {
    return this.#had.length > 0 && !this.#had.some((fd) => isatty(fd));
  }
}
