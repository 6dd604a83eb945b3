/** The Kubernetes manifests: their types by the compiler against the API's own types, and what they refer to. */
import { spawnSync } from 'node:child_process';
import { existsSync, mkdirSync, mkdtempSync, readFileSync, rmSync, writeFileSync } from 'node:fs';
import { join, resolve } from 'node:path';
import { afterAll, describe, expect, it } from 'vitest';
import { parse, parseAllDocuments } from 'yaml';
import { z } from 'zod';
import { gatewaySettings } from '../../gateway/src/settings.ts';
import { agentSettings } from '../../node-agent/src/settings.ts';
import { schedulerSettings } from '../../scheduler/src/settings.ts';

const root = resolve(import.meta.dirname, '../..');
const folder = join(root, 'deploy/kubernetes');
const kustomization = z.object({ resources: z.array(z.string()), images: z.array(z.object({ name: z.string(), newTag: z.string() })) }).parse(parse(readFileSync(join(folder, 'kustomization.yaml'), 'utf8')));

const named = z.looseObject({ name: z.string() });
const container = z.looseObject({
  name: z.string(), image: z.string(), args: z.array(z.string()).optional(),
  env: z.array(z.looseObject({ name: z.string(), value: z.string().optional() })).default([]),
  volumeMounts: z.array(named).default([]),
  resources: z.object({ requests: z.record(z.string(), z.string()), limits: z.record(z.string(), z.unknown()) }),
  securityContext: z.looseObject({ allowPrivilegeEscalation: z.boolean() }).optional(),
  startupProbe: z.unknown().optional(), readinessProbe: z.unknown().optional(), livenessProbe: z.unknown().optional(), lifecycle: z.unknown().optional(),
});
const podSpec = z.looseObject({
  terminationGracePeriodSeconds: z.number(),
  securityContext: z.looseObject({ runAsNonRoot: z.boolean().optional() }),
  initContainers: z.array(container.omit({ startupProbe: true, readinessProbe: true, livenessProbe: true, lifecycle: true })).default([]),
  containers: z.array(container).min(1),
  volumes: z.array(named).default([]),
});
const manifest = z.looseObject({ apiVersion: z.string(), kind: z.string(), metadata: named, spec: z.looseObject({}).optional() });
const workload = z.looseObject({
  kind: z.string(), metadata: named,
  spec: z.looseObject({
    selector: z.object({ matchLabels: z.record(z.string(), z.string()) }),
    template: z.object({ metadata: z.looseObject({ labels: z.record(z.string(), z.string()) }), spec: podSpec }),
    volumeClaimTemplates: z.array(z.looseObject({ metadata: named })).default([]),
  }),
});

const manifests = kustomization.resources.flatMap((file) => parseAllDocuments(readFileSync(join(folder, file), 'utf8')).map((document) => {
  expect(document.errors, file).toEqual([]);
  return manifest.parse(document.toJS());
}));
const workloads = manifests.filter(({ kind }) => ['Deployment', 'StatefulSet', 'DaemonSet'].includes(kind)).map((one) => workload.parse(one));
const ours = workloads.filter(({ spec }) => spec.template.spec.containers.some(({ image }) => image.startsWith('reelay-')));
const mainOf = ({ spec }: z.infer<typeof workload>) => spec.template.spec.containers[0] ?? expect.fail('no container');

const MODULES: Record<string, string> = {
  'apps/v1': 'apps/v1', 'policy/v1': 'policy/v1', v1: 'core/v1',
};

describe('the manifests', () => {
  const cache = join(root, 'node_modules/.cache');
  mkdirSync(cache, { recursive: true });
  const temp = mkdtempSync(join(cache, 'reelay-manifests-'));
  afterAll(() => rmSync(temp, { recursive: true, force: true }));

  it('are what the API’s types say: no unknown field, nothing of a wrong type, nothing missing', () => {
    const lines = manifests.map(({ apiVersion, kind, ...rest }, index) => {
      const from = MODULES[apiVersion] ?? expect.fail(`unknown apiVersion ${apiVersion}`);
      return `import type { ${kind} as Kind${index} } from 'kubernetes-types/${from}';\nexport const manifest${index}: Kind${index} = ${JSON.stringify({ apiVersion, kind, ...rest })};`;
    });
    const file = join(temp, 'manifests.ts');
    writeFileSync(file, lines.join('\n'));
    const check = () => spawnSync(process.execPath, [join(root, 'node_modules/typescript/bin/tsc'), '--noEmit', '--strict', '--skipLibCheck', '--ignoreConfig', '--module', 'esnext', '--moduleResolution', 'bundler', file], { encoding: 'utf8' }).stdout;
    expect(check()).toBe('');
    // The check itself: a field that does not exist is found.
    writeFileSync(file, lines.join('\n').replace('"replicas"', '"replicsa"'));
    expect(check()).toMatch(/replicsa.* does not exist/);
  });
  it('are all listed, and images have a tag', () => {
    for (const file of kustomization.resources) expect(existsSync(join(folder, file)), file).toBe(true);
    const tagged = new Set(kustomization.images.map(({ name }) => name));
    for (const one of workloads) for (const { image } of one.spec.template.spec.containers) expect(image.includes(':') || tagged.has(image), image).toBe(true);
  });
  it('select their own pods, mount volumes that they declare, and bound their memory', () => {
    for (const { metadata, spec } of workloads) {
      const pod = spec.template.spec;
      expect(spec.template.metadata.labels, metadata.name).toMatchObject(spec.selector.matchLabels);
      const declared = new Set([...pod.volumes, ...spec.volumeClaimTemplates.map((claim) => claim.metadata)].map(({ name }) => name));
      for (const one of [...pod.initContainers, ...pod.containers]) {
        for (const mount of one.volumeMounts) expect(declared, `${metadata.name}: ${mount.name}`).toContain(mount.name);
        expect(one.resources.limits['memory'], metadata.name).toBeDefined();
        expect(one.resources.requests, metadata.name).toMatchObject({ cpu: expect.any(String), memory: expect.any(String) });
      }
    }
  });
});

describe('Reelay’s own workloads', () => {
  const SETTINGS: Record<string, object> = { gateway: gatewaySettings, scheduler: schedulerSettings, agent: agentSettings, 'agent-gpu': agentSettings };

  it('are the gateway, the scheduler, and agents: one on each GPU host', () => {
    expect(ours.map(({ kind, metadata }) => `${kind} ${metadata.name}`).toSorted()).toEqual(['DaemonSet agent-gpu', 'Deployment gateway', 'Deployment scheduler', 'StatefulSet agent']);
    expect(mainOf(ours.find(({ kind }) => kind === 'DaemonSet') ?? expect.fail()).resources.limits).toMatchObject({ 'nvidia.com/gpu': '1' });
  });
  it('run without privileges, with probes, a preStop that only sleeps, and time to stop', () => {
    for (const one of ours) {
      const pod = one.spec.template.spec;
      const main = mainOf(one);
      expect(pod.securityContext.runAsNonRoot, one.metadata.name).toBe(true);
      for (const each of [...pod.initContainers, main]) expect(each.securityContext?.allowPrivilegeEscalation, one.metadata.name).toBe(false);
      expect(main.startupProbe && main.livenessProbe, one.metadata.name).toBeTruthy();
      const sleep = z.object({ preStop: z.object({ exec: z.object({ command: z.tuple([z.literal('sleep'), z.string()]) }) }) }).parse(main.lifecycle).preStop.exec.command[1];
      const env = Object.fromEntries(main.env.map(({ name, value }) => [name, value]));
      const needed = Number(sleep) + Number(env['REELAY_DRAIN_SECONDS'] ?? 0) + Number(env['SHUTDOWN_TIMEOUT']);
      expect(pod.terminationGracePeriodSeconds, one.metadata.name).toBeGreaterThan(needed);
    }
    expect(mainOf(ours.find(({ metadata }) => metadata.name === 'gateway') ?? expect.fail()).readinessProbe).toMatchObject({ httpGet: { path: '/readyz' } });
  });
  it('name only settings that the programs read, and all that they require', () => {
    const fromImage = new Set([...readFileSync(join(root, 'deploy/Dockerfile'), 'utf8').matchAll(/\b(REELAY_\w+)=/g)].map((match) => match[1]));
    for (const one of ours) {
      const settings = SETTINGS[one.metadata.name] ?? expect.fail(one.metadata.name);
      const given = mainOf(one).env.map(({ name }) => name);
      expect(given.filter((name) => !(name in settings) && !/^(REELAY_CONFIG|NVIDIA_DRIVER_CAPABILITIES)$/.test(name)), one.metadata.name).toEqual([]);
      const missing = Object.entries(settings).filter(([name, setting]) => {
        const { schema } = z.object({ schema: z.instanceof(z.ZodType) }).parse(setting);
        return !schema.safeParse(undefined).success && !given.includes(name) && !fromImage.has(name);
      });
      expect(missing.map(([name]) => name).filter((name) => name !== 'DATABASE_URL'), one.metadata.name).toEqual([]);
    }
  });
  it('that are more than one, or serve people, survive a drained host', () => {
    const budgets = manifests.filter(({ kind }) => kind === 'PodDisruptionBudget').map(({ metadata }) => metadata.name);
    expect(budgets.toSorted()).toEqual(['agent', 'gateway', 'scheduler']);
  });
  it('agents see neither the database’s password, nor the signing key, nor other nodes’ credentials', () => {
    for (const one of ours.filter(({ metadata }) => metadata.name.startsWith('agent'))) {
      const secrets = z.array(z.looseObject({ name: z.string(), secret: z.object({ secretName: z.string() }).loose().optional() })).parse(one.spec.template.spec.volumes);
      expect(secrets.flatMap(({ secret }) => (secret ? [secret.secretName] : []))).toEqual(['reelay-nodes']);
      expect(mainOf(one).volumeMounts.find(({ name }) => name === 'nodes')).toMatchObject({ subPathExpr: '$(REELAY_NODE_ID).creds', readOnly: true });
    }
  });
});
