// Work for many phones: so many at a time, and how long it takes.

/** Does the work for every item, so many at a time; gives the results in order. */
export async function inTurn(items, width, work) {
  const results = [];
  let next = 0;
  const one = async () => {
    while (next < items.length) {
      const place = next++;
      results[place] = await work(items[place]);
    }
  };
  await Promise.all(Array.from({ length: Math.min(width, items.length) }, one));
  return results;
}

/** The whole numbers from a first one up to another, without it. */
export const range = (from, to) => Array.from({ length: to - from }, (_, place) => from + place);

/** Milliseconds of a pause between live edits, or to let something settle that says nothing of itself. */
export const pause = (milliseconds) => new Promise((resolve) => setTimeout(resolve, milliseconds));

/** Milliseconds that something takes. */
export async function timed(work) {
  const started = performance.now();
  await work();
  return performance.now() - started;
}
