/** Below the hub's limit of 512 KB for one batch, with room for what surrounds the items. */
const MAX_BATCH_BYTES = 400_000;

/** Splits items into batches of at most `maxItems` and about 400 KB as JSON. One item alone may be larger. */
export function* inBatches<T>(items: readonly T[], maxItems: number): Generator<T[]> {
  let batch: T[] = [];
  let sizeBytes = 0;
  for (const item of items) {
    const itemBytes = Buffer.byteLength(JSON.stringify(item)) + 1;
    if (batch.length > 0 && (batch.length >= maxItems || sizeBytes + itemBytes > MAX_BATCH_BYTES)) {
      yield batch;
      batch = [];
      sizeBytes = 0;
    }
    batch.push(item);
    sizeBytes += itemBytes;
  }
  if (batch.length > 0) yield batch;
}
