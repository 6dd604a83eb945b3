/** What the file reelay.mjs hands over: where Reelay lies, and the words after the command's name. */
export interface CliStart {
  root: string;
  argv: readonly string[];
}
