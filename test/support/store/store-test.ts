import type { Store } from "../../../core/ports/store.ts";

/** Declares a test with one open store on a fresh database, and the database's URL to open more. */
export type StoreTest = (sentence: string, body: (store: Store, url: string) => Promise<void>) => void;
