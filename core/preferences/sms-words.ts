/** What a person asks for with a text to a sender. */
export type SmsCommand = "stop" | "start" | "help";

/** The words of one language. A text is compared as a whole, so that a word inside a sentence says nothing. */
interface SmsWords {
  language: string;
  stop: readonly string[];
  start: readonly string[];
  help: readonly string[];
  source: string;
}

/**
 * Words are compared in the form of keyOf(): case, accents of Latin letters, spaces and punctuation make no difference. Too many words for "stop" are
 * safer than too few; for "start" only what can mean nothing else: "yes", which Twilio takes for it, answers questions, too.
 */
export const SMS_WORDS: readonly SmsWords[] = [
  {
    language: "en",
    stop: ["stop", "stop all", "unsubscribe", "end", "quit", "revoke", "opt out", "cancel", "remove"],
    start: ["start", "unstop", "opt in", "subscribe", "resume"],
    help: ["help", "info"],
    source:
      "47 CFR 64.1200(a)(10): stop, quit, end, revoke, opt out, cancel, unsubscribe; Twilio, Advanced Opt-Out: default words; AWS End User Messaging SMS, required opt-out keywords: remove",
  },
  {
    language: "es",
    stop: ["alto", "parar", "pare", "baja", "cancelar", "detener", "salir", "no más", "eliminar", "fin"],
    start: ["iniciar", "empezar", "comenzar", "alta", "reanudar", "suscribir"],
    help: ["ayuda", "información"],
    source: "the words of the language for it; ALTO and AYUDA: usual in programmes of US carriers that write in Spanish",
  },
  {
    language: "fr",
    stop: ["arrêt", "arrêter", "arrêtez", "arrête", "arrett", "désabonner", "désinscrire", "désinscription", "résilier", "annuler", "fin"],
    start: ["commencer", "démarrer", "reprendre", "abonner", "inscrire"],
    help: ["aide", "infos"],
    source: "AWS End User Messaging SMS and Twilio Proxy, opt-out keywords: ARRET, ARRETE, ARRETT; the language's words for it",
  },
  {
    language: "de",
    stop: ["stopp", "abmelden", "abbestellen", "abmeldung", "abbruch", "beenden", "ende", "kündigen", "aufhören"],
    start: ["starten", "anmelden", "fortsetzen"],
    help: ["hilfe"],
    source: "the language's words for it",
  },
  {
    language: "pt",
    stop: ["parar", "pare", "sair", "cancelar", "remover", "descadastrar", "encerrar", "fim"],
    start: ["iniciar", "começar", "retomar", "inscrever"],
    help: ["ajuda", "informação"],
    source: "the language's words for it; SAIR and PARAR: usual in Brazil",
  },
  {
    language: "ko",
    stop: ["수신거부", "무료수신거부", "수신거절", "거부", "거절", "중지", "중단", "정지", "해지", "취소", "그만", "스톱"],
    start: ["수신동의", "수신재개", "재개", "시작"],
    help: ["도움말", "도움", "안내"],
    source:
      "수신거부: the Act on Promotion of Information and Communications Network Utilization, article 50(4); the language's words for it",
  },
  {
    language: "ja",
    stop: ["停止", "配信停止", "受信拒否", "拒否", "解除", "配信解除", "退会", "中止", "ストップ"],
    start: ["開始", "再開", "配信再開", "スタート"],
    help: ["ヘルプ", "使い方"],
    source: "配信停止: usual under the Act on Regulation of Transmission of Specified Electronic Mail; the language's words for it",
  },
];

/** A text with more words is no command, whatever it begins with. */
const WORDS_MAX = 6;
/** A longer text is not looked at: the longest that can be one, six words of a language that writes long ones. */
const CHARACTERS_MAX = 160;
/** Words that revoke consent at the beginning of a short text, too: 47 CFR 64.1200(a)(10) takes any wording that a reasonable person understands so. */
const CLEAR = ["stop", "stopall", "unsubscribe", "revoke", "optout"];
/** Other words of that rule begin sentences about other things ("cancel my order"): they count with words about the texts alone. */
const OTHERS = ["end", "quit", "cancel", "remove"];
const ABOUT_TEXTS = words(
  "all the these this my me your you from it now please pls thanks thank text texts texting message messages messaging sms notifications alerts list",
);
const POLITE = words("please pls hi hello hey ok okay no");
/** "Stop by at five" is an appointment. */
const ARRIVALS = words("by at in over");

const BY_KEY: ReadonlyMap<string, SmsCommand> = new Map(
  // Where languages share a word, what stops comes last and decides.
  (["help", "start", "stop"] as const).flatMap((command) =>
    SMS_WORDS.flatMap((language) => language[command].map((word) => [keyOf(word), command] as const)),
  ),
);

/** What the text asks for, and by which word in the form it is compared in; undefined: it is a text like any other. Pure. */
export function smsCommandOf(text: string): { command: SmsCommand; word: string } | undefined {
  if (text.length > CHARACTERS_MAX) return undefined;
  const whole = keyOf(text);
  const command = BY_KEY.get(whole);
  if (command !== undefined) return { command, word: whole };
  const word = revocationIn(wordsOf(text));
  return word === undefined ? undefined : { command: "stop", word };
}

function revocationIn(given: readonly string[]): string | undefined {
  if (given.length > WORDS_MAX) return undefined;
  let rest = given.slice(given.findIndex((word) => !POLITE.includes(word)));
  if (rest[0] === "opt" && rest[1] === "out") rest = ["optout", ...rest.slice(2)];
  const [first = "", ...others] = rest;
  if (CLEAR.includes(first)) return ARRIVALS.includes(others[0] ?? "") ? undefined : first;
  return OTHERS.includes(first) && others.every((word) => ABOUT_TEXTS.includes(word) || POLITE.includes(word)) ? first : undefined;
}

/** Letters and digits alone, in one form: "S.T.O.P !" and "ＳＴＯＰ" are "stop", "Arrêt" is "arret". */
function keyOf(text: string): string {
  return plain(text).replace(/[^\p{L}\p{N}]/gu, "");
}

/** Words between spaces and punctuation; an apostrophe parts none. */
function wordsOf(text: string): string[] {
  return plain(text)
    .replace(/['’]/g, "")
    .split(/[^\p{L}\p{N}]+/u)
    .filter((word) => word !== "");
}

/** Accents count in no Latin word here, while marks of other scripts make other letters (か and が). */
function plain(text: string): string {
  return text
    .normalize("NFKC")
    .toLowerCase()
    .normalize("NFD")
    .replace(/(\p{Script=Latin})\p{M}+/gu, "$1")
    .normalize("NFC");
}

function words(list: string): readonly string[] {
  return list.split(" ");
}
