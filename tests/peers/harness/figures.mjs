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
 * Round trips, from how long something takes when each way is delayed by so many milliseconds, and how long
 * when it is not.
 */
export function roundTrips(delayed, direct, delay) {
  return Math.round((delayed - direct) / (2 * delay));
}
