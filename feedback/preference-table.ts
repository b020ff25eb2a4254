import type { Channel } from "../core/delivery/channel.ts";
import { type Refusal, refusalOf } from "../core/preferences/answer.ts";
import { type Category, defaultOf } from "../core/preferences/category.ts";
import type { PreferenceState } from "../core/preferences/change.ts";
import { type ChoicePlace, isChosen, resumed } from "../core/preferences/choosing.ts";

/** What people call channels, in the order of the page. APNs and FCM are one. */
export const COLUMNS = { app: ["apns", "fcm"], web: ["webpush"], sms: ["sms"], email: ["email"] } as const satisfies Record<
  string,
  Channel[]
>;
export type Column = keyof typeof COLUMNS;
const COLUMN_NAMES = Object.keys(COLUMNS) as Column[];

/** Why nothing is sent to any of the person's addresses. "stopped-all": a STOP to no sender that is known, so that START to none of them surely lifts it. */
export type Blocked = Refusal | "stopped-all";

/** One checkbox, or none where the person's addresses there are blocked. */
export interface Cell {
  column: Column;
  /** Of the form's field: category and column. */
  name: string;
  places: ChoicePlace[];
  isOn: boolean;
  /** Why nothing of it is sent there whatever the person chooses; undefined: it is as they choose. */
  blocked?: Blocked | undefined;
}

export interface Row {
  category: Category;
  /** Empty: nobody can choose about it. */
  cells: Cell[];
}

export interface ChoiceTable {
  columns: Column[];
  rows: Row[];
}

/** One address of the person: what it chose by itself, and what blocks it. */
export interface Address {
  channel: Channel;
  states: PreferenceState[];
}

/** What the page shows of an app's categories. Pure. @param only of an endpoint: its channel */
export function choiceTable(parts: {
  channels: readonly Channel[];
  only?: Channel | undefined;
  categories: readonly Category[];
  tenant: string | undefined;
  state: PreferenceState;
  addresses: readonly Address[];
  now: number;
}): ChoiceTable {
  const { channels, only, categories, tenant, addresses, now } = parts;
  const channelsOf = (column: Column) =>
    COLUMNS[column].filter((channel: Channel) => (only === undefined ? channels.includes(channel) : channel === only));
  const columns = COLUMN_NAMES.filter((column) => channelsOf(column).length > 0);
  const state = resumed(parts.state, now);
  const cellOf = (category: Category, column: Column): Cell => {
    const places = channelsOf(column).map((channel): ChoicePlace => ({ channel, category, tenant }));
    const isOn = places.some((place) => isChosen(state, place, now));
    return { column, name: `${category.name}.${column}`, places, isOn, blocked: blockOf(places, addresses, now) };
  };
  const rows = categories
    .filter(({ hidden }) => !hidden)
    .toSorted((a, b) => (a.order ?? 0) - (b.order ?? 0) || (a.name < b.name ? -1 : 1))
    .map((category): Row => ({ category, cells: isRequired(category, tenant) ? [] : columns.map((column) => cellOf(category, column)) }));
  return { columns, rows };
}

/** Whatever the channel: a category is required as a whole. */
export const isRequired = (category: Category, tenant: string | undefined): boolean => defaultOf(category, "email", tenant) === "required";

/** Why none of the person's addresses there would get it; undefined where one would, or they have none. */
function blockOf(places: readonly ChoicePlace[], addresses: readonly Address[], now: number): Blocked | undefined {
  const refusals = places.flatMap(({ channel, category }) =>
    addresses
      .filter((address) => address.channel === channel)
      .map(({ states }) => {
        const asked = { channel, category: category.name, notificationClass: category.notificationClass ?? "transactional" } as const;
        const refusal = refusalOf(states, { ...asked, default: "opted-in" }, now);
        return refusal === "stopped" && states.some(hasStopOfAll) ? "stopped-all" : refusal;
      }),
  );
  return refusals.includes(undefined) ? undefined : refusals[0];
}

const hasStopOfAll = ({ blocks }: PreferenceState): boolean => blocks.some(({ kind, pool }) => kind === "stop" && pool === undefined);

/** What a form asks for: cells whose checkbox differs from how the page had shown it. @param was as shownCells() wrote it */
export function wishesOf({ rows }: ChoiceTable, was: string, isChecked: (name: string) => boolean): { cell: Cell; isWanted: boolean }[] {
  const shown = new Map(was.split(" ").map((cell) => [cell.slice(1), cell.startsWith("+")]));
  return rows.flatMap(({ cells }) =>
    cells.flatMap((cell) => {
      const [before, isWanted] = [shown.get(cell.name), isChecked(cell.name)];
      return before === undefined || before === isWanted || cell.blocked ? [] : [{ cell, isWanted }];
    }),
  );
}

/** How the page shows its checkboxes: without it a category that was put meanwhile would seem to be turned off. */
export const shownCells = ({ rows }: ChoiceTable): string =>
  rows.flatMap(({ cells }) => cells.filter(({ blocked }) => !blocked).map(({ name, isOn }) => `${isOn ? "+" : "-"}${name}`)).join(" ");
