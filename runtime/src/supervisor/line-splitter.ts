import { StringDecoder } from 'node:string_decoder';

/** Cuts a byte stream into lines at LF, CR or CRLF. A line beyond `maxChars` is handed out in pieces. */
export class LineSplitter {
  readonly #decoder = new StringDecoder('utf8');
  readonly #onLine: (line: string) => void;
  readonly #maxChars: number;
  #rest = '';

  constructor(onLine: (line: string) => void, maxChars = 16_384) {
    this.#onLine = onLine;
    this.#maxChars = maxChars;
  }

  push(chunk: Buffer): void {
    const lines = (this.#rest + this.#decoder.write(chunk)).split(/[\r\n]+/);
    this.#rest = lines.pop() ?? '';
    for (const line of lines) if (line !== '') this.#onLine(line);
    while (this.#rest.length > this.#maxChars) {
      this.#onLine(this.#rest.slice(0, this.#maxChars));
      this.#rest = this.#rest.slice(this.#maxChars);
    }
  }

  /** Hands out what is left without a line end. */
  end(): void {
    const last = this.#rest + this.#decoder.end();
    this.#rest = '';
    if (last !== '') this.#onLine(last);
  }
}
