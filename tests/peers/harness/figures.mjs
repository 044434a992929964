// Medians and percentiles.

/** The figure that this share of the figures does not exceed; none of none. */
export function quantile(figures, share) {
  const sorted = [...figures].sort((one, other) => one - other);
  return sorted[Math.max(0, Math.ceil(share * sorted.length) - 1)];
}

export const median = (figures) => quantile(figures, 0.5);

/** For each key of some objects of figures, the median of those that have it. */
export function medians(objects) {
  const keys = [...new Set(objects.flatMap(Object.keys))];
  const known = (key) => objects.map((object) => object[key]).filter((figure) => figure !== undefined);
  return Object.fromEntries(keys.map((key) => [key, median(known(key))]));
}

/**
 * Bytes and round trips of a phone, from runs of it as it is and runs in which each way is delayed by so many
 * milliseconds; each has its bytes and how long it took.
 */
export function counted(direct, delayed, delay) {
  // The fastest is the least disturbed.
  const fastest = (runs) => Math.min(...runs.map((run) => run.elapsed[0]));
  const bytes = medians(direct.map(({ up, down }) => ({ up, down })));
  return { ...bytes, trips: Math.round((fastest(delayed) - fastest(direct)) / (2 * delay)) };
}
