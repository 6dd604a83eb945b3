/** How the command ends. Scripts branch on these; a service that it runs keeps its own codes. */
export const EXIT = {
  ok: 0,
  failure: 1,
  usage: 2,
  notRunning: 3,
  notFound: 4,
  notPermitted: 5,
  unreachable: 6,
  jobFailed: 7,
  conflict: 8,
  timedOut: 9,
} as const;
export type ExitCode = (typeof EXIT)[keyof typeof EXIT];

/** The table of the documentation. */
export const EXIT_MEANINGS: Readonly<Record<keyof typeof EXIT, string>> = {
  ok: 'Done; `status`: everything is well; `doctor`: no check failed',
  failure: 'It failed; `status`: something is missing (degraded); `doctor`: at least one check failed',
  usage: 'The command line, or a value in it, is not valid; also what the API refused as not valid',
  notRunning: 'Reelay does not run here',
  notFound: 'There is no such job, node or video',
  notPermitted: 'Sign-in is needed, or the role does not allow it',
  unreachable: 'The gateway does not answer, or cannot serve at the moment',
  jobFailed: 'With `--wait`: the job failed or was cancelled',
  conflict: 'Something else was first: the job is in another state, the name is taken',
  timedOut: 'The time given with `--timeout` is over',
};
