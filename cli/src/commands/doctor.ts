import { createLogger, Shutdown, terminalText } from '@reelay/runtime';
import { Supervisor } from '@reelay/runtime/supervisor';
import { Command } from 'commander';
import manifest from '../../package.json' with { type: 'json' };
import type { Cli } from '../cli.ts';
import { writeBundle } from '../doctor/bundle.ts';
import { VERDICTS, type Patient, type Verdict } from '../doctor/check.ts';
import { CHECKS } from '../doctor/checks.ts';
import { type Examined, examine } from '../doctor/examine.ts';
import { EXIT } from '../exit-codes.ts';
import { toneOf } from '../output/style.ts';

const END_MS = 500;

const patientOf = async (cli: Cli): Promise<Patient> => ({
  env: cli.io.env,
  place: cli.place,
  instance: await cli.instance(),
  gateway: await cli.gateway(),
  clock: cli.io.clock,
  supervisor: new Supervisor({ logger: createLogger({ service: 'doctor', level: 'silent' }), env: cli.io.env }),
});

const countsOf = (examined: readonly Examined[]): Record<Verdict, number> => {
  const counts: Record<Verdict, number> = { ok: 0, warn: 0, fail: 0 };
  for (const { findings } of examined) for (const { verdict } of findings) counts[verdict] += 1;
  return counts;
};

const tell = ({ printer }: Cli, examined: readonly Examined[]): void => {
  let heading = '';
  for (const { group, findings } of examined) {
    if (findings.length > 0 && group !== heading) {
      printer.line(`${heading === '' ? '' : '\n'}${printer.style('strong', group)}`);
      heading = group;
    }
    for (const { verdict, message, advice } of findings) {
      printer.line(`  ${printer.style(toneOf(verdict), verdict.padEnd(4))}  ${terminalText(message)}`);
      if (verdict !== 'ok' && advice !== undefined) printer.line(`        ${printer.style('dim', `→ ${terminalText(advice)}`)}`);
    }
  }
};

export const doctorCommand = (cli: Cli): Command =>
  new Command('doctor').description('check everything that this installation needs, whether it runs or not')
    .option('--bundle <file.tar.gz>', 'also pack the answers, the settings without secrets and the last log lines for support')
    .action(async ({ bundle }: { bundle?: string }) => {
      const patient = await patientOf(cli);
      try {
        const examined = await examine(CHECKS, patient);
        const counts = countsOf(examined);
        const report = { ok: counts.fail === 0, version: manifest.version, at: cli.io.clock.now().toISOString(), counts, checks: examined };
        if (counts.fail > 0) cli.exitCode = EXIT.failure;
        cli.show(report, () => {
          tell(cli, examined);
          cli.printer.line(`\n${VERDICTS.map((verdict) => `${counts[verdict]} ${verdict}`).join(', ')}`);
        });
        if (bundle !== undefined) cli.printer.note(`Packed into ${await writeBundle(cli, patient, report, bundle)}; look into it before you send it`);
      } finally {
        await patient.supervisor.terminateAll(new Shutdown('the doctor is done'), END_MS);
      }
    });
