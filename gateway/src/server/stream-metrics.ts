import { Counter, Gauge, type Registry } from 'prom-client';
import type { CacheStats } from '../cache/segment-cache.ts';

/** What streams take and what the cache spares. */
export const registerStreamMetrics = (registry: Registry, sources: { cache: () => CacheStats; streams: () => number; pipes: () => number }): void => {
  const gauge = (name: string, help: string, value: () => number): void => {
    registry.registerMetric(new Gauge({
      name, help, registers: [],
      collect() {
        this.set(value());
      },
    }));
  };
  gauge('reelay_streams', 'Videos being encoded for viewers of this gateway', sources.streams);
  gauge('reelay_live_films', 'Continuous films being encoded for viewers of this gateway', sources.pipes);
  gauge('reelay_segment_cache_disk_bytes', 'Segments kept on the disk', () => sources.cache().diskBytes);
  gauge('reelay_segment_cache_disk_pieces', 'Number of segments kept on the disk', () => sources.cache().diskPieces);
  gauge('reelay_segment_cache_memory_bytes', 'Segments kept in memory', () => sources.cache().hotBytes);
  registry.registerMetric(new Counter({
    name: 'reelay_segment_cache_requests_total', help: 'Looks into the cache, by where the segment was found', labelNames: ['found'], registers: [],
    collect() {
      const { hotHits, diskHits, misses } = sources.cache();
      this.reset();
      for (const [found, count] of Object.entries({ memory: hotHits, disk: diskHits, nowhere: misses })) this.inc({ found }, count);
    },
  }));
};
