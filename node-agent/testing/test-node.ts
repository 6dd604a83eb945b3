import { mkdirSync, mkdtempSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { createLogger, Ctx, type Env, LIBRARY_ID_FILE, type Logger, newId, readSettings, Shutdown, systemClock } from '@reelay/runtime';
import { connectBus } from '@reelay/runtime/bus';
import { Supervisor } from '@reelay/runtime/supervisor';
import { Agent, type AgentOptions } from '../src/agent.ts';
import { Scratch } from '../src/host/scratch.ts';
import { agentSettings } from '../src/settings.ts';
import { type Bundles, bundleAgent } from './bundles.ts';
import { eventually } from './eventually.ts';
import { TestNats } from './nats-server.ts';
import { processesOf } from './processes.ts';
import { LIBRARY_ID, TestHub } from './test-hub.ts';

export interface RunningAgent {
  agent: Agent;
  supersededCalls: () => number;
  stop: () => Promise<void>;
}

const testLogger = (): Logger => createLogger({ service: 'agent', level: process.env.REELAY_TEST_LOG === '1' ? 'debug' : 'silent' });

/** A library, a work folder, a NATS server and a hub: all that an agent needs. */
export class TestBench {
  readonly folder = mkdtempSync(join(tmpdir(), 'reelay-agent-'));
  readonly library = join(this.folder, 'library');
  readonly workDir = join(this.folder, 'work');
  nats!: TestNats;
  hub!: TestHub;
  bundles!: Bundles;

  static async open(): Promise<TestBench> {
    const bench = new TestBench();
    mkdirSync(bench.library);
    mkdirSync(bench.workDir);
    writeFileSync(join(bench.library, LIBRARY_ID_FILE), `${LIBRARY_ID}\n`);
    [bench.nats, bench.bundles] = await Promise.all([TestNats.start(), bundleAgent(bench.folder)]);
    bench.hub = new TestHub(bench.nats.url, bench.library);
    await bench.hub.start();
    return bench;
  }

  env(more: Env = {}): Env {
    return {
      PATH: process.env.PATH, REELAY_NODE_ID: this.hub.nodeId, REELAY_GATEWAY_URL: this.hub.httpUrl, NATS_URL: this.nats.url, MEDIA_LIBRARY_PATH: this.library,
      REELAY_WORK_DIR: this.workDir, REELAY_JOB_PROCESS: this.bundles.jobProcess, REELAY_MIN_FREE_MB: '0',
      // Tests run beside other tests, and wait for the jobs.
      REELAY_BATCH_NICE: '0', FFMPEG_PATH: process.env.FFMPEG_PATH, FFPROBE_PATH: process.env.FFPROBE_PATH, ...more,
    };
  }

  /** An agent in this process, introduced to the hub. */
  async startAgent(more: Env = {}, logger: Logger = testLogger(), special: Partial<Pick<AgentOptions, 'readMemory' | 'jobProgram' | 'settings'>> = {}): Promise<RunningAgent> {
    const env = this.env(more);
    const settings = readSettings(agentSettings, { env });
    const incarnation = newId();
    const supervisor = new Supervisor({ logger, env, run: { dir: this.workDir, id: incarnation } });
    const bus = await connectBus({ url: this.nats.url, name: 'agent', logger });
    const scratch = new Scratch(this.workDir, incarnation);
    await scratch.open();
    let superseded = 0;
    let joined = false;
    const agent = new Agent({
      settings, incarnation, bus, supervisor, scratch, logger, clock: systemClock, version: 'test', jobProgram: this.bundles.jobProcess, ...special,
      onSuperseded: () => {
        superseded += 1;
      },
      onWelcomed: () => {
        joined = true;
      },
    });
    await agent.start(Ctx.root());
    // Not the hello alone: before its answer the agent does not know that it holds the hub's library.
    await eventually('the answer to its hello', () => joined);
    return {
      agent, supersededCalls: () => superseded,
      stop: async () => {
        await agent.stop();
        await supervisor.terminateAll(new Shutdown('test over'), 500);
        await bus.close();
        await scratch.close();
      },
    };
  }

  /** Ends everything and removes the folder. @throws when a process of the run is left */
  async close(): Promise<void> {
    await this.hub.stop();
    await this.nats.down();
    const left = processesOf(this.workDir);
    for (const { pid } of left) process.kill(pid, 'SIGKILL');
    rmSync(this.folder, { recursive: true, force: true, maxRetries: 3 });
    if (left.length > 0) throw new Error(`left behind: ${left.map(({ command }) => command).join(' | ')}`);
  }
}
