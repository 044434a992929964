// Results for the tests, with figures that are easily told apart.

import { QUICK } from "../harness/scale.mjs";

const server = (name, title, figures, failed = {}) => ({ name, title, version: "1.2.3", layout: "files", figures, failed });

export const RESULTS = {
  measured: "2026-11-26T04:00:00.000Z",
  machine: { cores: 2, processor: "A processor", memory: 24 * 2 ** 30 },
  quick: true,
  scale: QUICK,
  servers: [
    server("carnet", "Carnet", {
      reconnect: { cpu: 2, up: 500, down: 400, trips: 1 },
      live: { p50: 6 },
      writers: { perSecond: 1_000, acknowledged: 20, lost: 0, lostLeast: 0 },
    }),
    server("samod", "samod", {
      reconnect: { cpu: 20, up: 250, trips: 4 },
      storm: { cpu: 100 },
      live: { p50: 3 },
      writers: { perSecond: 2_000, acknowledged: 240, lost: 9, lostLeast: 0 },
    }),
    server(
      "pouchdb",
      "PouchDB <&>",
      { reconnect: { cpu: 5, trips: 15 }, writers: { perSecond: 500, acknowledged: 240, lost: 240, lostLeast: 240 } },
      { live: "not done within 180 s\nand more" },
    ),
  ],
};
