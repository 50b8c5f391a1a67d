// What stands on the page in each state. Data in, elements out; app.js decides which and when.
import { connectUrl } from "./api.js";
import { breakable, el, icon } from "./dom.js";
import { t } from "./text.js";
import { absolute, moment, zoneName } from "./time.js";

// Errors that a later try mends by itself, and those that the provider's limits cause.
const WEATHER = ["provider_error", "provider_timeout", "provider_unreachable"];
const LIMITED = ["provider_rate_limited"];

const STATES = {
  connected: { tone: "ok", icon: "check", word: "stateConnected" },
  needsSignIn: { tone: "warn", icon: "key", word: "stateNeedsSignIn", advice: "needsSignInText" },
  waiting: { tone: "wait", icon: "clock", word: "stateWaiting", advice: "waitingText" },
  limited: { tone: "wait", icon: "clock", word: "stateLimited", advice: "limitedText" },
  trouble: { tone: "bad", icon: "alert", word: "stateTrouble", advice: "troubleText" },
  unknown: { tone: "wait", icon: "info", word: "stateUnknown" },
};

export function stateOf(connection) {
  if (connection.status === "reauth_required") return "needsSignIn";
  if (connection.status !== "active") return "unknown";
  if (!connection.lastError) return "connected";
  if (WEATHER.includes(connection.lastError)) return "waiting";
  return LIMITED.includes(connection.lastError) ? "limited" : "trouble";
}

const company = (connection) => t(`company.${connection.provider}`);
const tile = (name, tone = "") =>
  el("span", { class: tone ? `tile toned ${tone}` : "tile" }, icon(name));

// Google's word for the calendar that every account has; others carry a name.
export const isMain = (connection) =>
  connection.calendarId === "primary" && !connection.calendarName;

const calendarName = (connection) =>
  isMain(connection) ? t("mainCalendar") : connection.calendarName || connection.calendarId;

// What to quote to those who can look it up, folded away.
function support(trouble) {
  const lines = [["supportCode", trouble.code], ["supportRequest", trouble.requestId],
    ["supportTime", trouble.time && absolute(trouble.time)]];

  return el("details", { class: "support" },
    el("summary", {}, t("support")),
    el("dl", {}, lines.filter(([, value]) => value)
      .flatMap(([key, value]) => [el("dt", {}, t(key)), el("dd", {}, value)])));
}

/* messages */

export function notice({ tone, icon: name, title, text, trouble, action }, dismiss) {
  return el("div", { class: `notice ${tone}` },
    icon(name),
    el("div", { class: "notice-body" },
      el("p", { class: "notice-title" }, title()),
      text ? el("p", {}, text()) : null,
      trouble ? support(trouble) : null,
      action ? el("p", { class: "actions" },
        el("button", { type: "button", click: action.run }, t(action.key))) : null),
    el("button", { type: "button", class: "dismiss", click: dismiss },
      icon("close"), el("span", { class: "unseen" }, t("dismiss"))));
}

export function sandbox() {
  return el("p", {}, t("sandbox"));
}

export function account(owner, signOut) {
  return [
    el("span", { class: "who" },
      el("span", { class: "unseen" }, `${t("signedInAs")} `),
      owner.name ? el("bdi", { class: "who-name" }, owner.name) : null,
      el("bdi", { class: "who-email" }, owner.email || owner.id)),
    el("button", { type: "button", id: "sign-out", click: signOut }, t("signOut")),
  ];
}

/* connections */

function fact(key, ...values) {
  return values.length ? el("div", {}, el("dt", {}, t(key)), el("dd", {}, values)) : null;
}

// A way to the provider's consent page.
function wayOut(provider, { owner, leave }, attributes, ...children) {
  return el("a", { ...attributes, click: leave, href: connectUrl(provider, owner.id),
    "data-provider": provider }, children);
}

function signInAgain(connection, page) {
  const label = t("needsSignInButton", { company: company(connection) });

  if (!page.providers.includes(connection.provider))
    return el("p", {}, t("needsSignInNowhere", { company: company(connection) }));
  return el("div", {}, wayOut(connection.provider, page, {
    class: "button primary", id: `again-${connection.id}`,
    "aria-label": `${label}, ${connection.accountEmail || t("unknownAccount")}`,
  }, label));
}

function advice(connection, state, page) {
  if (!STATES[state].advice) return null;

  return el("div", { class: "advice" },
    el("p", {}, t(STATES[state].advice, { company: company(connection) })),
    state === "needsSignIn" ? signInAgain(connection, page) : null,
    state === "trouble" ? support({ code: connection.lastError }) : null);
}

function card(connection, page) {
  const state = stateOf(connection);
  const { tone, icon: name, word } = STATES[state];
  const account = connection.accountEmail || t("unknownAccount");
  const provider = t(`provider.${connection.provider}`);

  return el("li", {}, el("article", {
    class: `card connection ${tone}`, id: `connection-${connection.id}`,
    "aria-label": `${account}, ${provider}`, "data-state": state,
  },
  el("div", { class: "connection-top" },
    tile("calendar"),
    el("div", {},
      el("h3", {}, el("bdi", {}, breakable(account))),
      el("p", { class: "soft small" }, provider)),
    el("p", { class: `badge ${tone}` }, icon(name), t(word, { company: company(connection) }))),
  advice(connection, state, page),
  el("hr"),
  el("dl", { class: "facts" },
    fact("target", el("bdi", {}, calendarName(connection)),
      ...(connection.isDefault && page.connections.length > 1
        ? [el("span", { class: "soft" }, t("preferred"))] : [])),
    state === "needsSignIn" ? fact("needsSignInSince", ...moment(connection.statusSince)) : null,
    fact("since", ...moment(connection.connectedAt)))));
}

function summary({ connections }) {
  if (!connections) return t("listUnknown");
  const states = connections.map(stateOf);
  const asleep = states.filter((state) => state === "needsSignIn").length;
  const broken = states.filter((state) => state === "trouble").length;

  if (asleep) return t("countNeedSignIn", { n: asleep });
  if (broken) return t("countTrouble", { n: broken });
  return connections.length ? t("countConnected", { n: connections.length }) : t("noneConnected");
}

function connected(page) {
  return el("section", { class: "part", "aria-labelledby": "connected-heading" },
    el("h2", { id: "connected-heading" }, t("connected")),
    el("ul", { class: "cards", role: "list" }, page.connections.map((one) => card(one, page))),
    el("p", { class: "soft small" }, t("zone", zoneName())));
}

/* before leaving */

function use(key, name, ...lines) {
  return el("section", {},
    el("h3", {}, icon(name), t(key)),
    el("ul", {}, lines.map((line) => el("li", {}, t(line)))));
}

function uses() {
  return el("div", { class: "uses" },
    use("read", "eye", "readAccount", "readEvents"),
    use("written", "pen", "writtenEvents", "writtenMail"),
    use("never", "shield", "neverOthers", "neverMail", "neverPassword"));
}

// What the provider will ask in its own words; and, perhaps, the way there.
function choice(provider, button) {
  return el("section", { class: "choice" },
    el("h3", {}, t(`provider.${provider}`)),
    el("div", {}, el("p", {}, t(`asks.${provider}`)),
      el("p", { class: "soft" }, t(`asksWhy.${provider}`))),
    button);
}

function button(provider, page, tone) {
  const again = page.connections?.some((one) => one.provider === provider);

  return wayOut(provider, page, { class: tone, id: `connect-${provider}` }, icon("calendar"),
    again ? t("connectAnother", { company: t(`company.${provider}`) })
      : t("connect", { provider: t(`provider.${provider}`) }));
}

// All of it in sight for one who has connected nothing yet, folded away for the others.
function ways(page) {
  const { providers, connections } = page;
  const leaving = el("p", { class: "soft small" }, t("leaving"));

  if (connections?.length === 0)
    return [uses(), el("div", { class: "choices" }, providers.map((one) =>
      choice(one, button(one, page, "button primary")))), leaving];
  return [
    el("details", { class: "uses-fold", id: "uses" }, el("summary", {}, t("before")),
      el("div", { class: "uses-inner" }, uses(),
        el("div", { class: "choices" }, providers.map((one) => choice(one))))),
    el("div", { class: "go" }, providers.map((one) => button(one, page, "button"))),
    leaving,
  ];
}

function connect(page) {
  const { connections, providers } = page;
  const another = connections?.length > 0;
  const lead = another ? "anotherLead" : "connectLead";

  return el("section", { class: "card connect", id: "connect", tabindex: "-1",
    "aria-labelledby": "connect-heading" },
  connections?.length === 0 ? tile("calendar") : null,
  el("div", { class: "lead" },
    el("h2", { id: "connect-heading" }, t(another ? "connectNext" : "connectHeading")),
    el("p", { class: "soft" }, t(providers.length ? lead : "connectNowhere"))),
  providers.length ? ways(page) : null);
}

/* whole pages */

const heading = (text, state) => el("h1", { tabindex: "-1" }, text,
  state ? el("span", { class: "state" }, state) : null);

// connections is null while the list could not be loaded; the page then says so and why.
export function calendars(page) {
  return {
    title: `${summary(page)} · ${t("heading")}`,
    body: el("div", { class: "page" },
      el("div", { class: "top" }, heading(t("heading"), summary(page))),
      page.connections ? null : listMissing(page),
      page.connections?.length ? connected(page) : null,
      connect(page)),
  };
}

function alone(name, tone, ...children) {
  return el("section", { class: "card alone" }, tile(name, tone), children);
}

// How a call that failed is told; text is for what is neither the network nor a limit.
function wordsOf(trouble, text) {
  if (trouble.status === 0)
    return { tone: "wait", name: "offline", head: t("offlineHeading"), line: t("offlineText") };
  if (trouble.status === 429)
    return { tone: "wait", name: "clock", head: t("busyHeading"),
      line: t("busyText", { n: trouble.retryAfter || 60 }) };
  return { tone: "bad", name: "alert", head: t("troubleHeading"), line: t(text) };
}

function listMissing({ trouble, retry }) {
  const { tone, head, line } = wordsOf(trouble, "listTrouble");

  return el("section", { class: `card problem ${tone}` },
    el("h2", {}, head), el("p", {}, line), support(trouble),
    el("button", { type: "button", id: "retry", click: retry }, t("tryAgain")));
}

const WHY_OUT = {
  never: ["signInHeading", "signInNoPassword", "key", ""],
  expired: ["expiredHeading", "expiredText", "clock", "wait"],
  left: ["signedOutHeading", "signedOutText", "check", "ok"],
};

export function signedOut(why, wantsConnect) {
  const [head, text, name, tone] = WHY_OUT[why];

  return {
    title: t(why === "never" ? "titleSignedOut" : head),
    body: alone(name, tone,
      heading(t(head)),
      wantsConnect ? el("p", {}, t("signInToConnect")) : null,
      el("p", {}, t(text)),
      el("ol", {}, el("li", {}, t("signInAsk")), el("li", {}, t("signInOpen"))),
      el("details", { class: "small" }, el("summary", {}, t("operators")),
        el("p", {}, t("operatorsText")),
        el("code", {}, "calbridge sign-in-link --tenant default --owner ID"))),
  };
}

export function failed(trouble, retry) {
  const { tone, name, head, line } = wordsOf(trouble, "troubleLoad");

  return {
    title: head,
    body: alone(name, tone,
      heading(head), el("p", {}, line),
      el("button", { type: "button", class: "primary", id: "retry", click: retry }, t("tryAgain")),
      support(trouble)),
  };
}

export function loading() {
  return {
    title: t("heading"),
    body: el("div", { class: "skeleton" },
      el("p", { class: "unseen" }, t("loading")),
      el("div", { class: "skeleton-line" }), el("div", { class: "skeleton-card" })),
  };
}
