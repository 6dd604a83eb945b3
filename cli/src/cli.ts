import { type Command, Option } from 'commander';
import { ApiClient } from './connection/api-client.ts';
import { asNotRunning, findGateway, findToken, type Gateway, signInNeeded } from './connection/gateway.ts';
import { ApiRefusal, Unreachable } from './errors.ts';
import { EXIT, type ExitCode } from './exit-codes.ts';
import { findInstance, type Instance } from './instance/instance.ts';
import { findPlace, type Place } from './instance/place.ts';
import type { Io } from './io.ts';
import { Printer } from './output/printer.ts';

/** Options of every command. */
export interface GlobalOptions {
  json?: boolean;
  url?: string;
  tokenFile?: string;
  dataDir?: string;
}

/** A program of Reelay that takes this process over. */
export interface NextProgram {
  file: string;
  args: readonly string[];
  env: Readonly<Record<string, string>>;
}

export const globalOptions = (): Option[] => [
  new Option('--json', 'print JSON, and nothing else, on standard output'),
  new Option('--url <url>', 'the gateway (else REELAY_URL, else the system that runs here)'),
  new Option('--token-file <file>', 'file with the token to use (else REELAY_TOKEN, else that of reelay login)'),
  new Option('--data-dir <folder>', 'data folder of the system on this machine (else REELAY_DATA_DIR)'),
];

/** What commands share: options of the whole command line, the printer, the way to the gateway. */
export class Cli {
  readonly io: Io;
  readonly root: string;
  readonly printer: Printer;
  /** The whole command tree. */
  readonly program: Command;
  /** How the command ends when nothing is thrown. */
  exitCode: ExitCode = EXIT.ok;
  /** Set by a command that runs a service. */
  next: NextProgram | null = null;
  #place: Place | undefined;

  constructor(program: Command, io: Io, root: string) {
    this.program = program;
    this.io = io;
    this.root = root;
    this.printer = new Printer(io);
  }

  get options(): GlobalOptions {
    return this.program.opts<GlobalOptions>();
  }

  get json(): boolean {
    return this.options.json === true;
  }

  get place(): Place {
    this.#place ??= findPlace(this.io, this.root, this.options.dataDir);
    return this.#place;
  }

  instance(): Promise<Instance | null> {
    return findInstance(this.place.dataDir);
  }

  /** @throws UsageError */
  async gateway(): Promise<Gateway> {
    const named = this.options.url ?? this.io.env.REELAY_URL;
    return findGateway(this.io, this.options.url, this.place, named ? null : await this.instance());
  }

  /** The gateway as whoever has signed in. @throws SignInNeeded, NotRunning, Unreachable, UsageError */
  async api(): Promise<ApiClient> {
    const { url } = await this.gateway();
    const found = await findToken(this.io, this.options.tokenFile, url);
    if (found !== null) return new ApiClient(url, found.token);
    // Where nothing runs, signing in would not help.
    await new ApiClient(url, null).get('/healthz');
    throw signInNeeded(url);
  }

  /** A command that ends with an error is told the truth about it. */
  async explain(error: unknown): Promise<unknown> {
    if (error instanceof ApiRefusal && error.status === 401 && error.code !== 'bad_credentials') return signInNeeded((await this.gateway()).url);
    return error instanceof Unreachable ? asNotRunning(error, await this.gateway(), this.place.dataDir) : error;
  }

  /** Prints what the API said: as it is with --json, else for people. */
  show(json: unknown, forPeople: () => void): void {
    if (this.json) this.printer.json(json);
    else forPeople();
  }
}

