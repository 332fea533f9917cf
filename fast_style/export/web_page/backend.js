// The back end of the page that needs no server: the exported graph paints every picture in this browser.
//
// What it is asked for is written in the back end of the service's page; fields that it leaves out are hidden there.

import { PaintError } from "./errors.js";
import { toBlob } from "./files.js";
import { blendInto, toPlanes, toImage } from "./pixels.js";

// Most pixels that the network works on at once: WebAssembly has 4 GB.
const MOST_PX = 1_500_000;
const QUALITY = 95;
const KINDS = ["jpeg", "png", "webp"];
const ON = { webgpu: "WebGPU", wasm: "WebAssembly" };

const canvasOf = (width, height) => Object.assign(document.createElement("canvas"), { width, height });

function drawn(source, width, height, background = "") {
  const context = canvasOf(width, height).getContext("2d", { willReadFrequently: true });
  context.imageSmoothingQuality = "high";
  if (background) {
    context.fillStyle = background;
    context.fillRect(0, 0, width, height);
  }
  context.drawImage(source, 0, 0, width, height);
  return context;
}

// The network in its worker: one run at a time, those in the background after all others.
class Network {
  constructor() {
    this.jobs = [];
    this.runtime = new URLSearchParams(location.search).get("runtime");
  }

  // Run on pixels (3, height, width), which are handed over. Returns pixels of the same kind.
  run(job, { signal, background }) {
    return new Promise((resolve, reject) => {
      this.jobs.push({ job, signal, background, resolve, reject });
      this.next();
    });
  }

  next() {
    if (this.current) return;
    for (const one of this.jobs.filter(({ signal }) => signal?.aborted)) one.reject(one.signal.reason);
    this.jobs = this.jobs.filter(({ signal }) => !signal?.aborted);
    const index = Math.max(0, this.jobs.findIndex(({ background }) => !background));
    [this.current] = this.jobs.splice(index, 1);
    if (this.current) this.worker.postMessage({ ...this.current.job, runtime: this.runtime }, [this.current.job.pixels.buffer]);
  }

  get worker() {
    if (!this.started) {
      this.started = new Worker("network.js", { type: "module" });
      this.started.addEventListener("message", ({ data }) => this.done(data));
      this.started.addEventListener("error", () => this.done({ error: "its files cannot be loaded" }));
    }
    return this.started;
  }

  done({ error, result, on }) {
    const { resolve, reject } = this.current;
    this.current = null;
    this.on = on ?? this.on;
    if (error) reject(new PaintError(`The network could not run: ${error}`, "again"));
    else resolve(result);
    this.next();
  }
}

const network = new Network();

// The working size of a picture: a short side of sizePx, at most MOST_PX pixels.
function workingSize({ width, height }, sizePx) {
  const scale = Math.min(1, (sizePx || Infinity) / Math.min(width, height), Math.sqrt(MOST_PX / (width * height)));
  return [Math.max(1, Math.round(width * scale)), Math.max(1, Math.round(height * scale))];
}

export const backend = {
  formats: ["", ...KINDS],
  onePass: true,
  leavesOut: ["find", "look", "network", "noise", "tileable", "slerp", "colours-matched", "own"],
  // Index of the stroke size at first: WebAssembly needs its time for more.
  strokeSize: 4,
  limits: { bytes: Infinity, pixels: 50e6 },
  painted: new WeakMap(), // what the network made of a file last: strength, colours and mask need no other run

  get note() {
    const where = network.on ? `Runs in this browser alone, on ${ON[network.on]}` : "Runs in this browser alone";
    return `${where}: no picture leaves this computer. What it leaves out, fast-style serve has: strokes from coarse to fine, noise on smooth surfaces, matched colours, seamless textures, a style found by choosing, your own painting, strokes as trained above 1.5 million pixels.`;
  },

  async styles() {
    const content = await (await fetch("styles.json")).json();
    Object.assign(this, { rows: content.rows, version: content.version, entries: content.styles });
    if (content.styles.length < 2) document.getElementById("blend-field").hidden = true;
    return content.styles;
  },

  blend(parts) {
    const weights = new Float32Array(this.rows);
    for (const { name, weight } of parts) weights[this.entries.find((one) => one.name === name).row] += weight;
    return weights;
  },

  // Return {planes, width, height} of the network's output for a bitmap at the working size.
  async styled(bitmap, fields, options) {
    const [width, height] = workingSize(bitmap, fields.size);
    const planes = toPlanes(drawn(bitmap, width, height, "white").getImageData(0, 0, width, height));
    const job = { pixels: planes, width, height, blend: this.blend(fields.parts), version: this.version };
    return { planes: await network.run(job, options), width, height };
  },

  async paint(file, fields, { mask = null, signal, background = false, wait = () => {} } = {}) {
    const bitmap = await createImageBitmap(file);
    const key = JSON.stringify([fields.parts, fields.size]);
    let known = this.painted.get(file);
    if (known?.key !== key) {
      if (!network.on && !background) wait("Loading the network…");
      known = { key, ...(await this.styled(bitmap, fields, { signal, background })) };
      this.painted.set(file, known);
    }
    signal?.throwIfAborted();
    const maskBitmap = mask && (await createImageBitmap(mask));
    const canvas = compose(bitmap, known, fields, maskBitmap);
    bitmap.close();
    const own = file.type.split("/")[1];
    const kind = fields.format ?? (KINDS.includes(own) ? own : "png");
    return toBlob(canvas, `image/${kind}`, (fields.quality ?? QUALITY) / 100);
  },

  openLive: (callbacks) => new Frames(callbacks),
};

// Return a canvas with the styled picture at the size of the photograph, with strength, colours, mask and detail.
function compose(bitmap, { planes, width, height }, fields, mask) {
  const short = Math.min(bitmap.width, bitmap.height);
  const scale = (fields.output_size ?? short) / short;
  const [wide, high] = [Math.max(1, Math.round(bitmap.width * scale)), Math.max(1, Math.round(bitmap.height * scale))];
  const small = canvasOf(width, height);
  small.getContext("2d").putImageData(toImage(planes, width, height), 0, 0);
  const pixels = (source) => drawn(source, wide, high, "white").getImageData(0, 0, wide, high);
  const context = drawn(small, wide, high);
  const styled = context.getImageData(0, 0, wide, high);
  const blurred = fields.detail ? pixels(drawn(bitmap, width, height, "white").canvas) : null;
  blendInto(styled, pixels(bitmap), { ...fields, blurred, mask: mask && feathered(mask, wide, high, (fields.feather * wide) / width) });
  context.putImageData(styled, 0, 0);
  return context.canvas;
}

function feathered(mask, width, height, sigmaPx) {
  const context = canvasOf(width, height).getContext("2d");
  context.filter = `blur(${sigmaPx}px)`;
  context.drawImage(mask, 0, 0, width, height);
  return context.getImageData(0, 0, width, height);
}

// Live frames: while one is in work the newest of the others waits.
class Frames {
  constructor({ opened, frame, lost }) {
    Object.assign(this, { frame, lost, ready: true, sent: 0, waiting: null });
    setTimeout(opened);
  }

  change(fields, mask) {
    this.fields = fields;
    this.mask = mask && createImageBitmap(mask);
  }

  send(canvas) {
    const number = this.sent++;
    this.waiting = { canvas, number };
    if (!this.working) this.work();
    return number;
  }

  async work() {
    this.working = true;
    while (this.waiting && this.ready) {
      const { canvas, number } = this.waiting;
      this.waiting = null;
      try {
        const styled = await backend.styled(canvas, { parts: this.fields.parts }, {});
        const shown = compose(canvas, styled, this.fields, await this.mask);
        this.frame(await createImageBitmap(shown), number);
      } catch (error) {
        this.lost(number, error.message);
      }
    }
    this.working = false;
  }

  close() {
    this.ready = false;
  }
}
