// `node server.mjs PORT FOLDER`: Hocuspocus with its SQLite extension.

import path from "node:path";
import { SQLite } from "@hocuspocus/extension-sqlite";
import { Server } from "@hocuspocus/server";

const [port, folder] = process.argv.slice(2);
const server = new Server({
  port: Number(port),
  address: "127.0.0.1",
  quiet: true,
  extensions: [new SQLite({ database: path.join(folder, "documents.sqlite") })],
});
await server.listen();
