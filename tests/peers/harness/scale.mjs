// How much is done. What Carnet's benchmark does has the same numbers, so that both do the same.

const COMMON = {
  /** Entries of a record, and rounds of edits that were made in all of them. */
  entries: 200,
  rounds: 1,
  /** The same of the record that a new phone fetches, without its entries. */
  newPhoneRounds: 3,
  /** Milliseconds between two live edits: automerge-repo's phone waits up to 100 before it sends another. */
  gap: 150,
};

export const FULL = {
  ...COMMON,
  /** How often what is short is measured. */
  times: 3,
  /** Phones that reconnect one after the other, after as many others; and at once. */
  reconnects: 50,
  storm: 100,
  /** Entries of the record that a new phone fetches. */
  newPhone: 2_000,
  /** Live edits. */
  live: 150,
  /** Devices that write at once, and edits each of them makes. */
  writers: 64,
  edits: 100,
  /** Connections that wait. */
  idle: 100,
  /** Carnet's devices that write until their server is killed, and edits each of them makes. */
  killed: 16,
  killedEdits: 25,
};

export const QUICK = {
  ...COMMON,
  times: 1,
  reconnects: 10,
  storm: 20,
  newPhone: 200,
  live: 30,
  writers: 8,
  edits: 30,
  idle: 20,
  killed: 4,
  killedEdits: 5,
};
