import { type Node, nodeSchema } from '@reelay/contracts';
import { Command } from 'commander';
import type { Cli } from '../../cli.ts';
import { understood } from '../../connection/api-client.ts';
import { toneOf } from '../../output/style.ts';
import { ago, localTime } from '../../output/words.ts';

type Device = Node['devices'][number];

const showNode = (cli: Cli, node: Node): void => {
  cli.printer.fields([
    ['id', node.id], ['name', node.name], ['health', node.health, toneOf(node.health)], ['state', node.adminState, toneOf(node.adminState)], ['drained by', localTime(node.drainDeadlineAt)],
    ['version', node.version], ['ffmpeg', node.ffmpegVersion], ['encoder', node.encoder ?? 'none'],
    ['other encoders', node.encoderTrials.filter((trial) => !trial.ok).map((trial) => `${trial.encoder}: ${trial.reason ?? 'does not work'}`).join('; ')],
    ['jobs', `cpu ${node.running.cpu} of ${node.limits.cpu}, gpu_encode ${node.running.gpu_encode} of ${node.limits.gpu_encode}, gpu_ai ${node.running.gpu_ai} of ${node.limits.gpu_ai}`],
    ['library', node.hasLibrary ? 'mounted' : 'over HTTP'],
    ['labels', Object.entries(node.labels).map(([name, value]) => `${name}=${value}`).join(', ')],
    ['registered', localTime(node.registeredAt)], ['heard', ago(node.lastSeenAt, cli.io.clock.now())],
  ]);
  if (node.devices.length === 0) return;
  cli.printer.line();
  cli.printer.table<Device>([
    { title: 'DEVICE', value: (device) => device.id },
    { title: 'TOTAL MB', value: (device) => device.totalMb, align: 'right' },
    { title: 'FREE MB', value: (device) => device.freeMb, align: 'right' },
    { title: 'BOOKED MB', value: (device) => device.bookedMb, align: 'right' },
    { title: 'NAME', value: (device) => device.name, mayCut: true },
  ], node.devices);
};

export const showCommand = (cli: Cli): Command =>
  new Command('show').description('show a node with its devices').argument('<id>', 'id of the node').action(async (id: string) => {
    const json = await (await cli.api()).get(`/api/media/nodes/${encodeURIComponent(id)}`);
    cli.show(json, () => showNode(cli, understood(nodeSchema, json)));
  });
