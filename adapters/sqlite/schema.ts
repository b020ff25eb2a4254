import type { DatabaseSync } from "node:sqlite";
import type { Recipient } from "../../core/delivery/notification.ts";
import { StoreError } from "../store/store-error.ts";
import { recipientCrc, recipientKey } from "./recipient-key.ts";
import { transactNow } from "./transact.ts";

/** Columns are what queries and conditions need; everything else is in `doc`, as JSON. */
const VERSION_1 = `
  create table notifications (id text not null primary key, lane integer not null, due integer, doc text not null) strict;
  create index outbox on notifications (lane, due) where due is not null;

  create table attempts (id text not null primary key, worker text not null, answered integer not null, doc text not null) strict;

  create table contacts (
    app text not null, endpoint_id text not null, user_id text not null, registered_at integer not null, doc text not null,
    primary key (app, endpoint_id)
  ) strict;
  create index contacts_of_user on contacts (app, user_id);

  create table preferences (
    app text not null, subject text not null, updated_at integer not null, doc text not null,
    primary key (app, subject)
  ) strict;
  create index preferences_changed on preferences (updated_at, app, subject);

  create table apps (id text not null primary key, doc text not null) strict;
  create table app_keys (key_hash text not null, app text not null, primary key (key_hash, app)) strict, without rowid;
`;

/** When a delivery last failed, so that dead letters are found by an index; and the poison messages. */
const VERSION_2 = `
  alter table notifications add column failed_at integer;
  update notifications set failed_at = (
    select max(d.value ->> 'endedAt') from json_each(doc, '$.deliveries') d where d.value ->> 'state' = 'failed'
  ) where instr(doc, '"failed"') > 0;
  create index failures on notifications (failed_at, id) where failed_at is not null;

  create table poison (id text not null primary key, kept_at integer not null, bytes blob not null, doc text not null) strict;
  create index poison_kept on poison (kept_at, id);
`;

/**
 * Which attempt a provider's reference belongs to: attributed to it, or known from the attempts' outcomes and resolutions. Only references of the
 * provider named here were ever looked for.
 */
const VERSION_3 = `
  create table attributions (reference text not null primary key, attempt text not null) strict;

  alter table attempts add column answered_reference text generated always as (
    case when doc ->> '$.provider' in ('twilio') then (doc ->> '$.provider') || '/' || (doc ->> '$.outcome.providerRef') end
  ) virtual;
  alter table attempts add column resolved_reference text generated always as (
    case when doc ->> '$.provider' in ('twilio') then (doc ->> '$.provider') || '/' || (doc ->> '$.resolution.outcome.providerRef') end
  ) virtual;
  create index attempts_answered on attempts (answered_reference) where answered_reference is not null;
  create index attempts_resolved on attempts (resolved_reference) where resolved_reference is not null;
`;

/** Large contents, one row for all notifications of an app that share one. `doc` comes last: moving `keep_until` leaves its pages alone. */
const VERSION_4 = `
  create table contents (
    app text not null, hash text not null, keep_until integer not null, doc text not null,
    primary key (app, hash)
  ) strict;
  create index contents_kept on contents (keep_until);
`;

/** References of every provider, because the store does not depend on the list of providers. */
const VERSION_5 = `
  drop index attempts_answered;
  drop index attempts_resolved;
  alter table attempts drop column answered_reference;
  alter table attempts drop column resolved_reference;
  alter table attempts add column answered_reference text generated always as (
    (doc ->> '$.provider') || '/' || (doc ->> '$.outcome.providerRef')
  ) virtual;
  alter table attempts add column resolved_reference text generated always as (
    (doc ->> '$.provider') || '/' || (doc ->> '$.resolution.outcome.providerRef')
  ) virtual;
  create index attempts_answered on attempts (answered_reference) where answered_reference is not null;
  create index attempts_resolved on attempts (resolved_reference) where resolved_reference is not null;
`;

/** The outbox is one queue, which relays share by leases. */
const VERSION_6 = `
  drop index outbox;
  alter table notifications drop column lane;
  create index notifications_due on notifications (due) where due is not null;
`;

/** When the last delivery ended, for purges; and attributions by attempt, which go with it. */
const VERSION_7 = `
  alter table notifications add column ended_at integer;
  update notifications set ended_at = max(
    doc ->> '$.acceptedAt',
    coalesce((select max(d.value ->> 'endedAt') from json_each(doc, '$.deliveries') d), doc ->> '$.acceptedAt')
  ) where due is null;
  create index notifications_ended on notifications (ended_at) where ended_at is not null;
  create index attributions_attempt on attributions (attempt);
`;

/** A mailbox or a phone number may belong to several users. */
const VERSION_8 = `
  create table shared_contacts (
    app text not null, endpoint_id text not null, user_id text not null, registered_at integer not null, doc text not null,
    primary key (app, endpoint_id, user_id)
  ) strict;
  insert into shared_contacts select app, endpoint_id, user_id, registered_at, doc from contacts;
  drop table contacts;
  alter table shared_contacts rename to contacts;
  create index contacts_of_user on contacts (app, user_id);
`;

/** The outbox by key (core/delivery/outbox-key.ts), and what has expired in it. */
const VERSION_9 = `
  alter table notifications add column outbox_key text;
  alter table notifications add column expires_at integer;
  update notifications set expires_at = doc ->> '$.expiresAt', outbox_key = (
    select iif(
      d.value ->> 'state' = 'pending' and coalesce(d.value ->> 'publishCount', d.value ->> 'publications', 0) = 0,
      (doc ->> '$.notificationClass') || '.' || (d.value ->> 'channel') || '.' || (doc ->> '$.app'),
      doc ->> '$.notificationClass'
    ) from json_each(doc, '$.deliveries') d where d.value ->> 'nextAt' is not null order by d.value ->> 'nextAt', d.key limit 1
  ) where due is not null;
  create index notifications_outbox on notifications (outbox_key, due) where due is not null;
  create index notifications_expiry on notifications (expires_at) where due is not null;
`;

/** Whose each is, to count what an app has open and scheduled. */
const VERSION_10 = `
  alter table notifications add column app text;
  update notifications set app = doc ->> '$.app' where due is not null;
  create index notifications_app_due on notifications (app, due) where due is not null;
`;

/**
 * What is due whatever room the queues have (core/delivery/outbox-key.ts), by class; expiry is part of it. 0 for what is open: it is leased once, and the
 * change that follows sets the moment.
 */
const VERSION_11 = `
  drop index notifications_expiry;
  alter table notifications drop column expires_at;
  alter table notifications add column class text;
  alter table notifications add column later_due integer;
  update notifications set class = doc ->> '$.notificationClass', later_due = 0 where due is not null;
  create index notifications_later on notifications (class, later_due, due) where due is not null;
`;

/**
 * Files for mails (core/ports/blob-store.ts). Tables of their own, made where they are missing and without a new version: processes of earlier versions never
 * touch them and still open the file, so that versions can run side by side. `bytes` of a chunk comes last: SQLite reads no pages of it to find the row.
 */
const BLOB_TABLES = `
  create table if not exists blobs (
    app text not null, id text not null, bytes integer not null, keep_until integer not null, upload text not null, chunk_count integer not null,
    primary key (app, id)
  ) strict;
  create index if not exists blobs_kept on blobs (keep_until);
  create table if not exists blob_uploads (upload text not null primary key, keep_until integer not null) strict;
  create table if not exists blob_chunks (upload text not null, number integer not null, bytes blob not null, primary key (upload, number)) strict;
`;

/**
 * For retention and erasure, without a new version, as for the blobs: processes of earlier versions may go on with the file. What they insert has no recipient and
 * no references until a process of this version opens the file again.
 */
const RETENTION_COLUMNS = `
  alter table notifications add column recipient text;
  alter table notifications add column content_gone integer not null default 0;
  create index notifications_recipient on notifications (app, recipient, id);
  create index notifications_retention on notifications (app, class, content_gone, ended_at) where ended_at is not null;
  create index notifications_incomplete on notifications (id) where recipient is null;
  drop index notifications_ended;
  create table content_references (
    app text not null, address text not null, notification text not null, primary key (app, address, notification)
  ) strict, without rowid;
  create index preference_changes_at on preference_changes (doc ->> '$.at');
  create table leases (work text not null primary key, holder text not null, until integer not null) strict;
`;
/** Of notifications that an earlier version inserted. */
const COMPLETE_INCOMPLETE = `
  insert into content_references
    select doc ->> '$.app', h.value, n.id from notifications n, json_each(doc, '$.contentHashes') h where recipient is null
    union select doc ->> '$.app', b.value, n.id from notifications n, json_each(doc, '$.blobIds') b where recipient is null
    on conflict do nothing;
  update notifications set recipient = recipient_key(doc), app = doc ->> '$.app', class = doc ->> '$.notificationClass' where recipient is null;
`;

/**
 * For cancelling and searching: notifications in the order of acceptance, those of a recipient, and those that are open under a cancel key; and tags:
 * a notification without tags has no row there. Without a new version, as the columns above.
 */
const PLACE_COLUMNS = `
  alter table notifications add column accepted_at integer;
  alter table notifications add column cancel_key text;
  alter table notifications add column recipient_crc integer;
  update notifications set accepted_at = doc ->> '$.acceptedAt', recipient_crc = recipient_crc(app, recipient);
  drop index notifications_recipient;
  create index notifications_accepted on notifications (app, accepted_at, id);
  create index notifications_to_recipient on notifications (recipient_crc, accepted_at);
  create index notifications_cancel_key on notifications (app, cancel_key, accepted_at, id) where cancel_key is not null and due is not null;
  create index notifications_unplaced on notifications (id) where accepted_at is null;
  create table notification_tags (
    app text not null, tag text not null, accepted_at integer not null, notification text not null,
    primary key (app, tag, accepted_at, notification)
  ) strict, without rowid;
`;
/** Of notifications that an earlier version inserted. It knew neither tags nor cancel keys. */
const PLACE_UNPLACED =
  "update notifications set accepted_at = doc ->> '$.acceptedAt', recipient_crc = recipient_crc(app, recipient) where accepted_at is null";

/** Every change of preferences (core/ports/preference-store.ts), and profiles; as the tables of blobs, made where they are missing. */
const PREFERENCE_TABLES = `
  create table if not exists preference_changes (
    app text not null, subject text not null, version integer not null, doc text not null,
    primary key (app, subject, version)
  ) strict, without rowid;
  create table if not exists profiles (app text not null, user_id text not null, doc text not null, primary key (app, user_id)) strict;
`;

/** Above which version a new record of preferences begins: the largest that a removed one of the app had. As the tables of blobs, made where it is missing. */
const FLOOR_TABLE = `
  create table if not exists preference_floors (app text not null primary key, version integer not null) strict;
`;

/** Who was sent how much (core/ports/cap-store.ts); as the tables of blobs. `taken` is JSON. */
const CAP_TABLES = `
  create table if not exists caps (key text not null primary key, until integer not null, taken text not null) strict;
  create index if not exists caps_ended on caps (until);
`;

/** Apps' webhook endpoints, and what these are still to be told (core/ports/webhook-store.ts); as the tables of blobs. `doc` holds the change. */
const WEBHOOK_TABLES = `
  create table if not exists webhook_endpoints (app text not null primary key, doc text not null) strict;
  create table if not exists webhook_events (
    app text not null, subject text not null, version integer not null, endpoint text not null,
    at integer not null, due integer not null, tries integer not null, doc text not null,
    primary key (app, subject, version, endpoint)
  ) strict;
  create index if not exists webhook_events_due on webhook_events (app, endpoint, due);
  create index if not exists webhook_events_at on webhook_events (at);
`;

/** What operators have paused, and what they did (core/ports/steering-store.ts); as the tables of blobs. */
const STEERING_TABLES = `
  create table if not exists steering (target text not null primary key, at integer not null, doc text not null) strict, without rowid;
  create table if not exists operator_actions (id text not null primary key, at integer not null, doc text not null) strict, without rowid;
  create index if not exists operator_actions_at on operator_actions (at);
  create index if not exists operator_actions_kind on operator_actions (json_extract(doc, '$.action'), id);
`;

/** What each version adds to the one before: append, never edit. `user_version` counts how many a file has. */
const MIGRATIONS = [
  VERSION_1,
  VERSION_2,
  VERSION_3,
  VERSION_4,
  VERSION_5,
  VERSION_6,
  VERSION_7,
  VERSION_8,
  VERSION_9,
  VERSION_10,
  VERSION_11,
];

/** The last table or index that each part without a version of its own makes: where one is missing, so may be others of its part. */
const MADE_LAST = [
  ...["profiles", "leases", "caps_ended", "preference_floors"],
  ...["operator_actions_kind", "webhook_events_at", "notification_tags"],
];

/** Brings the file to this version's schema; several processes may try at once. */
export function migrate(database: DatabaseSync): void {
  const readVersion = () => Number(database.prepare("pragma user_version").get()?.user_version);
  const has = (name: string) => database.prepare("select 1 from sqlite_schema where name = ?").get(name) !== undefined;
  const isFilled = (column: string) => database.prepare(`select 1 from notifications where ${column} is null limit 1`).get() === undefined;
  const isComplete = () => MADE_LAST.every(has) && ["recipient", "accepted_at"].every(isFilled);
  // Most files are up to date, and then opening one waits for no writer.
  if (readVersion() === MIGRATIONS.length && isComplete()) return;
  transactNow(database, () => {
    const version = readVersion();
    if (version > MIGRATIONS.length)
      throw new StoreError(`the file has schema ${version}, this Carillon knows ${MIGRATIONS.length}: it was written by a newer one`);
    for (const migration of MIGRATIONS.slice(version)) database.exec(migration);
    database.exec(BLOB_TABLES);
    database.exec(PREFERENCE_TABLES);
    database.exec(CAP_TABLES);
    database.exec(FLOOR_TABLE);
    database.exec(WEBHOOK_TABLES);
    database.exec(STEERING_TABLES);
    if (!has("leases")) database.exec(RETENTION_COLUMNS);
    database.function("recipient_key", { deterministic: true }, (doc) => recipientKey(readRecipient(String(doc))));
    database.function("recipient_crc", { deterministic: true }, (app, key) => recipientCrc(String(app), String(key)));
    database.exec(COMPLETE_INCOMPLETE);
    database.exec(has("notification_tags") ? PLACE_UNPLACED : PLACE_COLUMNS);
    database.exec(`pragma user_version = ${MIGRATIONS.length}`);
  });
}

const readRecipient = (doc: string) => (JSON.parse(doc) as { recipient: Recipient }).recipient;
