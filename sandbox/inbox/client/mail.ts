import { Fragment, type VNode } from "preact";
import { html } from "../../../web/client/html.ts";
import { counted } from "../../../web/client/time.ts";
import type { Message } from "../view.ts";

/** In a frame that may do nothing; its own answer forbids what the attribute does, and everything from elsewhere. */
export function MailView({ message: { id, html: mail, text, remote, attachments } }: { message: Message }): VNode {
  return html`<${Fragment}>
    ${
      mail === ""
        ? html`<pre tabindex="0" class="words" aria-label="The text">${text || "This mail has neither HTML nor text."}</pre><p class="faint">This mail has no HTML part.</p>`
        : html`<div class="mail"><iframe sandbox="" title="The mail as a mail program shows it" src=${`/inbox/api/messages/${id}/mail`}></iframe></div>
            <p class="faint">Scripts, forms and remote pictures are off in this view. ${remote} remote ${remote === 1 ? "file was" : "files were"} blocked.</p>`
    }
    ${
      attachments.length > 0 &&
      html`<dl class="kv note">${attachments.map(
        ({ filename, type, bytes, inline }, i) =>
          html`<dt key=${`n${i}`}>${inline ? "In the text" : "Attached"}</dt><dd key=${`v${i}`}>${filename || "without a name"} <span class="dim">${type}, ${counted(bytes)} bytes</span></dd>`,
      )}</dl>`
    }
  <//>`;
}
