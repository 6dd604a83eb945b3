export { type DeathSignal, findExecutable, hasSetpriv } from './command.ts';
export { type Exit, OutputTooLarge, SpawnFailed, SpawnRefused } from './exit.ts';
export { acquireGuardian, type Guardian, GuardianFailed, type GuardianOptions, InstanceRunningError } from './guardian.ts';
export { LineSplitter } from './line-splitter.ts';
export { ownerIsAlive, type PidFile, readPidFile } from './pid-file.ts';
export type { Proc, ProcState } from './proc.ts';
export { runTool, type ToolOptions, type ToolResult } from './run-tool.ts';
export { type SpawnOptions, Supervisor, type SupervisorOptions, type SupervisorStats } from './supervisor.ts';
export { RUN_MARK, type RunMark, sweepOrphans } from './sweep.ts';
