import type { ReloadStats } from '@reelay/runtime';
import { Counter, Gauge, type Registry } from 'prom-client';

const gauge = (name: string, help: string, value: () => number): Gauge =>
  new Gauge({
    name, help, registers: [],
    collect() {
      this.set(value());
    },
  });

/** How the process lives: reloads of its configuration, and whether it is on its way out. */
export const registerLifecycleMetrics = (registry: Registry, sources: { reloads: () => ReloadStats; stopping: () => boolean }): void => {
  const reloads = new Counter({
    name: 'reelay_config_reloads_total', help: 'Reloads of the configuration, by result', labelNames: ['result'], registers: [],
    collect() {
      const { changed, unchanged, refused } = sources.reloads();
      this.reset();
      for (const [result, count] of Object.entries({ changed, unchanged, refused })) this.inc({ result }, count);
    },
  });
  registry.registerMetric(reloads);
  registry.registerMetric(gauge('reelay_config_last_reload_successful', 'Whether the last attempt to load the configuration succeeded', () => (sources.reloads().lastRefused ? 0 : 1)));
  registry.registerMetric(gauge('reelay_config_last_load_timestamp_seconds', 'When the configuration was last loaded with success, the start included', () => sources.reloads().loadedAt.getTime() / 1000));
  registry.registerMetric(gauge('reelay_shutdown_in_progress', 'Whether this gateway is stopping', () => (sources.stopping() ? 1 : 0)));
};
