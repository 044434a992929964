// What is kept in the documents of a run: how it was made, the picture, the table.

import { failures, markdown } from "./table.mjs";

/** The text of these results, in Markdown. */
export function page(results) {
  const { measured, machine, quick, servers } = results;
  const [carnet, ...peers] = servers;
  const memory = Math.round(machine.memory / 2 ** 30);
  const where = `${machine.cores} cores (${machine.processor}), ${memory} GiB`;
  const how = `\`node tests/peers/run.mjs${quick ? " --quick" : ""}\``;
  const own = carnet.version ? `Carnet ${carnet.version}` : "Carnet";
  const others = peers.map(({ title, version, layout }) => `${title} ${version} (${layout})`);
  const missing = failures(results).map((line) => `- Not measured: ${line}`);
  return [
    `${how}, ${measured.slice(0, 10)}, ${where}: ${own}, ${others.join(", ")}.`,
    "",
    "![What peers cost, as multiples of what Carnet costs](peers.svg)",
    "",
    markdown(results),
    ...(missing.length > 0 ? ["", ...missing] : []),
  ].join("\n");
}
