import { render } from "preact";
import { html } from "../../../web/client/html.ts";
import { InboxPage } from "./page.ts";

render(html`<${InboxPage} />`, document.body);
