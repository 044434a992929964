// A phone of automerge-repo: the stock client. A record is one document.

import * as Automerge from "@automerge/automerge";
import { Repo } from "@automerge/automerge-repo";
import { BrowserWebSocketClientAdapter } from "@automerge/automerge-repo-network-websocket";
import { history } from "../phones/record.mjs";

/** Milliseconds until the stock adapter tries to connect again. */
const RETRY = 5_000;

// What is structured is a scalar, the note is text that several can write in.
const scalar = (text) => new Automerge.ImmutableString(text);

function fields({ note, ...others }) {
  return { ...Object.fromEntries(Object.entries(others).map(([key, value]) => [key, scalar(value)])), note };
}

function apply(record, place, edit) {
  const entry = record.entries[`e${place}`];
  if (edit.severity) entry.severity = scalar(edit.severity);
  else Automerge.splice(record, ["entries", `e${place}`, "note"], entry.note.length, 0, edit.addition);
}

/** A record as a document: one change an entry, and one an edit. Gives it as it is stored. */
export function newRecord(entries, rounds) {
  const written = history(entries, rounds);
  let record = Automerge.from({ entries: {} });
  written.entries.forEach((entry, place) => {
    record = Automerge.change(record, (draft) => {
      draft.entries[`e${place}`] = fields(entry);
    });
  });
  for (const round of written.rounds) {
    round.forEach((edit, place) => {
      record = Automerge.change(record, (draft) => apply(draft, place, edit));
    });
  }
  return Automerge.save(record);
}

const same = (some, others) => [...some].sort().join() === [...others].sort().join();

export class Phone {
  #heads;
  #waiting = [];

  /** A phone with what it kept, or an empty one. */
  constructor(kept) {
    const peerId = `phone-${process.pid}-${Math.random().toString(36).slice(2)}`;
    this.store = new Kept(kept?.store);
    this.repo = new Repo({ peerId, storage: this.store });
    this.repo.synchronizer.on("sync-state", ({ documentId, syncState }) => {
      if (documentId !== this.handle?.documentId || !syncState.theirHeads) return;
      this.#heads = syncState.theirHeads;
      this.#look();
    });
  }

  static async open(kept) {
    const phone = new Phone(kept);
    phone.handle = await phone.repo.find(`automerge:${kept.document}`);
    return phone;
  }

  take(record) {
    this.handle = this.repo.import(record);
  }

  connect(url) {
    this.adapter = new BrowserWebSocketClientAdapter(url, RETRY);
    const connected = new Promise((resolve) => this.repo.networkSubsystem.once("peer", resolve));
    this.repo.networkSubsystem.addNetworkAdapter(this.adapter);
    return connected;
  }

  async fetch(document) {
    this.handle = await this.repo.find(`automerge:${document}`);
  }

  edit(place, edit) {
    this.handle.change((draft) => apply(draft, place, edit));
  }

  /** Resolves when the server has said that its heads are the phone's: both have the same. */
  inStep() {
    return new Promise((resolve) => {
      this.#waiting.push(resolve);
      this.#look();
    });
  }

  #look() {
    if (!this.#heads || !same(this.#heads, Automerge.getHeads(this.handle.doc()))) return;
    for (const resolve of this.#waiting.splice(0)) resolve();
  }

  close() {
    this.adapter.disconnect();
    this.adapter.socket?.terminate();
  }

  /** What it keeps while it is off. */
  async kept() {
    await this.repo.flush();
    return { document: this.handle.documentId, store: this.store.entries };
  }
}

/** A phone's storage, in memory. */
class Kept {
  constructor(entries = new Map()) {
    this.entries = entries;
  }

  async load(key) {
    return this.entries.get(key.join("/"));
  }

  async save(key, data) {
    this.entries.set(key.join("/"), data);
  }

  async remove(key) {
    this.entries.delete(key.join("/"));
  }

  #under(prefix) {
    return [...this.entries.keys()].filter((key) => key.startsWith(`${prefix.join("/")}/`));
  }

  async loadRange(prefix) {
    return this.#under(prefix).map((key) => ({ key: key.split("/"), data: this.entries.get(key) }));
  }

  async removeRange(prefix) {
    for (const key of this.#under(prefix)) this.entries.delete(key);
  }
}
