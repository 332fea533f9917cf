// Call the service's API. Its token comes with the address of the page (#token=...) and is kept for the session.

const KEY = "fast_style.token";

export function takeTokenFromAddress() {
  const given = new URLSearchParams(location.hash.slice(1)).get("token");
  if (!given) return;
  setToken(given);
  history.replaceState(null, "", location.pathname + location.search);
}

export const setToken = (token) => sessionStorage.setItem(KEY, token);
const token = () => sessionStorage.getItem(KEY) ?? "";

export class ApiError extends Error {
  constructor(status, text, retryAfterS) {
    super(text);
    this.status = status;
    this.retryAfterS = retryAfterS;
  }
}

async function call(path, options = {}) {
  const headers = token() ? { Authorization: `Bearer ${token()}` } : {};
  const answer = await fetch(path, { ...options, headers });
  if (answer.ok) return answer;
  const text = await answer.json().then((body) => body.error, () => answer.statusText);
  throw new ApiError(answer.status, text, Number(answer.headers.get("Retry-After")) || 1);
}

export async function fetchStyles() {
  const { styles } = await (await call("v1/styles")).json();
  return styles.map((style) => ({ ...style, preview: withToken(style.preview) }));
}

// Stylize a picture; fields: those of the API; mask: a blob or null. Tries again while the queue is full (503).
export async function stylize(image, fields, mask, signal) {
  const form = new FormData();
  form.append("image", image, "image");
  if (mask) form.append("mask", mask, "mask.png");
  for (const [name, value] of Object.entries(fields)) form.append(name, value);
  for (;;) {
    try {
      return await (await call("v1/stylize", { method: "POST", body: form, signal })).blob();
    } catch (error) {
      if (error.status !== 503 || signal?.aborted) throw error;
      await new Promise((resolve) => setTimeout(resolve, 1000 * error.retryAfterS));
    }
  }
}

export function openStream() {
  const address = new URL(withToken("v1/stream"), location.href);
  address.protocol = address.protocol.replace("http", "ws");
  const socket = new WebSocket(address);
  socket.binaryType = "arraybuffer";
  return socket;
}

function withToken(path) {
  return token() ? `${path}${path.includes("?") ? "&" : "?"}token=${encodeURIComponent(token())}` : path;
}
