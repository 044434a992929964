// A phone of PouchDB: the stock client over LevelDB. A record is a database, an entry a document.

import path from "node:path";
import PouchDB from "pouchdb";
import { history } from "../phones/record.mjs";

/** What the phone has of a record. */
export const local = (folder, name) => new PouchDB(path.join(folder, `${name}`));

/** What the server has of it. */
export const remote = (url, number) =>
  new PouchDB(`${url}/record-${number}`, {
    fetch: (address, options) => {
      // Bytes are counted as the other peers send them, who compress nothing.
      options.headers.set("accept-encoding", "identity");
      return PouchDB.fetch(address, options);
    },
  });

export function apply(entry, edit) {
  if (edit.severity) entry.severity = edit.severity;
  else entry.note += edit.addition;
  return entry;
}

/** Writes a record: one revision an entry, and one an edit. */
export async function write(database, entries, rounds) {
  const written = history(entries, rounds);
  const all = written.entries.map((entry, place) => ({ _id: `e${place}`, ...entry }));
  const store = async () => {
    const revisions = await database.bulkDocs(all);
    revisions.forEach(({ rev }, place) => {
      all[place]._rev = rev;
    });
  };
  await store();
  for (const round of written.rounds) {
    round.forEach((edit, place) => apply(all[place], edit));
    await store();
  }
}
