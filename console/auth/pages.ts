import { type Html, html } from "../../runtime/http/html.ts";
import type { HttpResponse } from "../../runtime/http/server.ts";
import { PAGE_HEADERS } from "../../web/server/client-files.ts";

interface AuthPage {
  status?: number;
  title: string;
  body: readonly Html[];
  /** Where the browser goes by itself, from a page of ours: the session's cookie is Strict, so it is not sent where the issuer sends the browser. */
  goTo?: string;
  cookies?: readonly string[];
}

/** A page of signing in or out. It shows no data, may not be cached, and runs no script. */
export function authPage({ status = 200, title, body, goTo, cookies = [] }: AuthPage): HttpResponse {
  const page = html`<!doctype html>
<html lang="en">
<head>
<meta charset="utf-8">
<meta name="viewport" content="width=device-width, initial-scale=1">
<meta name="color-scheme" content="light dark">
<title>${title} · Carillon</title>
${goTo === undefined ? undefined : html`<meta http-equiv="refresh" content="0; url=${goTo}">`}
<link rel="icon" href="/web/styles/mark.svg">
<link rel="stylesheet" href="/web/styles/tokens.css">
<link rel="stylesheet" href="/web/styles/base.css">
<link rel="stylesheet" href="/web/styles/components.css">
</head>
<body><main><h1>${title}</h1>
${body}
</main></body>
</html>
`;
  return {
    status,
    headers: { ...PAGE_HEADERS, "cache-control": "no-store", "content-type": "text/html; charset=utf-8" },
    cookies,
    body: page.html,
  };
}

const newLinkForm = html`<form method="post" action="/login/new-link"><button class="primary">Print a new link in the terminal</button></form>`;

const again = html`<p><a href="/login">Sign in again</a></p>`;

/** @param reference stands in the log, too */
const failed = (status: number, title: string, body: readonly Html[], reference: string): HttpResponse =>
  authPage({ status, title, body: [...body, html`<p>For the log: <code>${reference}</code></p>`] });

/** One page for whatever was wrong with an answer of the issuer: it says nothing of what was expected. */
export const notSignedIn = (reference: string) =>
  failed(
    400,
    "Signing in did not work",
    [html`<p>The sign-in took too long, was begun in another browser or tab, or was refused. Nothing was changed.</p>`, again],
    reference,
  );

export const noRole = (reference: string) =>
  failed(
    403,
    "You have no role here",
    [
      html`<p>Your organisation knows you, but none of your groups has a role in this console. Ask whoever runs Carillon for one, and sign in again.</p>`,
      again,
    ],
    reference,
  );

export const issuerAway = (reference: string) =>
  failed(503, "Your identity provider does not answer", [html`<p>Signing in needs it. Try again in a minute.</p>`, again], reference);

export const tooManyLogins = (reference: string) =>
  failed(429, "Too many sign-ins", [html`<p>Many people, or a program, sign in right now. Try again in a minute.</p>`, again], reference);

export const linkEnded = (reference: string) =>
  failed(400, "This link has been used or is too old", [html`<p>A link signs in once, within five minutes.</p>`, newLinkForm], reference);

/** The page that a console with one-time links shows without a session. */
export const askForLink = () =>
  authPage({
    title: "Open the link in your terminal",
    body: [html`<p>This console runs on your machine. It printed a link that signs you in, once and within five minutes.</p>`, newLinkForm],
  });

export const linkPrinted = () =>
  authPage({ title: "Look at your terminal", body: [html`<p>The process that runs the console printed a new link.</p>`] });

/** The page of a one-time link. Only its button uses the link up, because programs follow links to check them. */
export const linkPage = () =>
  authPage({ title: "Sign in to Carillon", body: [html`<form method="post"><button class="primary">Sign in</button></form>`] });

export const signedIn = (goTo: string, cookies: readonly string[]) =>
  authPage({ title: "You are signed in", body: [html`<p><a href="${goTo}">Go on to the console</a></p>`], goTo, cookies });

export const signedOut = (cookies: readonly string[], issuerUrl: string | undefined) =>
  authPage({
    title: "You are signed out",
    body: [again, ...(issuerUrl === undefined ? [] : [html`<p><a href="${issuerUrl}">Sign out at your identity provider, too</a></p>`])],
    cookies,
  });

export const foreign = (reference: string) =>
  failed(403, "This request came from another site", [html`<p>Nothing was changed. Open the console by its own address.</p>`], reference);

export const noSuchPage = () =>
  authPage({
    status: 404,
    title: "There is no such page",
    body: [html`<p>The console has nothing at this address. <a href="/now">Go to Now</a></p>`],
  });
