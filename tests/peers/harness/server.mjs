// A server in a process of its own, on a free port of the loopback address.

import net from "node:net";
import { start, usage } from "./process.mjs";

/** Milliseconds within which a server must take connections. */
const PATIENCE = 60_000;

/** A port nothing listens on now. */
export function freePort() {
  return new Promise((resolve, reject) => {
    const listener = net.createServer();
    listener.on("error", reject);
    listener.listen(0, "127.0.0.1", () => {
      const { port } = listener.address();
      listener.close(() => resolve(port));
    });
  });
}

function answers(port) {
  return new Promise((resolve) => {
    const socket = net.connect(port, "127.0.0.1", () => {
      socket.destroy();
      resolve(true);
    });
    socket.on("error", () => resolve(false));
  });
}

export class Server {
  /** Starts a program with its parameters, which say to listen on a port; waits until it does. */
  static async start([program, ...parameters], port, options = {}) {
    const server = new Server();
    server.child = start(program, parameters, { ...options, stdio: ["ignore", "ignore", "pipe"] });
    let ended = false;
    server.child.ended.then(() => {
      ended = true;
    });
    const started = Date.now();
    while (!(await answers(port))) {
      if (ended) throw new Error(`the server did not start: ${server.child.said()}`);
      if (Date.now() - started > PATIENCE) throw new Error("the server takes no connections");
      await new Promise((resolve) => setTimeout(resolve, 20));
    }
    return server;
  }

  /** What it has used. */
  usage() {
    return usage(this.child.pid);
  }

  /** Asks it to stop, and waits for that; one that does not listen is killed. */
  async stop() {
    this.child.kill("SIGTERM");
    const late = setTimeout(() => this.child.kill("SIGKILL"), 5_000);
    await this.child.ended;
    clearTimeout(late);
  }

  /** Kills it at whatever instruction it is. */
  async kill() {
    this.child.kill("SIGKILL");
    await this.child.ended;
  }
}
