// A phone of Hocuspocus: the stock provider. A record is one document.

import { HocuspocusProvider, HocuspocusProviderWebsocket } from "@hocuspocus/provider";
import WebSocket from "ws";
import * as Y from "yjs";
import { history } from "../phones/record.mjs";

export const nameOf = (number) => `record-${number}`;

function entryOf({ note, ...others }) {
  const entry = new Y.Map(Object.entries(others));
  entry.set("note", new Y.Text(note));
  return entry;
}

/** A record as a document: one transaction an entry, and one an edit. Gives it as an update. */
export function newRecord(entries, rounds) {
  const written = history(entries, rounds);
  const record = new Y.Doc();
  written.entries.forEach((entry, place) => record.getMap("entries").set(`e${place}`, entryOf(entry)));
  for (const round of written.rounds) round.forEach((edit, place) => apply(record, place, edit));
  return Y.encodeStateAsUpdate(record);
}

export function apply(record, place, edit) {
  record.transact(() => {
    const entry = record.getMap("entries").get(`e${place}`);
    if (edit.severity) entry.set("severity", edit.severity);
    else entry.get("note").insert(entry.get("note").length, edit.addition);
  });
}

export class Phone {
  /** A phone with what it kept, an update of Yjs, or an empty one. */
  constructor(number, kept) {
    this.name = nameOf(number);
    this.record = new Y.Doc();
    if (kept) Y.applyUpdate(this.record, kept);
  }

  connect(url) {
    this.socket = new HocuspocusProviderWebsocket({ url, WebSocketPolyfill: WebSocket });
    const document = { websocketProvider: this.socket, name: this.name, document: this.record };
    this.provider = new HocuspocusProvider(document);
    this.provider.attach();
  }

  edit(place, edit) {
    apply(this.record, place, edit);
  }

  /** Resolves when the server has sent what it has, and acknowledged what it was sent. */
  inStep() {
    return new Promise((resolve) => {
      const look = () => {
        if (!this.provider.isSynced || this.provider.unsyncedChanges > 0) return;
        this.provider.off("synced", look);
        this.provider.off("unsyncedChanges", look);
        resolve();
      };
      this.provider.on("synced", look);
      this.provider.on("unsyncedChanges", look);
      look();
    });
  }

  close() {
    this.provider.destroy();
    this.socket.destroy();
  }

  /** What it keeps while it is off. */
  kept() {
    return Y.encodeStateAsUpdate(this.record);
  }
}
