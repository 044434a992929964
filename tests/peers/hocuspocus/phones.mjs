// The steps of the workloads with Hocuspocus's phones.

import fs from "node:fs";
import path from "node:path";
import { edit, generatorOf } from "../phones/record.mjs";
import { begin, main } from "../phones/step.mjs";
import { inTurn, pause, range, timed } from "../phones/turns.mjs";
import { Phone, newRecord } from "./phone.mjs";

/** Milliseconds after which the server has stored what it was sent: it waits 2 s by default. */
const STORED = 3_000;

const file = (folder, number) => path.join(folder, `${number}.phone`);
const load = (folder, number) => new Phone(number, fs.readFileSync(file(folder, number)));

async function seed({ url, folder, phones, entries, rounds }) {
  const record = newRecord(entries, rounds);
  await begin();
  await inTurn(phones, 8, async (number) => {
    const phone = new Phone(number, record);
    phone.connect(url);
    await phone.inStep();
    fs.writeFileSync(file(folder, number), phone.kept());
    phone.close();
  });
  await pause(STORED);
  return {};
}

async function reconnect({ url, folder, warm, phones, entries, atOnce }) {
  const edited = (number) => {
    const phone = load(folder, number);
    const random = generatorOf(number, 1);
    phone.edit(Math.floor(random() * entries), edit(random));
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
  const [others, measured] = [warm.map(edited), phones.map(edited)];
  await inTurn(others, 1, reconnected);
  await begin();
  return { elapsed: await inTurn(measured, atOnce ? measured.length : 1, reconnected) };
}

async function newPhone({ url, phones: [number] }) {
  const phone = new Phone(number);
  await begin();
  const elapsed = await timed(() => {
    phone.connect(url);
    return phone.inStep();
  });
  return { elapsed: [elapsed], entries: phone.record.getMap("entries").size };
}

async function live({ url, folder, entries, edits, gap }) {
  const [here, there] = [load(folder, 0), new Phone(0)];
  for (const phone of [here, there]) {
    phone.connect(url);
    await phone.inStep();
  }
  await begin();
  const random = generatorOf(0, 2);
  const elapsed = [];
  for (const number of range(0, edits)) {
    const place = Math.floor(random() * entries);
    const severity = `severe (live ${number})`;
    elapsed.push(
      await timed(async () => {
        const arrived = new Promise((resolve) => {
          there.record.on("afterTransaction", function look() {
            if (there.record.getMap("entries").get(`e${place}`).get("severity") !== severity) return;
            there.record.off("afterTransaction", look);
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

/** Each phone sets one severity after the other, the next when the last was acknowledged. */
async function writers({ url, folder, phones, entries, edits, acknowledged }) {
  const ready = await inTurn(phones, 8, async (number) => {
    const phone = load(folder, number);
    phone.connect(url);
    await phone.inStep();
    return { number, phone };
  });
  await begin();
  const started = performance.now();
  const written = await Promise.all(
    ready.map(async ({ phone }) => {
      const elapsed = [];
      for (const number of range(0, edits)) {
        elapsed.push(
          await timed(() => {
            phone.edit(number % entries, { severity: `written ${number}` });
            return phone.inStep();
          }),
        );
      }
      return elapsed;
    }),
  );
  const seconds = (performance.now() - started) / 1e3;
  fs.writeFileSync(acknowledged, JSON.stringify({ numbers: phones, entries, edits }));
  return { elapsed: written.flat(), seconds };
}

/** Edits that the writers were told the server has, and that it has no more. */
async function lost({ url, acknowledged }) {
  const { numbers, entries, edits } = JSON.parse(fs.readFileSync(acknowledged, "utf8"));
  await begin();
  const missing = await inTurn(numbers, 8, async (number) => {
    const phone = new Phone(number);
    phone.connect(url);
    await phone.inStep();
    const all = phone.record.getMap("entries");
    // Edits come in order, so the last that is there tells how many are.
    const last = range(0, entries).map((place) => revision(all.get(`e${place}`)?.get("severity")));
    phone.close();
    return edits - 1 - Math.max(...last);
  });
  return { lost: missing.reduce((sum, one) => sum + one, 0) };
}

/** The number of the writers' edit that set a severity, or -1. */
function revision(severity) {
  const found = /^written (\d+)$/.exec(severity ?? "");
  return found ? Number(found[1]) : -1;
}

async function idle({ url, phones, connections, width }) {
  await begin();
  await inTurn(range(0, connections), width, (place) => {
    const phone = new Phone(phones[place % phones.length]);
    phone.connect(url);
    return phone.inStep();
  });
  return { connections };
}

await main({ seed, reconnect, newPhone, live, writers, lost, idle });
