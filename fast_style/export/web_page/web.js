// Connect the parts of the page that needs no server: the network runs in this browser.

import { toImage, toPlanes } from "./pixels.js";
import { Compare } from "./shared/compare.js";
import { save, setUpFiles } from "./shared/files.js";
import { Styles, titleOf } from "./shared/styles.js";
import { setUpTheme } from "./shared/theme.js";

const byId = (id) => document.getElementById(id);
const runtime = new URLSearchParams(location.search).get("runtime");
const compare = new Compare({ stage: byId("stage"), frame: byId("frame") });
const styles = new Styles({ list: byId("styles"), caption: byId("caption"), onChange: () => (offerSecond(), paint()) });
const network = new Worker("network.js", { type: "module" });
let rows = 1;
let picture = null; // {bitmap, name, width, height, planes}
let styled = null;
let newest = 0; // number of the newest run; results of others are out of date
let busy = false;
let began = 0;

function say(text, wrong = false) {
  byId("status").textContent = text;
  byId("status").classList.toggle("wrong", wrong);
}

async function openFile(file) {
  try {
    const bitmap = await createImageBitmap(file);
    picture = { bitmap, name: file.name || "picture" };
  } catch {
    say(`${file.name} is not a picture that this browser can read.`, true);
    return;
  }
  byId("welcome").hidden = true;
  compare.clearAfter();
  compare.showBefore(picture.bitmap, picture.bitmap.width, picture.bitmap.height);
  resize();
}

function resize() {
  if (!picture) return;
  const { bitmap } = picture;
  const short = Math.min(bitmap.width, bitmap.height);
  const scale = Math.min(1, Number(byId("size").value || short) / short);
  picture.width = Math.max(1, Math.round(bitmap.width * scale));
  picture.height = Math.max(1, Math.round(bitmap.height * scale));
  const context = canvasOf(picture.width, picture.height).getContext("2d");
  context.imageSmoothingQuality = "high";
  context.fillStyle = "white"; // below transparent pixels, as on the command line
  context.fillRect(0, 0, picture.width, picture.height);
  context.drawImage(bitmap, 0, 0, picture.width, picture.height);
  picture.planes = toPlanes(context.getImageData(0, 0, picture.width, picture.height));
  paint();
}

function canvasOf(width, height) {
  return Object.assign(document.createElement("canvas"), { width, height });
}

function blend() {
  const weights = new Float32Array(rows);
  const second = secondStyle();
  const mix = second ? Number(byId("mix").value) : 0;
  weights[styles.chosen.row] += 1 - mix;
  if (second) weights[second.row] += mix;
  return weights;
}

// Run the network, one run at a time; all changes during a run become one more run after it.
function paint() {
  if (!picture) return;
  newest += 1;
  if (!busy) start();
}

function start() {
  busy = true;
  byId("busy").hidden = false;
  say("Painting…");
  began = performance.now();
  const { planes, width, height } = picture;
  const pixels = planes.slice();
  picture.sent = planes;
  network.postMessage({ id: newest, runtime, pixels, width, height, blend: blend() }, [pixels.buffer]);
}

network.addEventListener("message", ({ data }) => {
  busy = false;
  byId("busy").hidden = true;
  if (data.error) return say(`The network could not run: ${data.error}`, true);
  byId("runtime").textContent = `Runs in this browser alone, on ${data.on === "webgpu" ? "WebGPU" : "WebAssembly"}.`;
  if (picture.sent === picture.planes) {
    styled = data.result;
    show();
    const seconds = ((performance.now() - began) / 1000).toFixed(1);
    say(`${picture.width} × ${picture.height}, painted in ${seconds} s`);
    byId("frame").dataset.shown = data.id;
    byId("download").disabled = false;
  }
  if (data.id !== newest) start();
});

// Return a canvas with the styled picture at the chosen strength and colours, which need no run of the network.
function result() {
  const { planes, width, height } = picture;
  const colours = document.querySelector("[name=preserve_color]:checked").value;
  const canvas = canvasOf(width, height);
  const image = toImage(planes, styled, width, height, Number(byId("strength").value), colours);
  canvas.getContext("2d").putImageData(image, 0, 0);
  return canvas;
}

function show() {
  if (picture && styled?.length === picture.planes.length) compare.showAfter(result());
}

function download() {
  const { width, height } = picture.bitmap;
  const canvas = canvasOf(width, height);
  const context = canvas.getContext("2d");
  context.imageSmoothingQuality = "high";
  context.drawImage(result(), 0, 0, width, height);
  const name = `${picture.name.replace(/\.[^.]*$/, "")}-${styles.chosen.name}.png`;
  canvas.toBlob((blob) => save(blob, name), "image/png");
}

const others = () => styles.styles.filter((style) => style !== styles.chosen);
const secondStyle = () => others()[Number(byId("second").value) - 1];

function offerSecond() {
  const before = secondStyle()?.name;
  const options = others().map((style, i) => new Option(titleOf(style), i + 1));
  byId("second").replaceChildren(new Option("nothing", 0), ...options);
  byId("second").value = 1 + others().findIndex((style) => style.name === before);
  byId("blend-group").hidden = !options.length;
  describe();
}

function describe() {
  for (const id of ["strength", "mix"]) {
    const range = byId(id);
    byId(`${id}-value`).textContent = `${Math.round(100 * range.value)} %`;
    range.style.setProperty("--fill", `${(100 * range.value) / range.max}%`);
  }
  byId("mix").disabled = !secondStyle();
  byId("mix-field").classList.toggle("off", !secondStyle());
  styles.markSecond(secondStyle());
}

async function loadStyles() {
  const content = await (await fetch("styles.json")).json();
  rows = content.rows;
  styles.show(content.styles);
  offerSecond();
}

for (const id of ["strength", "mix", "second"]) byId(id).addEventListener("input", describe);
for (const id of ["mix", "second"]) byId(id).addEventListener("input", paint);
byId("strength").addEventListener("input", show);
byId("size").addEventListener("input", resize);
for (const colour of document.querySelectorAll("[name=preserve_color]")) colour.addEventListener("input", show);
byId("download").addEventListener("click", download);
byId("sample").addEventListener("click", async () => {
  openFile(new File([await (await fetch("sample.jpg")).blob()], "lake.jpg", { type: "image/jpeg" }));
});
document.addEventListener("keydown", (event) => {
  if (event.target.matches("select") || event.ctrlKey || event.metaKey || event.altKey || event.repeat) return;
  if (event.key === "o") byId("file").click();
  if (event.key === "s" && !byId("download").disabled) download();
  if (event.key === "b") compare.peek(true);
});
document.addEventListener("keyup", (event) => event.key === "b" && compare.peek(false));
setUpTheme(byId("theme"));
setUpFiles({ input: byId("file"), buttons: [byId("open"), byId("choose")], drop: byId("stage"), onFile: openFile });
loadStyles();
