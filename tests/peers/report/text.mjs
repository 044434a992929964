// Figures as people read them.

/** Three digits that count, and thousands set apart. */
export function number(figure) {
  if (Number.isInteger(figure)) return figure.toLocaleString("en");
  const size = Math.abs(figure);
  const digits = Math.max(0, 2 - Math.floor(Math.log10(size)));
  if (digits > 4) return figure.toExponential(1);
  return figure.toLocaleString("en", { minimumFractionDigits: digits > 0 ? 1 : 0, maximumFractionDigits: digits });
}

/** With its unit; sizes in the unit that fits. */
export function quantity(figure, unit) {
  if (figure === undefined) return "–";
  if (unit === "KiB" && figure >= 10_240) return `${number(figure / 1_024)} MiB`;
  if (unit === "B" && figure >= 100_000) return `${number(figure / 1_000)} kB`;
  return unit ? `${number(figure)} ${unit}` : number(figure);
}

/** A ratio, such as `3.2 ×`. */
export const times = (ratio) => `${number(Number(ratio.toPrecision(2)))} ×`;

/** Of the edits that were acknowledged, how many a server lost when it was killed: from least to most. */
export function lost({ figures: { writers } }) {
  if (writers?.acknowledged === undefined) return "–";
  const { lost: most, lostLeast: least, acknowledged } = writers;
  const range = least === most ? number(most) : `${number(least)} to ${number(most)}`;
  return `${range} of ${number(acknowledged)}`;
}
