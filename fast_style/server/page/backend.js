// The back end of the page that the service serves: every picture is painted by the service.
//
// A back end has: formats (of downloads), onePass (whether it paints in one pass, not from coarse to fine), leavesOut (ids
// of controls that it has not), note (a line for the user),
// limits ({bytes, pixels} of a picture), anyPainting (name of the model that paints like the user's own painting, or
// nothing), mayKeep, styles(), taste(), looks(), keepLook(), forgetLook(), paint(file, fields, {mask, signal, wait}) and
// openLive(callbacks).

import { PaintError } from "./errors.js";
import { toBlob } from "./files.js";

const KEY = "fast_style.token";
// Attempts while the queue is full or the service does not answer; the pauses double where the service names none.
const ATTEMPTS = 5;
const PAUSE_S = 1;
const LONGEST_PAUSE_S = 8;
const FRAME_QUALITY = 0.85;

const HELP = { 401: "token", 408: "again", 413: "reduce", 503: "again", 504: "faster" };

class HttpError extends PaintError {
  constructor(status, text, retryAfterS) {
    const plain = status === 504 ? text.split(";")[0] : text; // the page says itself what is quicker
    super(plain.replace(/^./, (letter) => letter.toUpperCase()), HELP[status]);
    Object.assign(this, { status, retryAfterS });
  }
}

const token = () => sessionStorage.getItem(KEY) ?? "";
const withToken = (path) => (token() ? `${path}${path.includes("?") ? "&" : "?"}token=${encodeURIComponent(token())}` : path);

async function call(path, options = {}) {
  const headers = token() ? { Authorization: `Bearer ${token()}` } : {};
  let answer;
  try {
    answer = await fetch(path, { ...options, headers });
  } catch (error) {
    if (error.name === "AbortError") throw error;
    throw new HttpError(0, navigator.onLine ? "the service does not answer" : "there is no network");
  }
  if (answer.ok) return answer;
  const text = await answer.json().then((body) => body.error, () => `the service answered ${answer.status} ${answer.statusText}`);
  throw new HttpError(answer.status, text, Number(answer.headers.get("Retry-After")));
}

// Call again while the queue is full or nobody answers, a few times; wait(text) tells the user.
async function callPatiently(path, options, wait) {
  for (let attempt = 1; ; attempt += 1) {
    try {
      return await call(path, options);
    } catch (error) {
      if (![0, 503].includes(error.status) || options.signal?.aborted) throw error;
      if (attempt === ATTEMPTS) throw new PaintError(`${error.message} Tried ${ATTEMPTS} times`, "again");
      const pauseS = Math.min(LONGEST_PAUSE_S, error.retryAfterS || PAUSE_S * 2 ** (attempt - 1));
      wait(`${error.message} Trying again (${attempt + 1} of ${ATTEMPTS})…`);
      await pause(1000 * pauseS, options.signal);
    }
  }
}

function pause(ms, signal) {
  return new Promise((resolve, reject) => {
    const timer = setTimeout(resolve, ms);
    signal?.addEventListener("abort", () => {
      clearTimeout(timer);
      reject(signal.reason);
    });
  });
}

// A part of a blend; in quotes a name may hold commas and equals signs.
const share = ({ name, weight }) => `${JSON.stringify(name)}=${weight.toFixed(2)}`;

// The fields of the API: names of several styles as one text. painting: a file that is the style.
function apiFields({ parts, painting, ...fields }) {
  if (painting) return fields;
  return { ...fields, style: parts.length > 1 ? parts.map(share).join(",") : parts[0].name };
}

export const backend = {
  formats: ["", "jpeg", "png", "webp", "avif", "tiff"],
  onePass: false,
  leavesOut: [],
  note: "",
  limits: { bytes: Infinity, pixels: Infinity },
  mayKeep: false, // looks

  // Take the token from the address of the page (#token=...); it is kept for the session.
  begin() {
    const given = new URLSearchParams(location.hash.slice(1)).get("token");
    if (!given) return;
    this.setToken(given);
    history.replaceState(null, "", location.pathname + location.search);
  },

  setToken: (value) => sessionStorage.setItem(KEY, value),

  // Return [{name, title, artist, year, kind, model, preview}].
  async styles() {
    const { styles, any_painting, limits } = await (await call("v1/styles")).json();
    this.limits = { bytes: 1e6 * limits.body_mb, pixels: 1e6 * limits.pixels_mp };
    this.anyPainting = any_painting;
    return styles.map((style) => ({ ...style, preview: withToken(style.preview) }));
  },

  // Return {round, rounds, looks}: the four looks after these choices (1 to 4) of a search with that seed.
  async taste(picks, seed, signal) {
    return (await callPatiently(`v1/taste?picks=${picks.join(",")}&seed=${seed}`, { signal }, () => {})).json();
  },

  // Return {looks, start}: the looks that are kept, and the name of the one to begin with.
  async looks() {
    const { looks, default: start, may_keep: mayKeep } = await (await call("v1/looks")).json();
    this.mayKeep = mayKeep;
    return { looks, start };
  },

  // Keep a look, as `taste` returns it, by a name; replace: also where there is one of that name. Raises PaintError.
  async keepLook(name, { parts, name: _, ...fields }, replace) {
    await call(`v1/looks/${encodeURIComponent(name)}?overwrite=${replace}`, { method: "PUT", body: JSON.stringify(fields) });
  },

  async forgetLook(name) {
    await call(`v1/looks/${encodeURIComponent(name)}`, { method: "DELETE" });
  },

  // Return the painted picture as a blob. fields: those of Settings; mask: a blob or null. Raises PaintError.
  async paint(file, fields, { mask = null, signal, wait = () => {} } = {}) {
    const form = new FormData();
    form.append("image", file, "image");
    if (mask) form.append("mask", mask, "mask.png");
    if (fields.painting) form.append("style-image", fields.painting, "painting");
    for (const [name, value] of Object.entries(apiFields(fields))) form.append(name, value);
    return (await callPatiently("v1/stylize", { method: "POST", body: form, signal }, wait)).blob();
  },

  // Return a picture that browsers do not read (HEIC, TIFF) in a format that they do. Raises PaintError.
  async readable(file, style) {
    return this.paint(file, { model: style.model, parts: [{ name: style.name }], strength: 0, format: "png" });
  },

  // Open a stream of frames. Callbacks: opened(), frame(bitmap, number), lost(number, text), report(text), closed(text).
  openLive(callbacks) {
    const address = new URL(withToken("v1/stream"), location.href);
    address.protocol = address.protocol.replace("http", "ws");
    return new Stream(new WebSocket(address), callbacks);
  },
};

class Stream {
  constructor(socket, { opened, frame, lost, report, closed }) {
    Object.assign(this, { socket, frame, lost, report, closed, sent: 0 });
    socket.binaryType = "arraybuffer";
    socket.addEventListener("open", opened);
    socket.addEventListener("message", (event) => this.message(event.data));
    socket.addEventListener("close", (event) => closed(event.reason || "The service closed the live stream."));
  }

  get ready() {
    return this.socket.readyState === WebSocket.OPEN;
  }

  // Send a frame; returns its number. Frames are encoded one after the other, so that they go out in order.
  send(canvas) {
    const number = this.sent++;
    this.encoding = (this.encoding ?? Promise.resolve()).then(async () => {
      const blob = await toBlob(canvas, "image/jpeg", FRAME_QUALITY);
      if (this.ready) this.socket.send(blob);
    });
    return number;
  }

  async change(fields, mask) {
    const masks = mask ? { "": await base64(mask) } : undefined;
    const style_image = fields.painting && (await base64(fields.painting));
    if (this.ready) this.socket.send(JSON.stringify({ ...apiFields(fields), masks, style_image }));
  }

  async message(data) {
    if (typeof data !== "string") {
      const { number } = this;
      return this.frame(await createImageBitmap(new Blob([data], { type: "image/jpeg" })), number);
    }
    const about = JSON.parse(data);
    if (about.type === "frame") this.number = about.frame;
    if (about.type !== "error") return undefined;
    return "frame" in about ? this.lost(about.frame, about.error) : this.report(about.error);
  }

  close() {
    this.socket.close();
  }
}

async function base64(blob) {
  const bytes = new Uint8Array(await blob.arrayBuffer());
  let text = "";
  for (let i = 0; i < bytes.length; i += 32_768) text += String.fromCharCode(...bytes.subarray(i, i + 32_768));
  return btoa(text);
}
