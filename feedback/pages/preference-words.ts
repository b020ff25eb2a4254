import type { Blocked, Column } from "../preference-table.ts";
import { type Language, listOf } from "./language.ts";

/** What happened by the form that the page answers. */
export type Notice =
  | { kind: "saved"; count: number; one?: { title: string; column: Column; isOn: boolean } }
  /** Said by the line of the pause itself. */
  | { kind: "paused" }
  | { kind: "unchanged" | "resumed" | "off" | "undone" | "outdated" | "too-many" | "too-late" };

interface Words {
  title: string;
  lead(address: string | undefined, hasOthers: boolean): string;
  caption: string;
  topic: string;
  columns: Readonly<Record<Column, string>>;
  always: string;
  nothingToChoose: string;
  save: string;
  notYet: string;
  undo: string;
  /** The first part is a word or two that stand out. */
  notice(notice: Exclude<Notice, { kind: "paused" }>): readonly [first: string, more: string];
  lastChange(date: string): string;
  pausedNow(date: string, required: readonly string[]): readonly [first: string, more: string];
  resume: string;
  pause: string;
  pauseWhat(date: string, required: readonly string[]): string;
  pauseUntil(date: string): string;
  off: string;
  offWhat(required: readonly string[]): string;
  turnOff: string;
  blocked(refusal: Blocked, about: { titles: readonly string[]; column: Column; brand: string }): string;
  footer(date: string): string;
}

const BY_EN: Readonly<Record<Column, string>> = { app: "in the app", web: "in the browser", sms: "by text", email: "by e-mail" };
const onlyEn = (required: readonly string[]) => (required.length === 0 ? "Nothing" : `Only ${listOf("en", required)}`);

const en: Words = {
  title: "What you hear from us",
  lead: (address, hasOthers) =>
    `${address === undefined ? "" : `For ${address}${hasOthers ? " and your devices" : ""}. `}Changes take effect within 5 seconds.`,
  caption: "What we send you, by topic and channel",
  topic: "Topic",
  columns: { app: "App", web: "Browser", sms: "Text", email: "E-mail" },
  always: "Always sent: this cannot be turned off",
  nothingToChoose: "There are no topics to choose from yet.",
  save: "Save",
  notYet: "Nothing changes until you save.",
  undo: "Undo",
  notice(notice) {
    switch (notice.kind) {
      case "saved": {
        const { count, one } = notice;
        if (one === undefined) return ["Saved.", `${count} choices were changed.`];
        return ["Saved.", `“${one.title}” ${one.isOn ? "now comes" : "no longer comes"} ${BY_EN[one.column]}.`];
      }
      case "unchanged":
        return ["Nothing was changed.", "Your choices were as you wanted them already."];
      case "resumed":
        return ["Resumed.", "Your choices apply again."];
      case "off":
        return ["Saved.", "Everything is off."];
      case "undone":
        return ["Undone.", "Your choices are as they were before."];
      case "outdated":
        return ["Not saved.", "Your choices were changed elsewhere since you opened this page. This is what is stored now."];
      case "too-many":
        return ["Not saved.", "These would be more single choices than there may be. “Turn everything off” always works."];
      case "too-late":
        return ["Not undone.", "Your choices were changed again since. This is what is stored now."];
    }
  },
  lastChange: (date) => `You last changed your choices here on ${date}.`,
  pausedNow: (date, required) => [`Paused until ${date}.`, `${onlyEn(required)} until then. The choices below apply after that.`],
  resume: "Resume now",
  pause: "Pause for 30 days",
  pauseWhat: (date, required) => `${onlyEn(required)} until ${date}. Your choices are kept and apply again after that.`,
  pauseUntil: (date) => `Pause until ${date}`,
  off: "Everything off",
  offWhat: (required) => `${onlyEn(required)} until you choose otherwise. You can undo it on this page.`,
  turnOff: "Turn everything off",
  blocked(refusal, { titles, column, brand }) {
    const begin = `${listOf("en", titles)} cannot come ${BY_EN[column]}, because`;
    switch (refusal) {
      case "stopped":
        return `${begin} you replied STOP. To allow it again, text START to the number that the text came from.`;
      case "stopped-all":
        return `${begin} you replied STOP. To allow it again, write to ${brand}.`;
      case "complained":
        return `${begin} one of our mails was reported as spam. To allow it again, write to ${brand}.`;
      case "bounced":
        return `${begin} the address does not accept it.`;
      case "blocked":
        return `${begin} ${brand} stopped sending there. To allow it again, write to ${brand}.`;
      case "opted-out":
      case "no-consent":
        return `${begin} the address was unsubscribed by itself. To allow it again, write to ${brand}.`;
    }
  },
  footer: (date) =>
    `This link is personal and works until ${date}. The page shows no message and no full address. We keep a record of your choices as proof.`,
};

const BY_KO: Readonly<Record<Column, string>> = { app: "앱으로", web: "브라우저로", sms: "문자로", email: "이메일로" };
const onlyKo = (required: readonly string[]) =>
  required.length === 0 ? "아무것도 보내지 않습니다." : `다음 알림만 보냅니다: ${listOf("ko", required)}.`;

const ko: Words = {
  title: "수신 설정",
  lead: (address, hasOthers) =>
    `${address === undefined ? "" : `${address}${hasOthers ? "과 등록된 기기" : " 주소"}에 적용됩니다. `}변경 사항은 5초 안에 반영됩니다.`,
  caption: "주제와 수신 방법별 설정",
  topic: "주제",
  columns: { app: "앱", web: "브라우저", sms: "문자", email: "이메일" },
  always: "항상 보내며 끌 수 없습니다",
  nothingToChoose: "아직 선택할 수 있는 주제가 없습니다.",
  save: "저장",
  notYet: "저장하기 전에는 아무것도 바뀌지 않습니다.",
  undo: "되돌리기",
  notice(notice) {
    switch (notice.kind) {
      case "saved": {
        const { count, one } = notice;
        if (one === undefined) return ["저장했습니다.", `설정 ${count}개를 바꾸었습니다.`];
        return ["저장했습니다.", `이제 ‘${one.title}’ 알림을 ${BY_KO[one.column]} ${one.isOn ? "보냅니다" : "보내지 않습니다"}.`];
      }
      case "unchanged":
        return ["바뀐 것이 없습니다.", "이미 원하시는 설정입니다."];
      case "resumed":
        return ["다시 보냅니다.", "설정이 다시 적용됩니다."];
      case "off":
        return ["저장했습니다.", "모두 껐습니다."];
      case "undone":
        return ["되돌렸습니다.", "설정이 이전과 같습니다."];
      case "outdated":
        return ["저장하지 않았습니다.", "이 페이지를 여신 뒤에 다른 곳에서 설정이 바뀌었습니다. 지금 저장된 설정은 아래와 같습니다."];
      case "too-many":
        return ["저장하지 않았습니다.", "개별 설정이 너무 많습니다. ‘모두 끄기’는 언제나 사용할 수 있습니다."];
      case "too-late":
        return ["되돌리지 않았습니다.", "그 뒤에 설정이 다시 바뀌었습니다. 지금 저장된 설정은 아래와 같습니다."];
    }
  },
  lastChange: (date) => `이 페이지에서 마지막으로 설정을 바꾸신 날: ${date}`,
  pausedNow: (date, required) => [`${date}까지 멈춥니다.`, `그때까지 ${onlyKo(required)} 아래 설정은 그 뒤에 적용됩니다.`],
  resume: "지금 다시 받기",
  pause: "30일 동안 멈추기",
  pauseWhat: (date, required) => `${date}까지 ${onlyKo(required)} 지금 설정은 그대로 남아 있으며 그 뒤에 다시 적용됩니다.`,
  pauseUntil: (date) => `${date}까지 멈추기`,
  off: "모두 끄기",
  offWhat: (required) => `다시 선택하실 때까지 ${onlyKo(required)} 이 페이지에서 되돌릴 수 있습니다.`,
  turnOff: "모두 끄기",
  blocked(refusal, { titles, column, brand }) {
    const cannot = `다음 알림을 ${BY_KO[column]} 보낼 수 없습니다: ${listOf("ko", titles)}.`;
    const ask = `다시 받으시려면 ${brand}에 문의해 주세요.`;
    switch (refusal) {
      case "stopped":
        return `STOP이라고 답장하셔서 ${cannot} 다시 받으시려면 문자를 받은 번호로 START를 보내 주세요.`;
      case "stopped-all":
        return `STOP이라고 답장하셔서 ${cannot} ${ask}`;
      case "complained":
        return `메일이 스팸으로 신고되어 ${cannot} ${ask}`;
      case "bounced":
        return `주소에서 받지 않아 ${cannot}`;
      case "blocked":
        return `${brand}에서 발송을 중지하여 ${cannot} ${ask}`;
      case "opted-out":
      case "no-consent":
        return `이 주소만 따로 수신을 거부하여 ${cannot} ${ask}`;
    }
  },
  footer: (date) =>
    `이 링크는 회원님 전용이며 ${date}까지 사용할 수 있습니다. 알림 내용과 전체 주소는 표시하지 않습니다. 선택하신 내용은 증빙을 위해 기록합니다.`,
};

export const PREFERENCE_WORDS: Readonly<Record<Language, Words>> = { en, ko };
