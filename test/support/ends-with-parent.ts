// Preloaded into processes a test starts (node --import): the pipe on standard input closes however the test ends, SIGKILL included,
// and this process then ends too.
import { Socket } from "node:net";

const pipe = new Socket({ fd: 0, readable: true, writable: false });
pipe.on("error", () => undefined);
pipe.on("close", () => process.kill(process.pid, "SIGKILL"));
pipe.resume();
pipe.unref();
