// node-pushnotifications in a gRPC server: a call is answered once the provider has answered. It stores nothing, and a call that fails is its caller's to repeat.
import type { Accepted, Notification } from "../../../gen/carillon/v1/notification_service.ts";
import { answering } from "../../answering.ts";
import { accepted, pushRequest, serveNotifications } from "../notification-server.ts";
import { apnOptions, loadPackage } from "./packages.ts";

const [folder = "", origin = "", keyFile = "", caFile = "", port = "0"] = process.argv.slice(2);
const library = new (loadPackage(folder, "node-pushnotifications"))({ apn: apnOptions(origin, keyFile, caFile) });

async function accept(notification: Notification | undefined): Promise<Accepted> {
  const { id, token, push } = pushRequest(notification);
  const { title, body, data: custom } = push;
  const [result] = await library.send([token], { title, body, custom, topic: "dev.carillon.app" });
  if (result?.success !== 1) throw new Error(result?.message[0]?.errorMsg ?? "not sent");
  return accepted(id);
}

const address = await serveNotifications(accept, Number(port));
answering(() => ({ address }));
