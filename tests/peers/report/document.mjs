// The place of the table in a document: between two markers, whatever was there before.

/** The document with this text between the markers of that name. */
export function place(document, name, text) {
  const [from, to] = [`<!-- ${name}: begin -->`, `<!-- ${name}: end -->`];
  const [begins, ends] = [document.indexOf(from), document.indexOf(to)];
  if (begins < 0 || ends < begins) throw new Error(`the document has no lines ${from} and ${to}`);
  return `${document.slice(0, begins + from.length)}\n\n${text.trim()}\n\n${document.slice(ends)}`;
}
