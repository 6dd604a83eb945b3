import { collectDefaultMetrics, Counter, Gauge, Histogram, Registry } from 'prom-client';
import type { RequestMeasured } from '../middleware/access-log.ts';

/** What this gateway measures about itself. */
export class HttpMetrics {
  readonly registry = new Registry();
  readonly #requests: Histogram<'method' | 'route' | 'status'>;
  readonly #clients: Gauge;
  readonly #dropped: Counter<'reason'>;
  readonly #beforeRead: (() => void)[] = [];

  constructor(options: { liveClients: () => number; processMetrics: boolean }) {
    if (options.processMetrics) collectDefaultMetrics({ register: this.registry });
    this.#requests = new Histogram({
      name: 'http_request_duration_seconds', help: 'Time until the head of the answer', labelNames: ['method', 'route', 'status'],
      buckets: [0.005, 0.02, 0.05, 0.1, 0.25, 0.5, 1, 2.5, 10], registers: [this.registry],
      collect: () => this.#beforeRead.forEach((fn) => fn()),
    });
    this.#clients = new Gauge({
      name: 'reelay_live_clients', help: 'Browsers listening to live events', registers: [this.registry], collect: () => this.#clients.set(options.liveClients()),
    });
    this.#dropped = new Counter({ name: 'reelay_live_clients_left_total', help: 'Live streams that ended, by reason', labelNames: ['reason'], registers: [this.registry] });
  }

  readonly request = ({ method, route, status, tookMs }: RequestMeasured): void => {
    this.#requests.observe({ method, route, status: String(status) }, tookMs / 1000);
  };

  /** `fn` is called before anybody reads: the last moment to count what has not been counted. */
  onRead(fn: () => void): void {
    this.#beforeRead.push(fn);
  }

  liveClientLeft(reason: string): void {
    this.#dropped.inc({ reason });
  }
}
