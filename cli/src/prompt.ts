/** Questions to whoever sits at the terminal; they are asked on stderr, so that stdout holds results only. */
import { createInterface } from 'node:readline';
import { Writable } from 'node:stream';
import { Failure } from './errors.ts';
import type { Io } from './io.ts';

/** Swallows what readline echoes. */
const nowhere = (): Writable => new Writable({ write: (_chunk, _encoding, done) => done() });

const askWith = ({ input, err }: Io, question: string, echo: boolean): Promise<string> =>
  new Promise((resolve, reject) => {
    err.write(question);
    const lines = createInterface({ input, output: nowhere(), terminal: true, historySize: 0 });
    let answered = false;
    if (echo) input.on('keypress', () => err.write(`\r\u001b[K${question}${lines.line}`));
    lines.once('line', (line) => {
      answered = true;
      err.write('\n');
      lines.close();
      resolve(line);
    });
    lines.once('SIGINT', () => lines.close());
    lines.once('close', () => {
      if (!answered) {
        err.write('\n');
        reject(new Failure('Nothing was entered'));
      }
    });
  });

export const ask = (io: Io, question: string): Promise<string> => askWith(io, question, true);

/** Nothing of the answer is shown, not even its length. */
export const askSecret = (io: Io, question: string): Promise<string> => askWith(io, question, false);

/** The first line of standard input, for programs that sign in. */
export const firstLine = async ({ input }: Io): Promise<string> => {
  for await (const line of createInterface({ input })) return line;
  throw new Failure('Standard input is empty');
};
