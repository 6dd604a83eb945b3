import { execFile } from 'node:child_process';
import { existsSync } from 'node:fs';
import { mkdtemp, rm, writeFile } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { promisify } from 'node:util';
import { JOB_STATUSES, JOB_TYPES } from '@reelay/contracts';
import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import { EmptyHome } from '../testing.ts';

const execute = promisify(execFile);
let home: EmptyHome;
let folder: string;

beforeAll(async () => {
  home = await EmptyHome.make();
  folder = await mkdtemp(join(tmpdir(), 'reelay-completion-'));
});
afterAll(async () => {
  await home.remove();
  await rm(folder, { recursive: true, force: true });
});

const script = async (shell: string): Promise<string> => {
  const path = join(folder, `reelay.${shell}`);
  const { out } = await home.run(['completion', shell]);
  await writeFile(path, out);
  return path;
};

/** What each shell offers for the last word. */
const SHELLS: Record<string, (words: readonly string[]) => Promise<string[]>> = {
  bash: async (words) => {
    const code = `source "$1"; shift; COMP_WORDS=("$@"); COMP_CWORD=$(($# - 1)); _reelay; printf '%s\\n' "\${COMPREPLY[@]}"`;
    return (await execute('bash', ['-c', code, 'bash', await script('bash'), ...words])).stdout.split('\n');
  },
  // Without its terminal zsh offers nothing; what it would add is caught instead.
  zsh: async (words) => {
    const code = `compdef() { :; }; source "$1"; shift; words=("$@"); CURRENT=$#
      compadd() { while [[ $1 != -- ]]; do shift; done; shift; print -l -- "$@" }
      compset() { :; }; _files() { print -l -- *(N) }; _describe() { print -l -- "\${reply[@]%%:*}" }
      _reelay`;
    return (await execute('zsh', ['-f', '-c', code, 'zsh', await script('zsh'), ...words], { cwd: folder })).stdout.split('\n');
  },
  fish: async (words) => {
    const code = `source $argv[1]; complete -C "$argv[2]"`;
    const { stdout } = await execute('fish', ['--no-config', '-c', code, await script('fish'), words.join(' ')], { cwd: folder, env: { ...process.env, HOME: folder } });
    return stdout.split('\n').map((line) => line.split('\t')[0] ?? '');
  },
};
const installed = (shell: string): boolean => (process.env['PATH'] ?? '').split(':').some((path) => existsSync(join(path, shell)));

describe.each(Object.keys(SHELLS).filter(installed))('completion of %s', (shell) => {
  const offered = async (...words: string[]): Promise<string[]> => {
    const cur = words.at(-1) ?? '';
    return ((await SHELLS[shell]?.(words)) ?? []).filter((word) => word !== '' && word.startsWith(cur));
  };

  it('knows the commands, at each level, also behind options and their values', async () => {
    expect(await offered('reelay', 'sta')).toEqual(expect.arrayContaining(['start', 'status']));
    expect(await offered('reelay', 'jobs', '')).toEqual(expect.arrayContaining(['ls', 'create', 'logs', 'cancel']));
    expect(await offered('reelay', '--url', 'http://jobs', 'nodes', 'dr')).toEqual(['drain']);
    expect(await offered('reelay', '--json', 'jobs', 'sh')).toEqual(['show']);
  });

  it('knows options of the command and of the whole command line', async () => {
    const options = await offered('reelay', 'jobs', 'logs', '--');
    expect(options).toEqual(expect.arrayContaining(['--follow', '--json', '--url']));
    expect(options).not.toContain('--sort');
  });

  it('knows job types, statuses and shells', async () => {
    expect((await offered('reelay', 'jobs', 'create', '')).toSorted()).toEqual(JOB_TYPES.toSorted());
    expect((await offered('reelay', 'jobs', 'ls', '--status', '')).toSorted()).toEqual(JOB_STATUSES.toSorted());
    expect((await offered('reelay', 'completion', '')).toSorted()).toEqual(['bash', 'fish', 'zsh']);
  });

  it('offers files where a file belongs, and no commands behind an argument', async () => {
    await writeFile(join(folder, 'film.mkv'), '');
    expect(await offered('reelay', 'videos', 'upload', shell === 'bash' ? `${folder}/fi` : 'fi')).toEqual([shell === 'bash' ? `${folder}/film.mkv` : 'film.mkv']);
    expect(await offered('reelay', 'jobs', 'show', 'c')).not.toContain('cancel');
  });
});

it('bash goes on behind a comma', async () => {
  expect(await SHELLS['bash']?.(['reelay', 'jobs', 'ls', '--status', 'pending,fa'])).toContain('pending,failed');
});
