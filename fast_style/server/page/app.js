// Connect the parts of the page: files, controls, preview, mask and camera.

import { ApiError, fetchStyles, setToken, stylize, takeTokenFromAddress } from "./api.js";
import { Compare } from "./shared/compare.js";
import { save, setUpFiles } from "./shared/files.js";
import { Live } from "./live.js";
import { MaskPainter } from "./mask.js";
import { Preview } from "./preview.js";
import { Settings } from "./settings.js";
import { Styles } from "./shared/styles.js";
import { setUpTheme } from "./shared/theme.js";

const byId = (id) => document.getElementById(id);
const compare = new Compare({ stage: byId("stage"), frame: byId("frame") });
const styles = new Styles({ list: byId("styles"), caption: byId("caption"), onChange: () => (settings.update(), change()) });
const settings = new Settings({ styles, onChange: change });
const painter = new MaskPainter({ canvas: byId("mask"), toolbar: byId("brushes"), onChange: change });
const preview = new Preview({ make, show: showResult, report, busy: (on) => (byId("busy").hidden = !on) });
const live = new Live({
  fields: () => settings.fields(1),
  mask: () => painter.blob(),
  show: showLive,
  rate: (perSecond, px) => (byId("rate").textContent = `${perSecond.toFixed(1)} frames/s at ${px} px`),
  report: (text) => say(text, true),
  ended: (text) => (stopLive(), say(text, true)),
});
let picture = null; // {file, bitmap, name}
let began = 0;

function say(text, wrong = false) {
  byId("status").textContent = text;
  byId("status").classList.toggle("wrong", wrong);
}

function report(error) {
  if (error instanceof ApiError && error.status === 401) askForToken();
  else say(error instanceof ApiError ? sentence(error.message) : "The service does not answer.", true);
}

const sentence = (text) => text.replace(/^./, (letter) => letter.toUpperCase()).replace(/[^.]$/, "$&.");

function change() {
  began = performance.now();
  if (live.on) live.change();
  else preview.change();
}

async function make(blob, small, signal) {
  const { width, height } = picture.bitmap;
  const fields = settings.fields(small ? Math.min(width, height) * 0.5 : Infinity);
  if (small) fields.feather = (fields.feather * 288) / Math.min(width, height);
  return stylize(blob, fields, await painter.blob(), signal);
}

async function showResult(blob, small) {
  const bitmap = await createImageBitmap(blob);
  compare.showAfter(bitmap);
  bitmap.close();
  byId("frame").dataset.shown = small ? "small" : "full";
  const seconds = ((performance.now() - began) / 1000).toFixed(1);
  say(small ? "Painting…" : `${picture.bitmap.width} × ${picture.bitmap.height}, painted in ${seconds} s`);
}

async function openFile(file) {
  stopLive();
  say("Opening…");
  try {
    const shown = await readable(file);
    const bitmap = await createImageBitmap(shown);
    picture = { file: shown, bitmap, name: file.name || "picture" };
  } catch (error) {
    say(error instanceof ApiError ? sentence(error.message) : `${file.name} is not a picture that can be read.`, true);
    return;
  }
  const { bitmap } = picture;
  byId("welcome").hidden = true;
  byId("paint").disabled = byId("download").disabled = false;
  compare.clearAfter();
  compare.showBefore(bitmap, bitmap.width, bitmap.height);
  painter.open(bitmap.width, bitmap.height);
  began = performance.now();
  await preview.open(picture.file, bitmap);
}

// Return a file that the browser can show; the service decodes the others, as a strength of 0 is the photograph.
async function readable(file) {
  try {
    (await createImageBitmap(file)).close();
    return file;
  } catch {
    return stylize(file, { strength: 0, format: "png" }, null);
  }
}

async function download() {
  const style = settings.names.join("-");
  if (live.on) {
    if (live.blob) save(live.blob, `camera-${style}.jpg`);
    return;
  }
  const blob = preview.full ?? (await preview.result);
  save(blob, `${picture.name.replace(/\.[^.]*$/, "")}-${style}.${blob.type.split("/")[1].replace("jpeg", "jpg")}`);
}

function paint(on) {
  byId("paint").setAttribute("aria-pressed", on);
  byId("brushes").hidden = byId("mask").hidden = !on;
  byId("stage").classList.toggle("painting", on);
  if (on) byId("mask").focus();
}

async function startLive() {
  preview.close();
  byId("camera").setAttribute("aria-pressed", true);
  say("Starting the camera…");
  try {
    await live.start();
    say("Live");
  } catch (error) {
    stopLive();
    say(error.name === "NotAllowedError" ? "The camera may not be used; allow it in the browser." : "No camera found.", true);
  }
}

function showLive(video, bitmap) {
  if (compare.size[0] !== video.videoWidth || compare.size[1] !== video.videoHeight) {
    painter.open(video.videoWidth, video.videoHeight);
  }
  byId("welcome").hidden = true;
  byId("rate").hidden = byId("paint").disabled = byId("download").disabled = false;
  compare.showBefore(video, video.videoWidth, video.videoHeight);
  compare.showAfter(bitmap);
  bitmap.close();
}

function stopLive() {
  byId("camera").setAttribute("aria-pressed", false);
  byId("rate").hidden = true;
  if (!live.on) return;
  live.stop();
  say("");
}

async function toggleLive() {
  if (!live.on) return startLive();
  stopLive();
  if (picture) return openFile(new File([picture.file], picture.name, { type: picture.file.type }));
}

async function loadStyles() {
  try {
    styles.show(await fetchStyles());
    settings.update();
  } catch (error) {
    report(error);
  }
}

function askForToken() {
  const dialog = byId("token-dialog");
  if (!dialog.open) dialog.showModal();
  dialog.onclose = () => (setToken(byId("token").value), loadStyles().then(change));
}

const keys = { o: () => byId("file").click(), c: toggleLive, m: () => byId("paint").click(), s: download };
document.addEventListener("keydown", (event) => {
  const typing = event.target.matches("select, input:not([type=range]):not([type=radio]), dialog *");
  if (typing || event.ctrlKey || event.metaKey || event.altKey || event.repeat) return;
  if (event.key === "b") compare.peek(true);
  if (event.key === "s" && byId("download").disabled) return;
  keys[event.key]?.();
});
document.addEventListener("keyup", (event) => event.key === "b" && compare.peek(false));

setUpTheme(byId("theme"));
setUpFiles({ input: byId("file"), buttons: [byId("open"), byId("choose")], drop: byId("stage"), onFile: openFile });
byId("sample").addEventListener("click", async () => {
  openFile(new File([await (await fetch("sample.jpg")).blob()], "lake.jpg", { type: "image/jpeg" }));
});
byId("camera").addEventListener("click", toggleLive);
byId("paint").addEventListener("click", () => paint(byId("mask").hidden));
byId("download").addEventListener("click", download);
takeTokenFromAddress();
loadStyles();
