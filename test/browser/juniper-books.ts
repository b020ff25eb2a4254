import { endpointId } from "../../adapters/ids.ts";
import type { Channel } from "../../core/delivery/channel.ts";
import type { Endpoint } from "../../core/delivery/endpoint.ts";
import type { Block } from "../../core/preferences/block.ts";
import type { Category } from "../../core/preferences/category.ts";
import { endpointSubject } from "../../core/preferences/opt-out.ts";
import { setBrand } from "../../operations/apps/brand.ts";
import { logoOf } from "../../operations/apps/logo.ts";
import { startRecipientPages } from "../support/recipient-pages.ts";

// One app and one person, the same each time: pictures of it are in docs/images/.

const NOW = Date.UTC(2026, 10, 30, 12);

const category = (order: number, name: string, en: [string, string], ko: [string, string], more: Partial<Category> = {}): Category => ({
  ...{ name, order, default: "opted-in" },
  labels: { en: { title: en[0], description: en[1] }, ko: { title: ko[0], description: ko[1] } },
  ...more,
});

const CATEGORIES: Category[] = [
  category(1, "security", ["Security", "Sign-in codes and warnings"], ["보안", "인증번호와 로그인 경고"], { default: "required" }),
  category(2, "orders", ["Orders", "Shipping, delivery, receipts"], ["주문", "배송, 도착, 영수증"], { channelsOff: ["webpush"] }),
  category(3, "reminders", ["Reminders", "Reservations and returns"], ["예약·반납 안내", "예약 도서와 반납 기한"], {
    channelsOff: ["webpush"],
  }),
  category(4, "newsletter", ["Newsletter", "New books, twice a month"], ["소식지 (광고)", "새 책 소식, 한 달에 두 번"], {
    ...{ default: "opted-out", notificationClass: "marketing", unsubscribeTransactional: true },
  }),
  category(5, "social", ["Friends", "Comments on your shelves"], ["친구", "내 책장에 달린 댓글"], { channelsOff: ["webpush", "email"] }),
];

const LOGO = `<svg xmlns="http://www.w3.org/2000/svg" viewBox="0 0 24 24" fill="none" stroke="#ffffff" stroke-width="1.6" stroke-linecap="round">
<path d="M12 21V8"/><path d="M12 13c-4 0-6-2-6-5 3 0 6 1 6 5zM12 10c0-4 2-6 5-6 0 3-1 6-5 6z"/><path d="M12 18c3 0 5-1.5 5-4-3 0-5 1-5 4z"/></svg>`;

export async function openJuniperBooks() {
  await using stack = new AsyncDisposableStack();
  const pages = stack.use(await startRecipientPages({ categories: CATEGORIES, now: NOW }));
  const { store, app } = pages;
  await setBrand(store.apps, app.id, {
    names: { en: "Juniper Books", ko: "주니퍼 서점" },
    colors: { background: "#1f5c4a", text: "#ffffff", mark: "#1f5c4a", markDark: "#5fb497" },
    logo: logoOf(Buffer.from(LOGO)),
  });
  const phone: Endpoint = { channel: "sms", phoneNumber: "+15550100123" };
  await pages.register({ channel: "email", address: "hana@example.com" });
  await pages.register(phone);
  const stop: Block = { kind: "stop", pool: "", classes: ["marketing"], reason: "STOP", source: "twilio", at: NOW };
  await pages.preferences.update(app.id, endpointSubject(endpointId(phone)), { block: [stop], origin: {} });
  const kept = stack.move();
  return {
    ...pages,
    /** Who chose nothing: as each test begins. */
    async forgetChoices() {
      const record = await pages.record();
      const forget = [...(record?.optOuts ?? []), ...(record?.consents ?? [])];
      await pages.preferences.update(app.id, pages.claim.subject, { forget, origin: { source: "test" } });
    },
    refusedOn: async (name: string, channel: Channel) =>
      (await pages.record())?.optOuts.some((choice) => choice.category === name && choice.channel === channel) ?? false,
    [Symbol.asyncDispose]: () => kept.disposeAsync(),
  };
}
