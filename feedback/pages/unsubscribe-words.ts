import { type Language, listOf } from "./language.ts";

/** How much somebody refuses: what the mail was about by e-mail, the same on every channel, or all e-mail. */
export const SCOPES = ["mail", "category", "channel"] as const;
export type Scope = (typeof SCOPES)[number];

export interface Subject {
  /** The category's title, and what it is. */
  category: string;
  description: string | undefined;
  /** Titles of categories that nobody can refuse. */
  required: readonly string[];
  /** Masked; undefined: not known any more. */
  address: string | undefined;
}

interface Words {
  ask(about: Subject): string;
  nothingChanged(about: Subject): string;
  whatToStop: string;
  scope: Readonly<Record<Scope, (about: Subject) => readonly [label: string, more: string]>>;
  unsubscribe: string;
  allSettings: string;
  /** @param canUndo whether the next page offers it */
  takesEffect(canUndo: boolean): string;
  notYours: string;
  done: string;
  refused: Readonly<Record<Scope, (about: Subject) => string>>;
  undo: string;
  kept: string;
  undone: string;
  asBefore: string;
  notUndone: string;
  changedSince: string;
  ended: string;
  endedWhy: string;
  endedHow: string;
  unavailable: string;
  tooMany: string;
  tryAgain: string;
  unconfirmed: string;
}

const en: Words = {
  ask: ({ category }) => `Unsubscribe from “${category}”?`,
  nothingChanged: ({ address }) => `${address === undefined ? "" : `For ${address}. `}Opening this page changed nothing.`,
  whatToStop: "What to stop",
  scope: {
    mail: ({ category, description = "" }) => [`“${category}” by e-mail`, description],
    category: ({ category }) => [`“${category}” everywhere`, "Also in the app, the browser and by text"],
    channel: ({ required }) => [
      required.length === 0 ? "All e-mail" : `All e-mail except ${listOf("en", required)}`,
      "Also everything else that we send by e-mail",
    ],
  },
  unsubscribe: "Unsubscribe",
  allSettings: "All settings",
  takesEffect: (canUndo) => `Takes effect within 5 seconds. ${canUndo ? "You can undo it on the next page. " : ""}No sign-in is needed.`,
  notYours: "Not your address? Then close this page: somebody forwarded the mail to you.",
  done: "You are unsubscribed",
  refused: {
    mail: ({ category, address }) => `${address === undefined ? "You get" : `${address} gets`} no “${category}” by e-mail any more.`,
    category: ({ category }) => `You get no “${category}” any more, by e-mail or otherwise.`,
    channel: ({ address, required }) =>
      `${address === undefined ? "You get" : `${address} gets`} no e-mail any more${required.length === 0 ? "." : `, except ${listOf("en", required)}.`}`,
  },
  undo: "Undo",
  kept: "A mail that is already on its way can still arrive. We keep a record of this choice as proof.",
  undone: "Undone",
  asBefore: "Your choices are as they were before.",
  notUndone: "Not undone",
  changedSince: "Your choices were changed since.",
  ended: "This link has ended",
  endedWhy: "Settings links work for 30 days. Nothing was changed. Use the link in a newer mail, or the settings of the app.",
  endedHow: "Unsubscribing works without end: the button of your mail program, or the link “Unsubscribe” in any of our mails.",
  unavailable: "This does not work at the moment",
  tooMany: "Too many requests",
  tryAgain: "Nothing was changed. Please try again in a minute.",
  unconfirmed: "We do not know whether your choice was stored. Please open this page again in a minute.",
};

const ko: Words = {
  ask: ({ category }) => `‘${category}’ 수신을 거부하시겠습니까?`,
  nothingChanged: ({ address }) => `${address === undefined ? "" : `${address} 주소에 적용됩니다. `}이 페이지를 열어도 바뀐 것은 없습니다.`,
  whatToStop: "거부할 범위",
  scope: {
    mail: ({ category, description = "" }) => [`이메일로 오는 ‘${category}’`, description],
    category: ({ category }) => [`모든 방법으로 오는 ‘${category}’`, "앱, 브라우저, 문자도 포함합니다"],
    channel: ({ required }) => [
      required.length === 0 ? "모든 이메일" : `모든 이메일 (제외: ${listOf("ko", required)})`,
      "이메일로 보내는 다른 알림도 모두 포함합니다",
    ],
  },
  unsubscribe: "수신 거부",
  allSettings: "모든 설정",
  takesEffect: (canUndo) => `5초 안에 적용됩니다. ${canUndo ? "다음 페이지에서 되돌릴 수 있습니다. " : ""}로그인은 필요 없습니다.`,
  notYours: "본인의 주소가 아닌가요? 다른 분이 전달한 메일이니 이 페이지를 닫아 주세요.",
  done: "수신을 거부했습니다",
  refused: {
    mail: ({ category, address }) => `이제 ${address === undefined ? "" : `${address} 주소로 `}‘${category}’ 이메일을 보내지 않습니다.`,
    category: ({ category }) => `이제 ‘${category}’ 알림을 어떤 방법으로도 보내지 않습니다.`,
    channel: ({ address, required }) =>
      `이제 ${address === undefined ? "" : `${address} 주소로 `}이메일을 보내지 않습니다.${required.length === 0 ? "" : ` 다만 다음 알림은 계속 보냅니다: ${listOf("ko", required)}.`}`,
  },
  undo: "되돌리기",
  kept: "이미 발송된 메일은 도착할 수 있습니다. 선택하신 내용은 증빙을 위해 기록합니다.",
  undone: "되돌렸습니다",
  asBefore: "설정이 이전과 같습니다.",
  notUndone: "되돌리지 않았습니다",
  changedSince: "그 뒤에 설정이 다시 바뀌었습니다.",
  ended: "사용할 수 없는 링크입니다",
  endedWhy: "설정 링크는 30일 동안 사용할 수 있습니다. 바뀐 것은 없습니다. 더 최근 메일의 링크나 앱의 설정을 이용해 주세요.",
  endedHow: "수신 거부에는 기한이 없습니다. 메일 프로그램의 버튼이나 메일에 있는 ‘수신 거부’ 링크를 이용해 주세요.",
  unavailable: "지금은 처리할 수 없습니다",
  tooMany: "요청이 너무 많습니다",
  tryAgain: "바뀐 것은 없습니다. 잠시 후 다시 시도해 주세요.",
  unconfirmed: "선택하신 내용이 저장되었는지 알 수 없습니다. 잠시 후 이 페이지를 다시 열어 주세요.",
};

export const UNSUBSCRIBE_WORDS: Readonly<Record<Language, Words>> = { en, ko };
