import assert from "node:assert/strict";
import { test } from "node:test";
import { SMS_WORDS, smsCommandOf } from "./sms-words.ts";

const commandOf = (text: string) => smsCommandOf(text)?.command;

test("every word of every language is its command, in any case and with punctuation around it", () => {
  const stops = SMS_WORDS.flatMap(({ stop }) => stop);
  for (const { stop, start, help } of SMS_WORDS) {
    for (const word of stop)
      for (const text of [word, word.toUpperCase(), ` "${word}"!\n`, `${word}.`]) assert.equal(commandOf(text), "stop", text);
    for (const word of start) assert.equal(commandOf(` ${word.toUpperCase()} `), "start", word);
    for (const word of help) assert.equal(commandOf(`${word}?`), "help", word);
    for (const word of [...start, ...help]) assert.ok(!stops.includes(word), `${word} both stops and does not`);
  }
});

const SAME: [text: string, word: string][] = [
  ["ＳＴＯＰ", "stop"],
  ["S.T.O.P.", "stop"],
  ["Stop 🛑", "stop"],
  ["st\u200bop", "stop"],
  ["OPT-OUT", "optout"],
  ["opt out", "optout"],
  ["Arre\u0302t", "arret"],
  ["ARRET", "arret"],
  ["수신 거부", "수신거부"],
  ["수신거부".normalize("NFD"), "수신거부"],
  ["ｽﾄｯﾌﾟ", "ストップ"],
  ["kündigen", "kundigen"],
];

test("spellings of one word are one", () => {
  for (const [text, word] of SAME) assert.deepEqual(smsCommandOf(text), { command: "stop", word }, text);
});

const REVOCATIONS = [
  "STOP texting me",
  "please stop",
  "Stop sending me these messages please",
  "unsubscribe me from this list",
  "Opt out of all texts",
  "No, stop it",
  "cancel these texts please",
  "End messages",
  "please remove me",
  "Quit texting me",
];

test("a short text that begins with a word of the US rule revokes", () => {
  for (const text of REVOCATIONS) assert.equal(commandOf(text), "stop", text);
});

const OTHER_TEXTS = [
  "",
  "🛑",
  "yes",
  "Stop by at five",
  "cancel my order",
  "end of the month is fine",
  "quit my job today",
  "Don't stop",
  "I will not stop until you tell me where my parcel is",
  "Stop telling everybody that my parcel was delivered when it was not",
  "help me with my order please",
  "start at noon",
  "s".repeat(161),
];

test("other texts are no command", () => {
  for (const text of OTHER_TEXTS) assert.equal(commandOf(text), undefined, text);
});
