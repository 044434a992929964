// What is reported of each workload: the figures, their units, and whether less or more of them is better.

const MILLISECONDS = "ms";

const cpu = (of) => ({ key: "cpu", title: `server CPU ${of}`, unit: MILLISECONDS });
const up = { key: "up", title: "bytes up", unit: "B" };
const down = { key: "down", title: "bytes down", unit: "B" };
const trips = { key: "trips", title: "round trips", unit: "" };
const p50 = { key: "p50", title: "time, p50", unit: MILLISECONDS };
const p99 = { key: "p99", title: "time, p99", unit: MILLISECONDS };
const peak = { key: "peak", title: "server memory at most", unit: "KiB" };

/** Of a scale (`harness/scale.mjs`), the workloads in the order they are reported in. */
export function workloads(scale) {
  const { entries, reconnects, storm, newPhone, newPhoneRounds, live, writers, edits, idle } = scale;
  const thousands = (number) => number.toLocaleString("en");
  return [
    {
      key: "reconnect",
      title: `Reconnect with one offline edit, record of ${entries} entries, ${reconnects} phones one after the other`,
      short: "Reconnect, one offline edit",
      metrics: [cpu("a phone"), up, down, trips, p50, p99, peak],
    },
    {
      key: "storm",
      title: `The same, ${storm} phones at once, the server just started`,
      short: `${storm} reconnect at once`,
      metrics: [cpu("a phone"), p50, p99, peak],
    },
    {
      key: "newPhone",
      title: `New phone, ${thousands(newPhone)} entries and ${thousands(newPhone * (1 + newPhoneRounds))} changes`,
      short: "New phone",
      metrics: [cpu("a phone"), up, down, trips, { key: "elapsed", title: "time", unit: MILLISECONDS }, peak],
    },
    {
      key: "live",
      title: `Live edit, device to device, ${live} edits`,
      short: "Live edit",
      metrics: [p50, p99, peak],
    },
    {
      key: "writers",
      title: `${writers} devices write, ${edits} edits each, the next when the last is acknowledged`,
      short: `${writers} devices write`,
      metrics: [
        { key: "perSecond", title: "edits a second", unit: "", more: true },
        cpu("an edit"),
        { ...p50, title: "acknowledged, p50" },
        { ...p99, title: "acknowledged, p99" },
        peak,
      ],
    },
    {
      key: "idle",
      title: `${idle} idle connections`,
      short: "Idle connections",
      metrics: [{ key: "kib", title: "server memory each", unit: "KiB" }],
    },
  ];
}

/**
 * How many times more a peer's figure costs than Carnet's: above 1, Carnet is better, whether less or more
 * of it is. None where one of them is not known, or nothing.
 */
export function advantage({ more }, carnet, peer) {
  if (!(carnet > 0) || !(peer > 0)) return undefined;
  return more ? carnet / peer : peer / carnet;
}

/** Each metric of each workload that Carnet has a figure for, with the advantage over each peer. */
export function ratios({ scale, servers }) {
  const [carnet, ...peers] = servers;
  return workloads(scale).flatMap((workload) =>
    workload.metrics.map((metric) => {
      const figure = (server) => server.figures[workload.key]?.[metric.key];
      const over = peers.map((peer) => [peer.name, advantage(metric, figure(carnet), figure(peer))]);
      const known = Object.fromEntries(over.filter(([, ratio]) => ratio !== undefined));
      const best = Object.values(known).length > 0 ? Math.min(...Object.values(known)) : undefined;
      return { workload: workload.key, metric: metric.key, over: known, best };
    }),
  );
}
