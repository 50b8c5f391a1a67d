// Times in the coach's zone, as a date and as a distance from now.
import { el } from "./dom.js";
import { locale } from "./text.js";

const STEPS = [["year", 31557600], ["month", 2629800], ["day", 86400], ["hour", 3600],
  ["minute", 60]]; // in seconds

let zone = "UTC";

// A zone that this browser does not know is shown as UTC rather than as the browser's own.
export function setZone(name) {
  try {
    zone = new Intl.DateTimeFormat("en", { timeZone: name }).resolvedOptions().timeZone && name;
  } catch {
    zone = "UTC";
  }
}

const format = (date, options) =>
  new Intl.DateTimeFormat(locale(), { timeZone: zone, ...options }).format(date);

export function absolute(date) {
  return format(date, { day: "numeric", month: "short", year: "numeric", hour: "numeric",
    minute: "2-digit", timeZoneName: "short" });
}

export const clock = (date) =>
  format(date, { hour: "numeric", minute: "2-digit", timeZoneName: "short" });

export function zoneName() {
  const parts = new Intl.DateTimeFormat(locale(), { timeZone: zone, timeZoneName: "long" })
    .formatToParts(new Date());
  const name = parts.find((part) => part.type === "timeZoneName")?.value ?? zone;

  return { zone: zone.replaceAll("_", " "), name };
}

export function relative(date, now = Date.now()) {
  const seconds = (date.getTime() - now) / 1000;
  const [unit, size] = STEPS.find((step) => Math.abs(seconds) >= step[1]) ?? ["second", Infinity];

  return new Intl.RelativeTimeFormat(locale(), { numeric: "auto" })
    .format(Math.trunc(seconds / size) || 0, unit);
}

// Both ways of saying it; the second is kept up to date by refresh().
export function moment(text) {
  const date = new Date(text);

  if (Number.isNaN(date.getTime())) return [];
  return [
    el("time", { datetime: text }, absolute(date)),
    el("time", { class: "soft", datetime: text, "data-relative": "" }, relative(date)),
  ];
}

export function refresh() {
  for (const node of document.querySelectorAll("time[data-relative]"))
    node.textContent = relative(new Date(node.dateTime));
}
