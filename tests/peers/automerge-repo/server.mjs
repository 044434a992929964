// `node server.mjs PORT FOLDER`: as automerge-repo's own sync server does it, with the current automerge-repo.

import http from "node:http";
import { Repo } from "@automerge/automerge-repo";
import { NodeWSServerAdapter } from "@automerge/automerge-repo-network-websocket";
import { NodeFSStorageAdapter } from "@automerge/automerge-repo-storage-nodefs";
import { WebSocketServer } from "ws";

const [port, folder] = process.argv.slice(2);
const sockets = new WebSocketServer({ noServer: true });
new Repo({
  network: [new NodeWSServerAdapter(sockets)],
  storage: new NodeFSStorageAdapter(folder),
  peerId: "storage-server-peer",
  sharePolicy: async () => false,
});
const server = http.createServer((_, answer) => answer.end());
server.on("upgrade", (request, socket, head) => {
  sockets.handleUpgrade(request, socket, head, (upgraded) => sockets.emit("connection", upgraded, request));
});
server.listen(Number(port), "127.0.0.1");
