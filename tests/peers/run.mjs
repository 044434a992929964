import { install } from "./harness/install.mjs";
import { PEERS } from "./harness/peers.mjs";
import { Bench } from "./harness/measure.mjs";
import { QUICK } from "./harness/scale.mjs";
const say = (x) => console.error(new Date().toISOString().slice(11,19), x);
const peers = PEERS.filter(p => process.argv.slice(2).includes(p.name));
const inst = await install(peers, say);
for (const p of peers) { const b = new Bench(p, inst, QUICK, say); try { console.log(p.name, p.version(inst), JSON.stringify(await b.all(), null, 1)) } finally { b.remove() } }
