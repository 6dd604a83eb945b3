/** The systemd units: by systemd itself where it is there, and by what they refer to. */
import { execFileSync, spawnSync } from 'node:child_process';
import { existsSync, mkdtempSync, readdirSync, readFileSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join, resolve } from 'node:path';
import { describe, expect, it } from 'vitest';

const root = resolve(import.meta.dirname, '../..');
const folder = join(root, 'deploy/systemd');
const files = readdirSync(folder).filter((name) => /\.(service|target)$/.test(name));

type Unit = Map<string, Map<string, string[]>>;

/** Sections with their directives, in the syntax of systemd.syntax(7). @throws for any other line */
const parseUnit = (text: string): Unit => {
  const unit: Unit = new Map();
  let section: Map<string, string[]> | undefined;
  for (const line of text.replaceAll(/\\\n/g, ' ').split('\n')) {
    if (line.trim() === '' || /^[#;]/.test(line)) continue;
    const head = /^\[(Unit|Service|Install)\]$/.exec(line)?.[1];
    const pair = /^([A-Z][A-Za-z]+)=(.*)$/.exec(line);
    if (head !== undefined) {
      section = new Map();
      unit.set(head, section);
    } else if (pair?.[1] !== undefined && section !== undefined) {
      section.set(pair[1], [...(section.get(pair[1]) ?? []), pair[2] ?? '']);
    } else {
      throw new Error(`not a line of a unit: ${line}`);
    }
  }
  return unit;
};
const units = new Map(files.map((name) => [name, parseUnit(readFileSync(join(folder, name), 'utf8'))]));
const services = [...units].filter(([name]) => name.endsWith('.service'));
const of = (unit: Unit, key: string): string | undefined => unit.get('Service')?.get(key)?.at(-1);
const seconds = (span: string | undefined): number => Number(/^(\d+)s?$/.exec(span ?? '')?.[1] ?? Number.NaN);

describe('the systemd units', () => {
  it('are one for each service, and one for everything on one machine', () => {
    expect(files.toSorted()).toEqual(['reelay-agent.service', 'reelay-all.service', 'reelay-gateway.service', 'reelay-scheduler.service', 'reelay.target']);
  });
  it('start programs that the build makes, as an ordinary user', () => {
    const built = new Set([...readFileSync(join(root, 'launcher/build.mjs'), 'utf8').matchAll(/^ {2}'?([\w-]+)'?: '[\w-]+\/src\/[\w-]+\.ts',$/gm)].map((match) => `dist/${match[1]}.js`));
    for (const [name, unit] of services) {
      const [node, program = ''] = (of(unit, 'ExecStart') ?? '').split(' ');
      expect(node).toBe('/usr/bin/node');
      expect(built.has(program) || existsSync(join(root, program)), `${name}: ${program}`).toBe(true);
      expect(of(unit, 'User')).toBe('reelay');
      expect(of(unit, 'NoNewPrivileges')).toBe('yes');
    }
  });
  it('end the service first and then whatever is left, later than it ends by itself; start it again unless that cannot help', () => {
    for (const [name, unit] of services) {
      expect(of(unit, 'KillMode'), name).toBe('mixed');
      const own = Number(/SHUTDOWN_TIMEOUT=(\d+)/.exec((unit.get('Service')?.get('Environment') ?? []).join(' '))?.[1] ?? 10);
      expect(seconds(of(unit, 'TimeoutStopSec')), name).toBeGreaterThan(own);
      expect(of(unit, 'Restart'), name).toBe('always');
      expect(of(unit, 'RestartPreventExitStatus')?.split(' '), name).toEqual(expect.arrayContaining(['75', '78']));
      expect(of(unit, 'OOMPolicy'), name).toBe('continue');
      expect([of(unit, 'Type'), of(unit, 'NotifyAccess')], name).toEqual(['notify', 'all']);
    }
    for (const [name, unit] of services) if (!name.includes('all')) expect(seconds(of(unit, 'WatchdogSec')), name).toBe(30);
  });
  const verify = spawnSync('systemd-analyze', ['--version']).status === 0;
  it.skipIf(!verify)('pass systemd-analyze verify', () => {
    // Its own paths do not exist here: they are replaced by ones that do; everything else is checked as it is.
    const copies = mkdtempSync(join(tmpdir(), 'reelay-units-'));
    for (const name of files) {
      const text = readFileSync(join(folder, name), 'utf8').replaceAll('/usr/bin/node', process.execPath).replaceAll(/^Documentation=.*$/gm, '').replaceAll(/^(User|Group)=reelay$/gm, '$1=daemon');
      writeFileSync(join(copies, name), text);
    }
    const said = files.map((name) => {
      const { stdout, stderr } = spawnSync('systemd-analyze', ['verify', '--man=no', join(copies, name)], { encoding: 'utf8' });
      return `${stdout}${stderr}`;
    }).join('').split('\n').filter((line) => line.includes(copies) || line.includes('reelay'));
    rmSync(copies, { recursive: true, force: true });
    expect(said).toEqual([]);
  });
});

describe('the PM2 file', () => {
  it('starts programs that the build makes and gives them time to stop', () => {
    const file = join(root, 'deploy/pm2/ecosystem.config.cjs');
    const { apps } = JSON.parse(execFileSync(process.execPath, ['-p', `JSON.stringify(require(${JSON.stringify(file)}))`], { encoding: 'utf8' })) as {
      apps: { name: string; script: string; cwd: string; kill_timeout: number; treekill: boolean; exec_mode: string; env: Record<string, string> }[];
    };
    expect(apps.map(({ script }) => script)).toEqual(['dist/gateway.js', 'dist/scheduler.js', 'dist/node-agent.js']);
    for (const app of apps) {
      expect(app.cwd).toBe(root);
      expect(app.kill_timeout).toBeGreaterThan(Number(app.env['SHUTDOWN_TIMEOUT']) * 1000);
      expect([app.treekill, app.exec_mode]).toEqual([false, 'fork']);
    }
  });
});
