import { Command } from 'commander';
import manifest from '../../package.json' with { type: 'json' };
import type { Cli } from '../cli.ts';

export const versionCommand = (cli: Cli): Command =>
  new Command('version').description('print the versions of this program and of Node').action(() => {
    const version = { version: manifest.version, node: process.versions.node, platform: process.platform, arch: process.arch };
    cli.show(version, () => cli.printer.line(`reelay ${version.version} (Node ${version.node}, ${version.platform} ${version.arch})`));
  });
