/** Questions to whoever sits at the terminal; they are asked on stderr, so that stdout holds results only. */
import { createInterface } from 'node:readline';
import { Writable } from 'node:stream';
import { Failure } from './errors.ts';
import type { Io } from './io.ts';

/** Where readline echoes to. */
const echoTo = (write: (text: string) => void): Writable =>
  new Writable({
    decodeStrings: false,
    write: (chunk: unknown, _encoding, done) => {
      write(String(chunk));
      done();
    },
  });

const askWith = ({ input, err }: Pick<Io, 'input' | 'err'>, question: string, echo: (text: string) => void): Promise<string> =>
  new Promise((resolve, reject) => {
    const lines = createInterface({ input, output: echoTo(echo), terminal: true, historySize: 0 });
    let answered = false;
    lines.once('close', () => {
      if (answered) return;
      err.write('\n');
      reject(new Failure('Nothing was entered'));
    });
    lines.once('SIGINT', () => lines.close());
    lines.question(question, (line) => {
      answered = true;
      lines.close();
      resolve(line);
    });
  });

export const ask = (io: Pick<Io, 'input' | 'err'>, question: string): Promise<string> => askWith(io, question, (text) => void io.err.write(text));

/** Nothing of the answer is shown, not even its length. */
export const askSecret = async (io: Pick<Io, 'input' | 'err'>, question: string): Promise<string> => {
  io.err.write(question);
  const answer = await askWith(io, '', () => {});
  io.err.write('\n');
  return answer;
};

/** The first line of standard input, for programs that sign in. @throws Failure */
export const firstLine = async ({ input }: Pick<Io, 'input'>): Promise<string> => {
  for await (const line of createInterface({ input })) return line;
  throw new Failure('Standard input is empty');
};
