// The page as a whole: who is signed in, what is shown, what the buttons do.
import * as api from "./api.js";
import * as text from "./text.js";
import * as time from "./time.js";
import * as views from "./views.js";

const { t } = text;
const SLOW_MS = 10000;
const TICK_MS = 30000;
const LOOK_AGAIN_MS = 30000;
const LINK = /^[A-Za-z0-9_-]{43}$/;
// Somebody's text inside a sentence of ours: what turns the direction of writing ends with it.
const isolated = (text) => `\u2068${text}\u2069`;
const place = (id) => document.getElementById(id);

// view: "loading", "out" (why), "failed" (trouble) or "in" (session, connections or trouble).
const state = { view: "loading", why: "never", session: null, connections: null, trouble: null,
  loadedAt: null, wantsConnect: false, outcome: null };
const notices = new Map(); // id: what it says, so that it can be said in another language

let run = 0; // counts loads: an answer to an overtaken one is dropped

/* showing */

function pageOf() {
  if (state.view === "loading") return views.loading();
  if (state.view === "out") return views.signedOut(state.why, state.wantsConnect);
  if (state.view === "failed") return views.failed(state.trouble, () => load());
  return views.calendars({ owner: state.session.owner, connections: state.connections,
    providers: state.session.providers, trouble: state.trouble, retry: () => load(), leave });
}

function showBars() {
  const signedIn = state.view === "in";

  place("account").hidden = !signedIn;
  place("account").replaceChildren(...(signedIn ? views.account(state.session.owner, signOut)
    : []));
  place("sandbox").hidden = !state.session?.sandbox;
  place("sandbox").replaceChildren(...(state.session?.sandbox ? [views.sandbox()] : []));
}

// Builds the page anew; the keyboard stays where it was if that place still exists.
function show() {
  const focused = document.activeElement?.id;
  const open = place("uses")?.open;
  const { title, body } = pageOf();

  document.title = `${title} · calbridge`;
  place("view").replaceChildren(body);
  place("main").dataset.view = state.view;
  place("main").setAttribute("aria-busy", String(state.view === "loading"));
  showBars();
  if (open && place("uses")) place("uses").open = true;
  if (focused) place(focused)?.focus({ preventScroll: true });
}

function focusHeading() {
  document.querySelector("h1")?.focus({ preventScroll: true });
}

function focusConnect() {
  if (state.view !== "in" || !state.wantsConnect) return;
  state.wantsConnect = false;
  place("connect").scrollIntoView({ block: "start" });
  place("connect").focus({ preventScroll: true });
}

function showNotices() {
  for (const id of ["urgent", "polite"]) {
    const said = [...notices].filter(([, one]) => (one.urgent ? "urgent" : "polite") === id);

    place(id).replaceChildren(...said.map(([key, one]) => views.notice(one, () => {
      unsay(key);
      focusHeading();
    })));
  }
}

function say(id, said) {
  notices.set(id, said);
  showNotices();
}

function unsay(id) {
  if (notices.delete(id)) showNotices();
}

const sayTrouble = (id, title, trouble, key, values) => say(id, { tone: "bad", icon: "alert",
  urgent: true, title: () => t(title), text: () => t(key, values), trouble });

/* the address */

function setAddress(url) {
  history.replaceState(null, "", url);
}

// The secret of a sign-in link; undefined: there is none.
function linkOf(hash) {
  return hash.startsWith("#sign-in=") ? hash.slice("#sign-in=".length) : undefined;
}

// The consent's result leaves the address at once: a reload must not tell it again.
function takeOutcome() {
  const query = new URLSearchParams(location.search);
  const outcome = query.get("calendar");

  if (!outcome) return;
  setAddress(location.pathname + location.hash);
  state.outcome = { connected: outcome === "connected", provider: query.get("provider") ?? "",
    reason: query.get("reason") ?? "failed" };
}

/* the consent's result */

function newest(provider) {
  const when = (one) =>
    Math.max(Date.parse(one.connectedAt) || 0, Date.parse(one.statusSince) || 0);

  return (state.connections ?? [])
    .filter((one) => one.provider === provider && one.status === "active")
    .sort((a, b) => when(b) - when(a))[0];
}

function tellConnected(provider) {
  const one = newest(provider);
  const known = text.has(`provider.${provider}`) ? `provider.${provider}` : "calendarWord";
  const calendar = () => views.isMain(one) ? t("doneMain")
    : t("doneNamed", { name: isolated(one.calendarName || one.calendarId) });

  if (!one) {
    say("outcome", { tone: "wait", icon: "info", title: () => t("doneUnseen"),
      action: { key: "tryAgain", run: () => load() } });
    return;
  }
  say("outcome", { tone: "ok", icon: "check", title: () => t("doneTitle", { provider: t(known) }),
    text: () => t(one.isDefault ? "doneText" : "doneAlso", { calendar: calendar(),
      account: isolated(one.accountEmail || t("unknownAccount")) }) });
}

function tellFailed(reason) {
  const key = text.has(`fail.${reason}`) ? reason : "failed";

  // who says no has decided, not failed
  const look = key === "denied" ? { tone: "wait", icon: "info" }
    : { tone: "bad", icon: "alert", urgent: true };

  say("outcome", { ...look, title: () => t("failTitle"), text: () => t(`fail.${key}`),
    trouble: { code: key, time: new Date() } });
}

// Success is told only to the one who is signed in, and only of a connection that is there.
function tellOutcome() {
  const { outcome } = state;

  if (!outcome || (outcome.connected && state.view !== "in")) return;
  state.outcome = null;
  if (outcome.connected) tellConnected(outcome.provider);
  else tellFailed(outcome.reason);
}

/* signing in and loading */

async function sessionByLink(link) {
  if (!LINK.test(link)) {
    setAddress(location.pathname);
    sayTrouble("link", "linkBrokenTitle", { code: "link_incomplete", time: new Date() },
      "linkBroken");
    return api.session.show();
  }
  try {
    const session = await api.session.open(link);

    setAddress(location.pathname);
    return session;
  } catch (trouble) {
    // without an answer, or with one that another try may change, the link stays for that try
    if (trouble.status !== 401 && trouble.status !== 400) throw trouble;
    setAddress(location.pathname);
    return sessionDespite(trouble);
  }
}

// The link is no good; perhaps this browser is signed in all the same.
async function sessionDespite(trouble) {
  try {
    const session = await api.session.show();
    const who = isolated(session.owner.email || session.owner.id);

    say("link", { tone: "wait", icon: "info", title: () => t("linkUsedTitle"),
      text: () => t("linkUsedSignedIn", { who }) });
    return session;
  } catch (other) {
    sayTrouble("link", "linkUsedTitle", trouble, "linkUsed");
    throw other;
  }
}

function enter(session) {
  state.session = session;
  time.setZone(session.owner.timeZone);
}

// Nothing of the person stays on the page.
function leaveSession(why) {
  Object.assign(state, { view: "out", why, session: null, connections: null, trouble: null,
    loadedAt: null });
  unsay("outcome");
  unsay("stale");
}

function isOut(trouble) {
  return trouble.status === 401;
}

async function loadConnections() {
  try {
    state.connections = await api.connections(state.session.owner.id);
    Object.assign(state, { trouble: null, loadedAt: new Date() });
    unsay("stale");
  } catch (trouble) {
    if (isOut(trouble)) throw trouble;
    state.connections = null;
    state.trouble = trouble;
  }
  state.view = "in";
}

function settle(trouble) {
  if (isOut(trouble)) leaveSession(state.session ? "expired" : state.why);
  else Object.assign(state, { view: "failed", trouble });
}

function sayIfSlow() {
  return setTimeout(() => say("slow", { tone: "wait", icon: "clock", title: () => t("slow") }),
    SLOW_MS);
}

async function load() {
  const mine = ++run;
  const slow = sayIfSlow();
  const link = linkOf(location.hash);
  const before = state.session;

  state.view = "loading";
  show();
  try {
    const session = link === undefined ? await api.session.show() : await sessionByLink(link);

    if (mine !== run) return;
    if (link !== undefined && session !== before) notices.delete("outcome");
    enter(session);
    state.trouble = null;
    await loadConnections();
  } catch (trouble) {
    if (mine === run) settle(trouble);
  } finally {
    clearTimeout(slow);
    unsay("slow");
  }
  if (mine !== run) return;
  show();
  tellOutcome();
  focusConnect();
}

// A quiet second look, for one who comes back to the page: only what changed is built anew.
async function lookAgain() {
  if (state.view !== "in" || !state.loadedAt || Date.now() - state.loadedAt < LOOK_AGAIN_MS) return;
  const mine = ++run;
  const before = JSON.stringify(state.connections);

  try {
    const connections = await api.connections(state.session.owner.id);

    if (mine !== run) return;
    unsay("stale");
    Object.assign(state, { connections, loadedAt: new Date() });
    if (JSON.stringify(connections) !== before) show();
  } catch (trouble) {
    if (mine !== run) return;
    if (isOut(trouble)) {
      leaveSession("expired");
      show();
      return;
    }
    const at = state.loadedAt;
    say("stale", { tone: "wait", icon: "info", trouble,
      title: () => t("staleList", { time: time.clock(at) }),
      action: { key: "tryAgain", run: () => load() } });
  }
}

/* buttons */

// Asks first whether the session still holds: a page of the server's would say it less kindly.
async function leave(event) {
  if (event.ctrlKey || event.metaKey || event.shiftKey) return;
  const link = event.currentTarget;
  const label = [...link.childNodes];

  event.preventDefault();
  if (link.ariaDisabled === "true") return;
  link.setAttribute("aria-disabled", "true");
  link.replaceChildren(t("going", { company: t(`company.${link.dataset.provider}`) }));
  notices.clear();
  showNotices();
  try {
    enter(await api.session.show());
    location.assign(link.href);
  } catch (trouble) {
    link.removeAttribute("aria-disabled");
    link.replaceChildren(...label);
    if (isOut(trouble)) {
      leaveSession("expired");
      show();
      focusHeading();
    } else sayTrouble("connect", "connectTrouble", trouble,
      trouble.status === 0 ? "offlineText" : "troubleLoad");
  }
}

// The token against forged requests may be older than the session: then once more with a new one.
async function closeSession() {
  try {
    await api.session.close(state.session.csrfToken);
  } catch (trouble) {
    if (trouble.status !== 403) throw trouble;
    enter(await api.session.show());
    await api.session.close(state.session.csrfToken);
  }
}

async function signOut() {
  place("sign-out").setAttribute("aria-disabled", "true");
  try {
    await closeSession();
  } catch (trouble) {
    if (!isOut(trouble)) {
      place("sign-out")?.removeAttribute("aria-disabled");
      sayTrouble("sign-out", "signOutTrouble", trouble,
        trouble.status === 0 ? "offlineText" : "troubleLoad");
      return;
    }
  }
  run++;
  notices.clear();
  showNotices();
  leaveSession("left");
  show();
  focusHeading();
}

/* language */

function translate() {
  for (const node of document.querySelectorAll("[data-text]"))
    node.textContent = t(node.dataset.text);
  place("language").value = document.documentElement.lang;
}

function listen() {
  place("language").addEventListener("change", (event) => {
    text.choose(event.target.value);
    translate();
    show();
    showNotices();
  });
  addEventListener("hashchange", () => {
    state.wantsConnect ||= location.hash === "#connect";
    if (linkOf(location.hash) !== undefined) load();
    else focusConnect();
  });
  addEventListener("online", () => state.trouble && load());
  // a page brought back from the browser's memory may show what is long over
  addEventListener("pageshow", (event) => event.persisted && load());
  document.addEventListener("visibilitychange", () => !document.hidden && lookAgain());
  setInterval(time.refresh, TICK_MS);
}

text.begin();
translate();
listen();
state.wantsConnect = location.hash === "#connect";
takeOutcome();
load();
