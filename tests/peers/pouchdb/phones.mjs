// The steps of the workloads with PouchDB's phones.

import fs from "node:fs";
import http from "node:http";
import { edit, generatorOf } from "../phones/record.mjs";
import { begin, main } from "../phones/step.mjs";
import { inTurn, pause, range, timed } from "../phones/turns.mjs";
import { apply, local, remote, write } from "./phone.mjs";

/** Milliseconds within which the live replications of two phones are waiting for changes. */
const WAITING = 2_000;

async function seed({ url, folder, phones, entries, rounds }) {
  await begin();
  await inTurn(phones, 8, async (number) => {
    const record = local(folder, number);
    await write(record, entries, rounds);
    // One after the other, so that the phone has noted that there is nothing new for it.
    await record.replicate.to(remote(url, number));
    await record.replicate.from(remote(url, number));
    await record.close();
  });
  return {};
}

async function reconnect({ url, folder, warm, phones, entries, atOnce }) {
  const edited = async (number) => {
    const record = local(folder, number);
    const random = generatorOf(number, 1);
    const entry = await record.get(`e${Math.floor(random() * entries)}`);
    await record.put(apply(entry, edit(random)));
    return { number, record };
  };
  const reconnected = ({ number, record }) =>
    timed(async () => {
      const server = remote(url, number);
      await record.replicate.to(server);
      await record.replicate.from(server);
    });
  const [others, measured] = [await inTurn(warm, 8, edited), await inTurn(phones, 8, edited)];
  await inTurn(others, 1, reconnected);
  await begin();
  return { elapsed: await inTurn(measured, atOnce ? measured.length : 1, reconnected) };
}

async function newPhone({ url, folder, phones: [number] }) {
  const record = local(folder, "new");
  await record.info();
  await begin();
  const elapsed = await timed(() => record.replicate.from(remote(url, number)));
  return { elapsed: [elapsed], entries: (await record.info()).doc_count };
}

async function live({ url, folder, entries, edits, gap }) {
  const [here, there] = [local(folder, 0), local(folder, "there")];
  await there.replicate.from(remote(url, 0));
  for (const record of [here, there]) record.sync(remote(url, 0), { live: true, retry: true });
  let expected = "";
  let arrive = () => {};
  const changes = there.changes({ live: true, since: "now", include_docs: true });
  changes.on("change", ({ doc }) => doc.severity === expected && arrive());
  await pause(WAITING);
  await begin();
  const random = generatorOf(0, 2);
  const elapsed = [];
  for (const number of range(0, edits)) {
    const entry = await here.get(`e${Math.floor(random() * entries)}`);
    expected = `severe (live ${number})`;
    elapsed.push(
      await timed(async () => {
        const arrived = new Promise((resolve) => {
          arrive = resolve;
        });
        await here.put(apply(entry, { severity: expected }));
        await arrived;
      }),
    );
    await pause(gap);
  }
  return { elapsed };
}

/** Each phone puts one revision after the other, the next when the last was acknowledged. */
async function writers({ url, phones, entries, edits, acknowledged }) {
  const ready = await inTurn(phones, 8, async (number) => {
    const record = remote(url, number);
    const rows = (await record.allDocs({ include_docs: true })).rows;
    return { number, record, all: new Map(rows.map(({ doc }) => [doc._id, doc])) };
  });
  await begin();
  const started = performance.now();
  const written = await Promise.all(
    ready.map(async ({ record, all }) => {
      const elapsed = [];
      for (const number of range(0, edits)) {
        const entry = apply(all.get(`e${number % entries}`), { severity: `written ${number}` });
        elapsed.push(
          await timed(async () => {
            entry._rev = (await record.put(entry)).rev;
          }),
        );
      }
      return elapsed;
    }),
  );
  const seconds = (performance.now() - started) / 1e3;
  const records = ready.map(({ number, all }) => [number, [...all.values()].map(({ _id, _rev }) => [_id, _rev])]);
  fs.writeFileSync(acknowledged, JSON.stringify(records));
  return { elapsed: written.flat(), seconds };
}

/** Edits that the writers were told the server has, and that it has no more. */
async function lost({ url, acknowledged }) {
  const records = JSON.parse(fs.readFileSync(acknowledged, "utf8"));
  await begin();
  const missing = await inTurn(records, 8, async ([number, entries]) => {
    const { rows } = await remote(url, number).allDocs();
    const found = new Map(rows.map(({ id, value }) => [id, generationOf(value.rev)]));
    return entries.reduce((sum, [id, rev]) => sum + generationOf(rev) - (found.get(id) ?? 0), 0);
  });
  return { lost: missing.reduce((sum, one) => sum + one, 0) };
}

/** How many edits led to a revision of PouchDB. */
const generationOf = (revision) => Number.parseInt(revision, 10);

/** Connections that wait for changes as live replication does: each a long poll. */
async function idle({ url, phones, connections, width }) {
  const agent = new http.Agent({ keepAlive: true, maxSockets: Number.POSITIVE_INFINITY });
  await begin();
  await inTurn(range(0, connections), width, (place) => {
    const feed = "_changes?feed=longpoll&since=now&heartbeat=1000";
    return new Promise((resolve, reject) => {
      const asked = http.get(`${url}/record-${phones[place % phones.length]}/${feed}`, { agent });
      asked.on("error", reject);
      // The first heartbeat says that the server waits.
      asked.on("response", (answer) => answer.once("data", resolve).on("error", reject));
    });
  });
  return { connections };
}

await main({ seed, reconnect, newPhone, live, writers, lost, idle });
