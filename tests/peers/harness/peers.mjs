// The peers: how their servers and phones are started. `node` is the Node.js they run on.

import path from "node:path";
import { fileURLToPath } from "node:url";

export const HERE = path.dirname(path.dirname(fileURLToPath(import.meta.url)));

const script = (...parts) => path.join(HERE, ...parts);
/** Room for hundreds of phones in one process. */
const ROOM = "--max-old-space-size=8000";

/**
 * Each peer has its name, its title, its version by a package of it, what a record is in it, and the commands
 * of its server (of a port and a folder), of its phones and of those that write.
 */
export const PEERS = [
  {
    name: "automerge-repo",
    title: "automerge-repo",
    scheme: "ws",
    layout: "one document a record, in files",
    version: ({ version }) => version("@automerge/automerge-repo"),
    needsSamod: true,
    server: ({ node }, port, folder) => [node, ROOM, script("automerge-repo", "server.mjs"), `${port}`, folder],
    phones: ({ node }) => [node, ROOM, script("automerge-repo", "phones.mjs")],
    writers: ({ samod }) => [samod.writers],
  },
  {
    name: "samod",
    title: "samod",
    scheme: "ws",
    layout: "one document a record, in files",
    version: ({ samod }) => samod.version,
    needsSamod: true,
    // It looks at every document for every connection: more at once does not end in time.
    idleWidth: 10,
    server: ({ samod }, port, folder) => [samod.server, `${port}`, folder],
    phones: ({ node }) => [node, ROOM, script("automerge-repo", "phones.mjs")],
    writers: ({ samod }) => [samod.writers],
  },
  {
    name: "hocuspocus",
    title: "Hocuspocus",
    scheme: "ws",
    layout: "one document a record, in SQLite",
    version: ({ version }) => version("@hocuspocus/server"),
    server: ({ node }, port, folder) => [node, ROOM, script("hocuspocus", "server.mjs"), `${port}`, folder],
    phones: ({ node }) => [node, ROOM, script("hocuspocus", "phones.mjs")],
  },
  {
    name: "pouchdb",
    title: "PouchDB",
    scheme: "http",
    layout: "one database a record, one document an entry, in LevelDB",
    version: ({ version }) => version("express-pouchdb"),
    server: ({ node }, port, folder) => [node, ROOM, script("pouchdb", "server.mjs"), `${port}`, folder],
    phones: ({ node }) => [node, ROOM, script("pouchdb", "phones.mjs")],
  },
];
