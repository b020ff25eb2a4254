// Encrypts one push over and over for a browser (RFC 8291), and sends nothing: what a web push costs at least.
import webpush from "web-push";
import { answering } from "../answering.ts";

const [p256dh = "", auth = "", plaintext = ""] = process.argv.slice(2);

answering(({ sends }: { sends: number }) => {
  const began = performance.now();
  for (let i = 0; i < sends; i++) webpush.encrypt(p256dh, auth, plaintext, "aes128gcm");
  return { ms: performance.now() - began };
});
