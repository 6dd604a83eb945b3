import { allProcessesSchema, endProcessResponse, nodeProcessesSchema, type Process } from '@reelay/contracts';
import { Command } from 'commander';
import type { Cli } from '../../cli.ts';
import { understood } from '../../connection/api-client.ts';
import type { Column } from '../../output/table.ts';
import { bytes, duration } from '../../output/words.ts';

const columns: Column<Process>[] = [
  { title: 'NODE', value: (one) => one.nodeId },
  { title: 'PROCESS', value: (one) => one.id },
  { title: 'NAME', value: (one) => one.name },
  { title: 'KIND', value: (one) => one.kind },
  { title: 'STATE', value: (one) => one.state, tone: (one) => (one.state === 'running' ? 'plain' : 'warn') },
  { title: 'UP', value: (one) => duration(one.uptimeMs / 1000), align: 'right' },
  { title: 'CPU', value: (one) => (one.cpuPercent === null ? '-' : `${Math.round(one.cpuPercent)} %`), align: 'right' },
  { title: 'MEMORY', value: (one) => (one.rssBytes === null ? '-' : bytes(one.rssBytes)), align: 'right' },
  { title: 'FOR', value: (one) => one.owner ?? one.file ?? '', mayCut: true },
];

export const psCommand = (cli: Cli): Command =>
  new Command('ps').description('list the processes of all nodes, or of one').argument('[id]', 'id of the node').action(async (id: string | undefined) => {
    const api = await cli.api();
    const json = await api.get(id === undefined ? '/api/media/processes' : `/api/media/nodes/${encodeURIComponent(id)}/processes`);
    cli.show(json, () => {
      const { data, unreachable: silent } = id === undefined ? understood(allProcessesSchema, json) : { ...understood(nodeProcessesSchema, json), unreachable: [] };
      if (data.length === 0) cli.printer.line('No processes.');
      else cli.printer.table(columns, data);
      for (const { nodeId, detail } of silent) cli.printer.warn(`${nodeId}: ${detail}`);
    });
  });

export const killCommand = (cli: Cli): Command =>
  new Command('kill').description('end a process of a node by hand; its job fails and is not tried again by itself')
    .argument('<id>', 'id of the node').argument('<process>', 'as reelay nodes ps has it')
    .option('--reason <text>', 'kept in the audit')
    .action(async (id: string, process: string, { reason }: { reason?: string }) => {
      const api = await cli.api();
      const json = (await api.call('DELETE', `/api/media/nodes/${encodeURIComponent(id)}/processes/${encodeURIComponent(process)}`, { body: reason === undefined ? {} : { reason } })).json;
      cli.show(json, () => {
        const { result, name, job } = understood(endProcessResponse, json);
        cli.printer.line(`${process}  ${name ?? ''} ${result}${job === null ? '' : `; job ${job.id} is ${job.status}`}`);
      });
    });
