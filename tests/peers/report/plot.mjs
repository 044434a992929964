// The ratios as a picture: a line for each figure, a mark for each peer, Carnet at 1 on a logarithmic axis.

import { ratios, workloads } from "./metrics.mjs";
import { lost, quantity, times } from "./text.mjs";

const FONT = "ui-sans-serif, system-ui, 'Segoe UI', 'DejaVu Sans', Arial, sans-serif";
const LINE = 24;
const HEADING = 32;
const TOP = 128;
const LEFT = 236;
const PLOT = 560;
const RIGHT = 120;
const WIDTH = LEFT + PLOT + RIGHT;

/** Colours that the colour-blind tell apart (Okabe and Ito), and shapes for those who see none. */
const MARKS = {
  "automerge-repo": { colour: "#0072b2", shape: "circle" },
  samod: { colour: "#d55e00", shape: "square" },
  hocuspocus: { colour: "#009e73", shape: "diamond" },
  pouchdb: { colour: "#a0468a", shape: "triangle" },
};

const SHAPES = {
  circle: (x, y) => `<circle cx="${x}" cy="${y}" r="5"/>`,
  square: (x, y) => `<rect x="${x - 4.5}" y="${y - 4.5}" width="9" height="9"/>`,
  diamond: (x, y) => `<path d="M${x} ${y - 6.5}l6.5 6.5l-6.5 6.5l-6.5 -6.5z"/>`,
  triangle: (x, y) => `<path d="M${x} ${y - 6}l6 10.5h-12z"/>`,
};

const escaped = (text) => text.replace(/&/g, "&amp;").replace(/</g, "&lt;").replace(/>/g, "&gt;");
const round = (figure) => Math.round(figure * 10) / 10;

function text(x, y, said, more = "") {
  return `<text x="${round(x)}" y="${round(y)}"${more ? ` ${more}` : ""}>${escaped(said)}</text>`;
}

function mark(name, x, y, title) {
  const { colour, shape } = MARKS[name];
  const outline = `fill="${colour}" stroke="#fff" stroke-width="1"`;
  return `<g ${outline}>${title ? `<title>${escaped(title)}</title>` : ""}${SHAPES[shape](round(x), round(y))}</g>`;
}

/** The powers of ten that hold all these ratios, 1 among them. */
export function decades(all) {
  const logs = [0, ...all.map(Math.log10)];
  return [Math.min(-1, Math.floor(Math.min(...logs))), Math.max(1, Math.ceil(Math.max(...logs)))];
}

/** How far marks at these places go up or down, so that none hides another. */
export function apart(places) {
  const order = places.map((_, place) => place).sort((one, other) => places[one] - places[other]);
  const heights = places.map(() => 0);
  let close = [];
  for (const [rank, place] of order.entries()) {
    close.push(place);
    const next = order[rank + 1];
    if (next !== undefined && places[next] - places[place] < 10) continue;
    close.forEach((one, nth) => {
      heights[one] = (nth - (close.length - 1) / 2) * Math.min(8, 16 / close.length);
    });
    close = [];
  }
  return heights;
}

/** The picture of these results, as SVG. */
export function plot(results) {
  const { scale, servers } = results;
  const [carnet, ...peers] = servers;
  const compared = ratios(results).filter((one) => one.best !== undefined);
  const [least, most] = decades(compared.flatMap(({ over }) => Object.values(over)));
  const at = (ratio) => LEFT + ((Math.log10(ratio) - least) / (most - least)) * PLOT;

  const drawn = [];
  let y = TOP;
  for (const workload of workloads(scale)) {
    const metrics = workload.metrics.filter((metric) => found(compared, workload, metric));
    if (metrics.length === 0) continue;
    y += HEADING;
    drawn.push(text(16, y - 8, workload.short, 'font-weight="600"'));
    for (const metric of metrics) {
      const { over } = found(compared, workload, metric);
      const middle = y + LINE / 2;
      const own = quantity(carnet.figures[workload.key][metric.key], metric.unit);
      drawn.push(`<line x1="${LEFT}" x2="${LEFT + PLOT}" y1="${middle}" y2="${middle}" stroke="#e4e4e4"/>`);
      const title = metric.more ? `${metric.title} (inverse)` : metric.title;
      drawn.push(text(LEFT - 12, middle + 4, title, 'text-anchor="end" fill="#333"'));
      drawn.push(text(WIDTH - 16, middle + 4, own, 'text-anchor="end" fill="#333"'));
      const known = peers.filter(({ name }) => over[name]);
      const heights = apart(known.map(({ name }) => at(over[name])));
      known.forEach((peer, place) => {
        const figure = quantity(peer.figures[workload.key][metric.key], metric.unit);
        const said = `${peer.title}: ${figure}, ${times(over[peer.name])}`;
        drawn.push(mark(peer.name, at(over[peer.name]), middle + heights[place], said));
      });
      y += LINE;
    }
  }
  const bottom = y + 8;
  const height = bottom + 78;
  const size = `width="${WIDTH}" height="${height}" viewBox="0 0 ${WIDTH} ${height}"`;
  return [
    `<svg xmlns="http://www.w3.org/2000/svg" ${size} font-family="${FONT}" font-size="12.5" role="img">`,
    `<title>What peers cost, as multiples of what Carnet costs</title>`,
    `<rect width="100%" height="100%" fill="#fff"/>`,
    text(16, 30, "What peers cost, as multiples of what Carnet costs", 'font-size="17" font-weight="600"'),
    text(16, 50, under(results), 'fill="#555"'),
    ...legend(peers),
    ...axis(least, most, at, bottom),
    text(WIDTH - 16, TOP - 6, "Carnet", 'text-anchor="end" font-weight="600"'),
    ...drawn,
    text(16, bottom + 44, "Acknowledged edits lost on kill -9", 'font-weight="600"'),
    text(16, bottom + 63, lostEdits(servers), 'fill="#333"'),
    `</svg>`,
    "",
  ].join("\n");
}

function under({ measured, machine, quick }) {
  const run = quick ? "a quick run, to see that it works" : "one run";
  return `${run}, ${machine.cores} cores, ${measured.slice(0, 10)}`;
}

function lostEdits(servers) {
  const known = servers.filter(({ figures }) => figures.writers?.acknowledged !== undefined);
  return known.map((server) => `${server.title} ${lost(server)}`).join(" · ");
}

const found = (compared, workload, metric) =>
  compared.find((one) => one.workload === workload.key && one.metric === metric.key);

function legend(peers) {
  let x = 22;
  return peers.flatMap(({ name, title }) => {
    const drawn = [mark(name, x, 72), text(x + 12, 76.5, title)];
    x += 40 + title.length * 7.2;
    return drawn;
  });
}

/** The axis, Carnet's line, and which side is whose. */
function axis(least, most, at, bottom) {
  const ticks = Array.from({ length: most - least + 1 }, (_, place) => least + place);
  const lines = ticks.flatMap((power) => {
    const x = round(at(10 ** power));
    const carnet = power === 0;
    const line = `<line x1="${x}" x2="${x}" y1="${TOP}" y2="${bottom}" stroke="${carnet ? "#333" : "#d0d0d0"}" stroke-width="${carnet ? 1.5 : 1}"/>`;
    const label = carnet ? "1 ×" : `${10 ** power} ×`;
    const end = 'text-anchor="middle" fill="#555"';
    return [line, text(x, TOP - 6, label, end), text(x, bottom + 16, label, end)];
  });
  const one = at(1);
  const worse = `<rect x="${LEFT}" y="${TOP}" width="${round(one - LEFT)}" height="${round(bottom - TOP)}" fill="#fbf1ee"/>`;
  return [
    worse,
    text(one - 10, TOP - 24, "← the peer is better", 'text-anchor="end" fill="#8a3b1e"'),
    text(one + 10, TOP - 24, "Carnet is better →", 'fill="#1e5f3c"'),
    ...lines,
  ];
}
