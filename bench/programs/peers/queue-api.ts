// The API of a model of Novu: a call is answered once its trigger job is in Redis. Novu also writes to MongoDB, at each step, which this model does not.
import { answering } from "../../answering.ts";
import { accepted, pushRequest, serveNotifications } from "../notification-server.ts";
import { addJob, connectQueues, TRIGGER } from "./queues.ts";

const [folder = "", redisUrl = ""] = process.argv.slice(2);
const triggers = connectQueues(folder, redisUrl).open(TRIGGER);

const address = await serveNotifications(async (notification) => {
  const request = pushRequest(notification);
  await addJob(triggers, request);
  return accepted(request.id);
});
answering(() => ({ address }));
