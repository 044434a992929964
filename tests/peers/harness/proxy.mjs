// A proxy that counts the bytes of the connections through it and delays them: TCP payload, with the HTTP
// upgrade and headers, without TLS.

import net from "node:net";

/** Milliseconds each way where round trips are counted. */
export const DELAY = 100;

export class Proxy {
  #up = 0;
  #down = 0;
  #sockets = new Set();

  /** Listens on a port in front of another; what comes is handed on after so many milliseconds, either way. */
  static async start(port, target, delay) {
    const proxy = new Proxy();
    proxy.listener = net.createServer({ noDelay: true }, (phone) => proxy.#join(phone, target, delay));
    await new Promise((resolve, reject) => {
      proxy.listener.on("error", reject);
      proxy.listener.listen(port, "127.0.0.1", resolve);
    });
    return proxy;
  }

  #join(phone, target, delay) {
    const server = net.connect({ port: target, host: "127.0.0.1", noDelay: true });
    phone.on("data", (bytes) => {
      this.#up += bytes.length;
      setTimeout(() => server.write(bytes), delay);
    });
    server.on("data", (bytes) => {
      this.#down += bytes.length;
      setTimeout(() => phone.write(bytes), delay);
    });
    for (const [one, other] of [[phone, server], [server, phone]]) {
      this.#sockets.add(one);
      one.on("error", () => one.destroy());
      one.on("close", () => {
        this.#sockets.delete(one);
        setTimeout(() => other.destroy(), delay);
      });
    }
  }

  /** Bytes so far, from phones and to them. */
  bytes() {
    return { up: this.#up, down: this.#down };
  }

  stop() {
    for (const socket of this.#sockets) socket.destroy();
    return new Promise((resolve) => this.listener.close(resolve));
  }
}
