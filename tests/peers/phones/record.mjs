// What the phones write, the same for every peer: from a fixed seed, a history that each record has, and edits
// that each phone makes of its own.

const SEED = 20261121;
const SUBSTANCES = [
  "penicillin", "amoxicillin", "ibuprofen", "aspirin", "latex", "peanut", "egg", "shellfish", "sulfonamide",
  "codeine", "morphine", "iodine contrast", "bee venom", "cow milk", "soy", "wheat", "kiwi", "nickel",
  "cefalexin", "trimethoprim",
];
const REACTIONS = [
  "rash", "hives", "anaphylaxis", "nausea", "swelling of the lips", "bronchospasm", "itching", "dizziness",
  "vomiting", "facial oedema",
];
const SEVERITIES = ["mild", "moderate", "severe", "life-threatening"];
const WORDS = (
  "patient reports onset after second dose seen at clinic by nurse mother confirms earlier episode resolved " +
  "with antihistamine review next visit avoid class documented on referral letter unclear history advised card"
).split(" ");

/** Numbers from 0 up to 1, the same for the same seed (mulberry32). */
export function generator(seed) {
  let state = seed >>> 0;
  return () => {
    state = (state + 0x6d2b79f5) | 0;
    let mixed = Math.imul(state ^ (state >>> 15), 1 | state);
    mixed = (mixed + Math.imul(mixed ^ (mixed >>> 7), 61 | mixed)) ^ mixed;
    return ((mixed ^ (mixed >>> 14)) >>> 0) / 4294967296;
  };
}

/** The generator of the edits that a phone makes for a purpose. */
export const generatorOf = (phone, purpose) => generator(SEED + phone * 7919 + purpose * 1_000_003);

const pick = (random, list) => list[Math.floor(random() * list.length)];

function note(random, shortest, longest) {
  const length = shortest + Math.floor(random() * (longest - shortest + 1));
  let text = "";
  while (text.length < length) text += (text ? " " : "") + pick(random, WORDS);
  return text.slice(0, length);
}

/** An allergy with a note of 40 to 80 characters. */
export function entry(random) {
  return {
    kind: "allergy",
    substance: pick(random, SUBSTANCES),
    reaction: pick(random, REACTIONS),
    severity: pick(random, SEVERITIES),
    recordedAt: new Date(1.6e12 + Math.floor(random() * 1.5e11)).toISOString(),
    author: `dr-${Math.floor(random() * 40)}`,
    note: note(random, 40, 80),
  };
}

/** An edit of an entry: half of them set the severity, half add 10 to 20 characters to the note. */
export function edit(random) {
  if (random() < 0.5) return { severity: `${pick(random, SEVERITIES)} (rev ${Math.floor(random() * 1e6)})` };
  return { addition: ` ${note(random, 10, 20)}` };
}

/** The entries of a record, and the rounds of edits that were made in all of them, in order. */
export function history(entries, rounds) {
  const random = generator(SEED);
  return {
    entries: Array.from({ length: entries }, () => entry(random)),
    rounds: Array.from({ length: rounds }, () => Array.from({ length: entries }, () => edit(random))),
  };
}
