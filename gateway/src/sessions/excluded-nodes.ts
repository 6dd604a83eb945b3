/** Nodes that failed with a stream a short while ago. Pure: time is passed in. */
export class ExcludedNodes {
  readonly #untilMs = new Map<string, number>();

  add(nodeId: string, untilMs: number): void {
    this.#untilMs.set(nodeId, untilMs);
  }

  at(nowMs: number): string[] {
    return [...this.#untilMs].filter(([, untilMs]) => untilMs > nowMs).map(([nodeId]) => nodeId);
  }

  clear(): void {
    this.#untilMs.clear();
  }
}
