// Connect the parts of the page: files, controls, preview, mask, camera, downloads.

import { backend } from "./backend.js";
import { Camera } from "./camera.js";
import { PaintError } from "./errors.js";
import { save, setUpFiles, toBlob } from "./files.js";
import { MaskPainter } from "./mask.js";
import { Looks } from "./looks.js";
import { Notice } from "./notice.js";
import { Opening, release } from "./opening.js";
import { OwnPainting } from "./own_painting.js";
import { Paintings, titleIn } from "./paintings.js";
import { Preview } from "./preview.js";
import { SAMPLES } from "./samples.js";
import { Saving, nameFor } from "./saving.js";
import { Settings } from "./settings.js";
import { Shortcuts, open as openList } from "./shortcuts.js";
import { Taste } from "./taste.js";
import { setUpTheme } from "./theme.js";
import { Thumbnails } from "./thumbnails.js";
import { Tray } from "./tray.js";
import { Viewer } from "./viewer.js";

// A picture that is being painted for this long says for how long.
const SLOW_S = 3;

const byId = (id) => document.getElementById(id);
const notice = new Notice({ status: byId("status"), box: byId("notice") });
const viewer = new Viewer({ stage: byId("stage"), frame: byId("frame"), divider: byId("divider"), onZoom: showZoom });
const paintings = new Paintings({
  group: byId("paintings"),
  list: byId("styles"),
  caption: byId("caption"),
  card: byId("card"),
  onChange: () => (settings.update(), looks.mark(""), change()),
});
const settings = new Settings({ paintings, onePass: backend.onePass, onChange: () => (looks.mark(""), change()) });
const painter = new MaskPainter({ canvas: byId("mask"), toolbar: byId("brushes"), onChange: () => (markMask(), change()) });
const preview = new Preview({ make: makeShown, show: showResult, report, busy });
const thumbnails = new Thumbnails({ paintings, backend });
const saving = new Saving({ dialog: byId("save-dialog"), formats: backend.formats, onSave: download });
const looks = new Looks({ field: byId("look-field"), backend, onChoose: applyLook, say: (text) => notice.say(text), report });
const titled = (model, name) => titleIn(paintings.all, model, name);
const taste = new Taste({ dialog: byId("taste-dialog"), backend, titled, isTaken: (name) => looks.has(name), onUse: useLook, onClose: goOn });
const opening = new Opening({ backend, network: () => paintings.all[0]?.networks[0] });
const own = new OwnPainting({
  row: byId("own"),
  input: byId("own-file"),
  paintings,
  opening,
  onChange: () => (notice.clear(), paintings.describe(), settings.update(), change()),
  onRefused: (text) => notice.warn(text),
  onError: report,
});
const camera = new Camera({
  backend,
  settings,
  painter,
  viewer,
  notice,
  elements: { button: byId("camera"), record: byId("record"), rate: byId("rate") },
  names: () => settings.names,
  begin: beginLive,
  end: () => ((byId("find").disabled = !picture), result(false)),
});
const tray = new Tray({
  strip: byId("strip"),
  start: byId("samples"),
  queue: byId("queue"),
  samples: SAMPLES,
  make: (one, signal) => make(one, one.file, { ...settings.fields(), ...saving.fields }, signal),
  name: (one, blob) => nameFor(one.name, settings.names, blob),
  choose: showPicture,
  sample: openSample,
  saved: (blob) => save(blob, `${settings.names.join("-")}.zip`),
  say: (text) => notice.say(text),
  failed: report,
});
let picture = null; // {file, name, bitmap, readable, item, painted}
let began = 0;
let ticking = 0;

// --- what goes wrong ---

function report(error) {
  if (error.name === "AbortError") return;
  if (!(error instanceof PaintError)) {
    notice.warn("Something went wrong on this page; the browser's console says more.");
    throw error;
  }
  if (error.help === "token") return askForToken();
  const actions = {
    again: { text: "Try again", run: () => (paintings.chosen ? change() : loadStyles()) },
    reduce: { text: "Use a smaller copy", run: useSmallerCopy },
  };
  if (error.help !== "faster") return notice.warn(error.message, actions[error.help]);
  const quicker = settings.quicker(Math.min(picture.bitmap.width, picture.bitmap.height));
  if (!quicker) return notice.warn(error.message);
  notice.warn(`${error.message} ${quicker.text}`, { text: quicker.button, run: quicker.run });
}

async function useSmallerCopy() {
  try {
    const file = await opening.reduced(picture);
    tray.remove(picture);
    await openFiles([file]);
  } catch (error) {
    report(error);
  }
}

function askForToken() {
  const dialog = byId("token-dialog");
  if (!dialog.open) dialog.showModal();
  dialog.onclose = () => (backend.setToken(byId("token").value), loadStyles().then(change));
}

// --- painting ---

function change() {
  if (!paintings.chosen) return;
  began = performance.now();
  delete byId("frame").dataset.shown;
  result(false);
  tray.outdate();
  if (camera.on) camera.change();
  else preview.change();
}

async function makeShown(blob, small, signal) {
  if (!paintings.chosen) throw new PaintError("There is nothing to paint like yet; choose a painting");
  const short = Math.min(picture.bitmap.width, picture.bitmap.height);
  const fields = settings.fields(small ? short * 0.5 : Infinity);
  if (small) fields.feather = (fields.feather * 288) / short;
  if (!small && !picture.readable) fields.format = "png";
  return make(picture, blob, fields, signal);
}

// Paint a picture, or a small copy of it. Raises PaintError.
async function make(one, blob, fields, signal) {
  opening.check(one);
  const mask = one === picture ? await painter.blob() : null;
  return backend.paint(blob, fields, { mask, signal, wait: (text) => notice.say(text) });
}

function busy(on) {
  byId("busy").hidden = !on;
  clearInterval(ticking);
  if (!on) return;
  notice.say("Painting…");
  ticking = setInterval(() => {
    const seconds = (performance.now() - began) / 1000;
    if (seconds > SLOW_S) notice.say(`Painting… ${Math.floor(seconds)} s`);
  }, 1000);
}

async function showResult(blob, small) {
  const bitmap = await createImageBitmap(blob);
  notice.clear();
  viewer.showAfter(bitmap);
  bitmap.close();
  byId("frame").dataset.shown = small ? "small" : "full";
  result(!small);
  const seconds = ((performance.now() - began) / 1000).toFixed(1);
  notice.say(small ? "Painting…" : `${picture.bitmap.width} × ${picture.bitmap.height}, painted in ${seconds} s`);
  if (!small && !painter.used) picture.painted ??= saving.asShown && picture.readable ? blob : null;
  byId("note").textContent = backend.note;
  thumbnails.paint();
}

// --- looks ---

function applyLook(look) {
  settings.apply(look);
  change();
}

async function useLook(look, name, replace) {
  settings.apply(look);
  if (name) await looks.keep(name, look, replace);
}

function findStyle() {
  if (!picture?.bitmap || camera.on) return;
  preview.stop(); // the four pictures come first
  thumbnails.stop();
  taste.open(picture.bitmap);
}

function goOn() {
  thumbnails.open(picture.bitmap);
  change();
}

// --- pictures ---

async function openFiles(files) {
  notice.clear();
  const opened = [];
  for (const [i, file] of [...files].entries()) {
    notice.say(files.length > 1 ? `Opening ${i + 1} of ${files.length}…` : "Opening…");
    const one = { file, name: file.name || "picture" };
    if (!(await decode(one))) continue;
    await tray.add(one);
    opened.push(one);
    if (opened.length === 1) await showPicture(one);
    else release(one);
  }
  if (files.length > 1) notice.say(`${opened.length} pictures are open.`);
}

async function decode(one) {
  try {
    await opening.decode(one);
    return true;
  } catch (error) {
    notice.say("");
    report(error);
    return false;
  }
}

// Show a picture of the tray; null shows the welcome.
async function showPicture(one) {
  if (camera.on) camera.stop();
  if (one && !one.bitmap && !(await decode(one))) return;
  if (picture && picture !== one) release(picture);
  picture = one;
  tray.mark(one);
  enable(Boolean(one));
  paint(false);
  preview.close();
  delete byId("frame").dataset.shown;
  byId("welcome").hidden = Boolean(one);
  for (const id of ["frame", "zoom"]) byId(id).hidden = !one;
  viewer.clearAfter();
  if (!one) return notice.say("");
  const { bitmap, file } = one;
  viewer.fitted = true;
  viewer.showBefore(bitmap, bitmap.width, bitmap.height);
  painter.open(bitmap.width, bitmap.height);
  markMask();
  thumbnails.open(bitmap);
  began = performance.now();
  await preview.open(file, bitmap);
}

async function openSample({ file, title }) {
  try {
    const blob = await (await fetch(file)).blob();
    await openFiles([new File([blob], `${title.toLowerCase()}.jpg`, { type: blob.type })]);
  } catch (error) {
    notice.warn(`The sample cannot be loaded (${error.message}).`);
  }
}

function enable(on) {
  for (const id of ["paint", "find"]) byId(id).disabled = !on;
  result(false);
}

// Whether there is a result that can be downloaded: not while it is painted, nor after an error. Of the camera always.
function result(on) {
  byId("download").disabled = !on && !camera.on;
  byId("download-options").disabled = !on || camera.on;
}

function step(by) {
  const { pictures } = tray;
  if (pictures.length) showPicture(pictures[(pictures.indexOf(picture) + by + pictures.length) % pictures.length]);
}

// --- downloads ---

// Write the result to a file, in the chosen format and size; share: hand it to another program.
async function download(share = false) {
  if (byId("download").disabled) return;
  try {
    if (camera.on) return save(await toBlob(byId("after"), "image/jpeg", 0.95), `camera-${settings.names.join("-")}.jpg`);
    const asShown = saving.asShown && picture.readable;
    if (!asShown || !preview.full) notice.say("Painting the picture to download…");
    const blob = asShown ? await preview.result : await make(picture, picture.file, { ...settings.fields(), ...saving.fields }, undefined);
    const name = nameFor(picture.name, settings.names, blob);
    if (share) return await navigator.share({ files: [new File([blob], name, { type: blob.type })] });
    save(blob, name);
    notice.say(`${name}, ${(blob.size / 1e6).toFixed(1)} MB`);
  } catch (error) {
    report(error);
  }
}

// --- mask ---

function paint(on) {
  if (byId("paint").disabled && on) return;
  byId("brushes").hidden = byId("mask").hidden = !on;
  markMask();
  byId("stage").classList.toggle("painting", on);
  if (on) byId("mask").focus({ preventScroll: true });
}

const painting = () => !byId("mask").hidden;

// The button stays pressed while a mask is on, also after it was left.
function markMask() {
  byId("paint").setAttribute("aria-pressed", painting() || painter.used);
  byId("paint").title = painter.used ? "A mask is on: change it (M)" : "Paint where the style applies (M)";
}

// --- camera ---

function startLive() {
  preview.close();
  thumbnails.stop();
  return camera.start();
}

function beginLive() {
  paint(false);
  delete byId("frame").dataset.shown;
  byId("welcome").hidden = true;
  byId("zoom").hidden = false;
  enable(true);
  byId("find").disabled = true;
}

function toggleLive() {
  if (!camera.on) return startLive();
  camera.stop();
  return showPicture(picture);
}

// --- the page ---

function showZoom(level) {
  byId("zoom-level").textContent = `${Math.round(100 * level)} %`;
}

async function loadStyles() {
  try {
    paintings.show(await backend.styles());
    own.show(backend.anyPainting ?? "");
    settings.update();
    notice.clear();
    if (backend.looks) await looks.begin();
    if (!paintings.all.length && !backend.anyPainting) notice.warn("No model is loaded yet; put one into the folder of models.", { text: "Look again", run: loadStyles });
  } catch (error) {
    report(error);
  }
}

function escape() {
  if (painting()) {
    paint(false);
    byId("paint").focus();
  } else if (!byId("notice").hidden) notice.clear();
  else viewer.fit();
}

const shortcuts = new Shortcuts({
  list: byId("shortcuts"),
  dialog: byId("help-dialog"),
  table: [
    { keys: ["o"], text: "Open pictures", run: () => byId("file").click() },
    { keys: ["s"], text: "Download the result", run: () => download() },
    { keys: ["d"], text: "Download with format, quality and size", run: openSaving },
    { keys: ["b"], text: "Show the photograph while the key is held", held: true, run: (on) => viewer.peek(on) },
    { keys: ["+", "="], shown: ["+", "wheel", "pinch"], text: "Zoom in", run: viewer.larger, repeats: true },
    { keys: ["-", "_"], shown: ["−"], text: "Zoom out", run: viewer.smaller, repeats: true },
    { keys: ["1"], shown: ["1", "double click"], text: "Show at 100 %", run: () => viewer.zoomTo(1) },
    { keys: ["0"], text: "Show the whole picture", run: () => viewer.fit() },
    { keys: ["ArrowLeft", "ArrowRight", "ArrowUp", "ArrowDown"], shown: ["drag", "arrows"], text: "Move the enlarged picture", where: "#stage, body", run: (key) => viewer.panByKey(key), repeats: true },
    { keys: ["n"], text: "Next picture", run: () => step(1) },
    { keys: ["p"], text: "Picture before", run: () => step(-1) },
    { keys: ["m"], text: "Paint a mask: where the style applies", run: () => paint(!painting()) },
    ...(backend.taste ? [{ keys: ["f"], text: "Find my style, by choosing among pictures", run: findStyle }] : []),
    { keys: ["["], shown: ["[", "]"], text: "Size of the brush", run: () => painter.resize(-1), repeats: true },
    { keys: ["]"], shown: [], text: "", run: () => painter.resize(1), repeats: true },
    { keys: ["z"], ctrl: true, text: "Undo in the mask", run: () => painting() && painter.undo() },
    { keys: ["Escape"], text: "Leave the mask; the whole picture", run: escape },
    { keys: ["c"], text: "Camera on and off", run: toggleLive },
    { keys: ["r"], text: "Record a clip of the camera", run: () => camera.record() },
    { keys: ["?"], text: "This list", run: () => openList(shortcuts.dialog) },
  ],
});

function openSaving() {
  if (byId("download-options").disabled) return;
  tray.outdate(); // all are painted as the dialog says
  saving.open(picture.bitmap.width, picture.bitmap.height);
}

// Keep the page's files, so that it opens without the network.
async function keepForOffline() {
  if (!navigator.serviceWorker) return;
  await navigator.serviceWorker.register("offline.js");
  const { active } = await navigator.serviceWorker.ready;
  active.postMessage([location.href.split("#")[0]]);
  // Later ones too: the worker may be ready long before it stands between this page and the network.
  const tell = (list) => active.postMessage(list.getEntries().map((entry) => entry.name));
  new PerformanceObserver(tell).observe({ type: "resource", buffered: true });
}

for (const id of backend.leavesOut) (byId(id).closest(".field, .check, label") ?? byId(id)).hidden = true;
if (backend.strokeSize) byId("size").value = backend.strokeSize;
settings.describe();
byId("note").textContent = backend.note;
setUpTheme(byId("theme"));
setUpFiles({
  input: byId("file"),
  buttons: [byId("open"), byId("choose")],
  drop: byId("stage"),
  onFiles: openFiles,
  onRefused: (text) => notice.warn(text),
});
byId("camera").addEventListener("click", toggleLive);
byId("paint").addEventListener("click", () => paint(!painting()));
byId("mask-done").addEventListener("click", escape);
document.querySelector(".more").addEventListener("toggle", ({ target }) => target.open && target.scrollIntoView({ block: "nearest" }));
byId("download").addEventListener("click", () => download());
byId("download-options").addEventListener("click", openSaving);
byId("find").addEventListener("click", findStyle);
byId("help").addEventListener("click", () => openList(shortcuts.dialog));
byId("zoom-in").addEventListener("click", viewer.larger);
byId("zoom-out").addEventListener("click", viewer.smaller);
byId("zoom-level").addEventListener("click", () => viewer.toggle());
backend.begin?.();
loadStyles();
addEventListener("load", () => keepForOffline().catch(() => {})); // without it the page works all the same
