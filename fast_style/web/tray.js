// The strip below the picture: the pictures that are open, then samples; a queue that paints them all.

import { draw, toBlob } from "./files.js";
import { zip } from "./zip.js";

const THUMBNAIL_PX = 96;

export class Tray {
  // make(picture, signal): the painted blob; name(picture, blob): its file's name. Callbacks: choose(picture),
  // sample({file, title}), saved(blob), say(text), failed(error).
  // start: the list that shows the samples while no picture is open.
  constructor({ strip, start, queue, samples, make, name, choose, sample, saved, say, failed }) {
    Object.assign(this, { strip, queue, make, name, choose, saved, say, failed });
    this.pictures = [];
    this.progress = queue.querySelector("progress");
    this.paintButton = queue.querySelector("#paint-all");
    this.zipButton = queue.querySelector("#zip");
    this.paintButton.addEventListener("click", () => (this.controller ? this.stop() : this.paintAll()));
    this.zipButton.addEventListener("click", () => this.download());
    strip.replaceChildren(...samples.map((one) => sampleItem(one, () => sample(one))));
    start.replaceChildren(...samples.map((one) => exampleItem(one, () => sample(one))));
  }

  // Add a picture {file, name, bitmap} in front of the samples.
  async add(picture) {
    this.pictures.push(picture);
    picture.item = pictureItem(picture, () => this.choose(picture), () => this.remove(picture));
    this.strip.insertBefore(picture.item, this.strip.querySelector(".sample"));
    this.describe();
    const small = draw(document.createElement("canvas"), picture.bitmap, THUMBNAIL_PX);
    this.setImage(picture, await toBlob(small, "image/jpeg", 0.85));
  }

  remove(picture) {
    this.pictures = this.pictures.filter((one) => one !== picture);
    picture.item.remove();
    this.setImage(picture, null);
    this.describe();
    if (picture === this.current) this.choose(this.pictures.at(-1) ?? null);
  }

  mark(picture) {
    this.current = picture;
    for (const one of this.pictures) one.item.querySelector(".pick").setAttribute("aria-current", one === picture);
    picture?.item.scrollIntoView({ block: "nearest", inline: "nearest" });
  }

  setImage(picture, blob) {
    const image = picture.item.querySelector("img");
    if (image.src) URL.revokeObjectURL(image.src);
    if (blob) image.src = URL.createObjectURL(blob);
  }

  // Results are out of date once a control was changed.
  outdate() {
    this.stop();
    for (const picture of this.pictures) this.state(picture, "", null);
  }

  // state: empty, waiting, painting, done or failed.
  state(picture, state, blob = picture.painted, why = "") {
    picture.painted = blob;
    picture.item.dataset.state = state;
    picture.item.querySelector(".state").textContent = { waiting: "waits", painting: "is being painted", done: "painted", failed: why }[state] ?? "";
    picture.item.title = why;
  }

  describe() {
    this.strip.parentElement.hidden = !this.pictures.length;
    this.queue.hidden = this.pictures.length < 2;
    this.paintButton.textContent = this.controller ? "Stop" : "Paint all";
    this.progress.hidden = !this.controller;
    this.zipButton.disabled = Boolean(this.controller);
  }

  stop() {
    this.controller?.abort();
  }

  // Paint every picture that is not painted yet, one after the other; those that fail are told at the end.
  async paintAll() {
    const left = this.pictures.filter((picture) => !picture.painted);
    if (!left.length) return this.say("All pictures are painted.");
    const { signal } = (this.controller = new AbortController());
    for (const picture of this.pictures) this.state(picture, picture.painted ? "done" : "waiting");
    this.describe();
    let failure = null;
    for (const [i, picture] of left.entries()) {
      if (signal.aborted) break;
      this.say(`Painting ${i + 1} of ${left.length}: ${picture.name}`);
      this.progress.value = i / left.length;
      failure = (await this.paintOne(picture, signal)) ?? failure;
    }
    this.controller = null;
    this.describe();
    for (const picture of this.pictures) if (picture.item.dataset.state === "waiting") this.state(picture, "");
    if (signal.aborted) return this.say("Stopped.");
    if (failure) return this.failed(failure);
    this.say(`${this.pictures.length} pictures are painted.`);
  }

  async paintOne(picture, signal) {
    this.state(picture, "painting");
    try {
      const blob = await this.make(picture, signal);
      if (signal.aborted) return null;
      this.state(picture, "done", blob);
      return null;
    } catch (error) {
      if (!signal.aborted) this.state(picture, "failed", null, error.message);
      return error;
    }
  }

  async download() {
    if (this.pictures.some((picture) => !picture.painted)) await this.paintAll();
    const done = this.pictures.filter((picture) => picture.painted);
    if (!done.length || this.controller) return;
    this.saved(await zip(done.map((picture) => ({ name: this.name(picture, picture.painted), blob: picture.painted }))));
  }
}

function button(className, label, act) {
  const found = Object.assign(document.createElement("button"), { type: "button", className });
  found.setAttribute("aria-label", label);
  found.addEventListener("click", act);
  return found;
}

function sampleItem({ file, title }, open) {
  const item = Object.assign(document.createElement("li"), { className: "sample" });
  const pick = button("pick", `Sample: ${title}`, open);
  pick.title = `Sample: ${title}`;
  pick.append(Object.assign(document.createElement("img"), { src: file, alt: "", width: 84, height: 56, decoding: "async" }));
  item.append(pick);
  return item;
}

// A sample as it is on its left, painted on its right.
function exampleItem(one, open) {
  const item = sampleItem(one, open);
  const painted = Object.assign(document.createElement("img"), { src: one.painted, alt: "", width: 84, height: 56, className: "painted" });
  item.firstChild.append(painted, Object.assign(document.createElement("span"), { textContent: one.title }));
  return item;
}

function pictureItem({ name }, choose, remove) {
  const item = Object.assign(document.createElement("li"), { className: "picture" });
  const pick = button("pick", name, choose);
  const state = Object.assign(document.createElement("span"), { className: "state" });
  pick.append(Object.assign(document.createElement("img"), { alt: "", width: 84, height: 56 }));
  const close = button("quiet close", `Close ${name}`, remove);
  close.textContent = "×";
  item.append(pick, state, close);
  return item;
}
