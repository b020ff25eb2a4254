import { MongoClient } from "mongodb";
import { withDatabase } from "../../test/support/mongod.ts";
import { type StoreServer, startStoreServer } from "../../test/support/store-server.ts";
import { temporaryDirectory } from "../temporary-directory.ts";

export interface MongoServer extends AsyncDisposable {
  readonly version: string;
  /** Its processes, where it runs here. */
  readonly pids: readonly number[];
  /** URL of a database that does not exist yet; its name begins with that of the question. */
  database(question: string): string;
  /** Deletes the databases whose names begin so. */
  drop(question: string): Promise<void>;
}

/** The server of MONGODB_URI, else mongod, else the stand-in. Undefined, after saying why, where none can be started. */
export async function startMongoServer(say: (line: string) => void): Promise<MongoServer | undefined> {
  const directory = temporaryDirectory();
  let server: StoreServer;
  try {
    server = await startStoreServer(directory.path);
  } catch (error) {
    directory[Symbol.dispose]();
    say(`no MongoDB: ${error instanceof Error ? error.message : error}`);
    return undefined;
  }
  const nameOf = (question: string) => `bench_${question.replaceAll("-", "_")}_${process.pid}`;
  return {
    ...{ version: server.version, pids: server.pids },
    database: (question) => withDatabase(server.uri, nameOf(question)),
    async drop(question) {
      await using client = await MongoClient.connect(server.uri);
      const { databases } = await client.db("admin").admin().listDatabases({ nameOnly: true });
      for (const { name } of databases) if (name.startsWith(nameOf(question))) await client.db(name).dropDatabase();
    },
    async [Symbol.asyncDispose]() {
      await server[Symbol.asyncDispose]();
      directory[Symbol.dispose]();
    },
  };
}
