// Calls to the service. Every failure is a Trouble with the machine's word for it.
const LONGEST_MS = 45000; // above the 40 s after which the server gives up by itself

export class Trouble extends Error {
  constructor(code, status = 0, requestId = "", retryAfter = 0) {
    super(code);
    Object.assign(this, { code, status, requestId, retryAfter, time: new Date() });
  }
}

async function exchange(method, path, headers, body) {
  try {
    return await fetch(path, { method, headers, body, cache: "no-store", redirect: "error",
      signal: AbortSignal.timeout(LONGEST_MS) });
  } catch (error) {
    throw new Trouble(error.name === "TimeoutError" ? "no_answer" : "offline");
  }
}

async function read(answer) {
  try {
    return await answer.json();
  } catch {
    return null;
  }
}

export async function call(method, path, { data, csrf } = {}) {
  const headers = { Accept: "application/json" };

  if (data) headers["Content-Type"] = "application/json";
  if (csrf) headers["X-CSRF-Token"] = csrf;
  const answer = await exchange(method, path, headers, data && JSON.stringify(data));
  if (answer.status === 204) return null;
  const value = await read(answer);
  if (answer.ok && value !== null) return value;
  throw new Trouble(value?.code ?? "unexpected_answer", answer.status,
    value?.requestId ?? answer.headers.get("X-Request-Id") ?? "",
    Number(answer.headers.get("Retry-After")) || 0);
}

export const session = {
  show: () => call("GET", "/api/session"),
  open: (signInToken) => call("POST", "/api/session", { data: { signInToken } }),
  close: (csrf) => call("DELETE", "/api/session", { csrf }),
};

const ROOT = "/api/calendar-integration";

export async function connections(coach) {
  return (await call("GET", `${ROOT}/connections/${encodeURIComponent(coach)}`)).connections;
}

export function connectUrl(provider, coach) {
  const back = encodeURIComponent("/dashboard/");

  return `${ROOT}/connect/${provider}/${encodeURIComponent(coach)}?returnTo=${back}`;
}
