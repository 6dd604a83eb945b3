import { type Node, nodeListSchema } from '@reelay/contracts';
import { Command } from 'commander';
import type { Cli } from '../../cli.ts';
import { understood } from '../../connection/api-client.ts';
import { toneOf } from '../../output/style.ts';
import type { Column } from '../../output/table.ts';
import { ago } from '../../output/words.ts';

const slots = ({ running, limits }: Node): string => (['cpu', 'gpu_encode', 'gpu_ai'] as const).map((category) => `${running[category]}/${limits[category]}`).join(' ');

export const nodeColumns = (now: Date): Column<Node>[] => [
  { title: 'ID', value: (node) => node.id },
  { title: 'HEALTH', value: (node) => node.health, tone: (node) => toneOf(node.health) },
  { title: 'STATE', value: (node) => node.adminState, tone: (node) => toneOf(node.adminState) },
  { title: 'CPU ENC AI', value: slots },
  { title: 'ENCODER', value: (node) => node.encoder ?? 'none', tone: (node) => (node.encoder === null ? 'bad' : 'plain') },
  { title: 'HEARD', value: (node) => ago(node.lastSeenAt, now) },
  { title: 'VERSION', value: (node) => node.version },
  { title: 'DEVICES', value: (node) => node.devices.map((device) => device.name).join(', '), mayCut: true },
];

export const lsCommand = (cli: Cli): Command =>
  new Command('ls').alias('list').description('list nodes').action(async () => {
    const json = await (await cli.api()).get('/api/media/nodes');
    cli.show(json, () => {
      const { data } = understood(nodeListSchema, json);
      if (data.length === 0) cli.printer.line('No nodes.');
      else cli.printer.table(nodeColumns(cli.io.clock.now()), data);
    });
  });
