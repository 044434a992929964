// The figures and ratios as a table, in Markdown or in columns.

import { ratios, workloads } from "./metrics.mjs";
import { lost, quantity, times } from "./text.mjs";

/**
 * The rows of the table: a heading of a workload is a row of one cell. Beside each peer's figure is how many
 * times more it costs than Carnet's; the last cell is the least of these.
 */
export function rows(results) {
  const { scale, servers } = results;
  const [carnet, ...peers] = servers;
  const compared = ratios(results);
  const all = [["", ...servers.map((server) => server.title), "best peer"]];
  for (const workload of workloads(scale)) {
    all.push([workload.title]);
    for (const metric of workload.metrics) {
      const { over, best } = compared.find((one) => one.workload === workload.key && one.metric === metric.key);
      const figure = (server) => quantity(server.figures[workload.key]?.[metric.key], metric.unit);
      const beside = (peer) => (over[peer.name] ? `${figure(peer)} (${times(over[peer.name])})` : figure(peer));
      all.push([metric.title, figure(carnet), ...peers.map(beside), best === undefined ? "–" : times(best)]);
    }
    if (workload.key === "writers") all.push(["acknowledged edits lost on `kill -9`", ...servers.map(lost), "–"]);
  }
  return all;
}

/** The table in Markdown. */
export function markdown(results) {
  const [heads, ...others] = rows(results);
  const line = (cells) => `| ${cells.join(" | ")} |`;
  const width = heads.length;
  const lines = others.map((cells) =>
    line(cells.length === 1 ? [`**${cells[0]}**`, ...Array(width - 1).fill("")] : cells),
  );
  return [line(heads), line(["---", ...Array(width - 1).fill("---:")]), ...lines].join("\n");
}

/** The table in columns, for a terminal. */
export function columns(results) {
  const all = rows(results);
  const cells = all.filter((row) => row.length > 1);
  const widths = cells[0].map((_, place) => Math.max(...cells.map((row) => row[place].length)));
  const line = (row) => row.map((cell, place) => (place ? cell.padStart(widths[place]) : cell.padEnd(widths[0])));
  return all.map((row) => (row.length === 1 ? `\n${row[0]}` : `  ${line(row).join("  ")}`.trimEnd())).join("\n");
}

/** What could not be measured, a line each. */
export function failures({ servers }) {
  return servers.flatMap(({ title, failed }) =>
    Object.entries(failed).map(([workload, why]) => `${title}, ${workload}: ${why.split("\n")[0]}`),
  );
}
