import assert from "node:assert/strict";
import net from "node:net";
import { test } from "node:test";
import { Proxy } from "./proxy.mjs";
import { freePort } from "./server.mjs";

test("a proxy hands on all bytes in order, and counts those of either way", async () => {
  const server = net.createServer((socket) => socket.on("data", (bytes) => socket.write(`${bytes}${bytes}`)));
  await new Promise((resolve) => server.listen(0, "127.0.0.1", resolve));
  const port = await freePort();
  const proxy = await Proxy.start(port, server.address().port, 0);
  const phone = net.connect(port, "127.0.0.1");
  const answered = new Promise((resolve) => {
    let got = "";
    phone.on("data", (bytes) => {
      got += bytes;
      if (got.length === 10) resolve(got);
    });
  });
  phone.write("abcde");
  assert.equal(await answered, "abcdeabcde");
  assert.deepEqual(proxy.bytes(), { up: 5, down: 10 });
  await proxy.stop();
  await new Promise((resolve) => server.close(resolve));
});
