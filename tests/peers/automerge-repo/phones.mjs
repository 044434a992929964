// The steps of the workloads with automerge-repo's phones, against any server that speaks its protocol.

import fs from "node:fs";
import path from "node:path";
import v8 from "node:v8";
import * as Automerge from "@automerge/automerge";
import { edit, generatorOf } from "../phones/record.mjs";
import { begin, main } from "../phones/step.mjs";
import { inTurn, pause, range, timed } from "../phones/turns.mjs";
import { Phone, newRecord } from "./phone.mjs";

/** Milliseconds within which automerge-repo saves how far a peer is, which it tells nobody. */
const SAVED = 250;

const file = (folder, number) => path.join(folder, `${number}.phone`);
const load = (folder, number) => Phone.open(v8.deserialize(fs.readFileSync(file(folder, number))));

async function seed({ url, folder, phones, entries, rounds }) {
  const record = newRecord(entries, rounds);
  await begin();
  await inTurn(phones, 8, async (number) => {
    const phone = new Phone();
    phone.take(record);
    phone.connect(url);
    await phone.inStep();
    await pause(SAVED);
    fs.writeFileSync(file(folder, number), v8.serialize(await phone.kept()));
    phone.close();
  });
  return {};
}

async function reconnect({ url, folder, warm, phones, entries, atOnce }) {
  const edited = async (number) => {
    const phone = await load(folder, number);
    const random = generatorOf(number, 1);
    phone.edit(Math.floor(random() * entries), edit(random));
    await phone.repo.flush();
    return phone;
  };
  const reconnected = async (phone) => {
    const taken = await timed(() => {
      phone.connect(url);
      return phone.inStep();
    });
    if (!atOnce) phone.close();
    return taken;
  };
  const [others, measured] = [await inTurn(warm, 8, edited), await inTurn(phones, 8, edited)];
  await inTurn(others, 1, reconnected);
  await begin();
  return { elapsed: await inTurn(measured, atOnce ? measured.length : 1, reconnected) };
}

async function newPhone({ url, folder, phones: [number] }) {
  const { document } = v8.deserialize(fs.readFileSync(file(folder, number)));
  const phone = new Phone();
  await begin();
  const elapsed = await timed(async () => {
    await phone.connect(url);
    await phone.fetch(document);
  });
  return { elapsed: [elapsed], entries: Object.keys(phone.handle.doc().entries).length };
}

async function live({ url, folder, entries, edits, gap }) {
  const here = await load(folder, 0);
  here.connect(url);
  await here.inStep();
  const there = new Phone();
  await there.connect(url);
  await there.fetch(here.handle.documentId);
  await there.inStep();
  await begin();
  const random = generatorOf(0, 2);
  const elapsed = [];
  for (const number of range(0, edits)) {
    const place = Math.floor(random() * entries);
    const severity = `severe (live ${number})`;
    elapsed.push(
      await timed(async () => {
        const arrived = new Promise((resolve) => {
          there.handle.on("change", function look({ doc }) {
            if (String(doc.entries[`e${place}`].severity) !== severity) return;
            there.handle.off("change", look);
            resolve();
          });
        });
        here.edit(place, { severity });
        await arrived;
      }),
    );
    await pause(gap);
  }
  return { elapsed };
}

/** Changes that the writers were told the server has, and that it has no more. */
async function lost({ url, acknowledged }) {
  const records = JSON.parse(fs.readFileSync(acknowledged, "utf8"));
  await begin();
  const missing = await inTurn(records, 8, async ([document, changes]) => {
    const phone = new Phone();
    await phone.connect(url);
    // A server that has nothing of a record says so, and then it is not found.
    const found = await phone.fetch(document).then(
      () => Automerge.getAllChanges(phone.handle.doc()).length,
      () => 0,
    );
    phone.close();
    return Math.max(0, changes - found);
  });
  return { lost: missing.reduce((sum, one) => sum + one, 0) };
}

async function idle({ url, folder, phones, connections, width }) {
  const documents = phones.map((number) => v8.deserialize(fs.readFileSync(file(folder, number))).document);
  await begin();
  await inTurn(range(0, connections), width, async (place) => {
    const phone = new Phone();
    await phone.connect(url);
    await phone.fetch(documents[place % documents.length]);
  });
  return { connections };
}

await main({ seed, reconnect, newPhone, live, lost, idle });
