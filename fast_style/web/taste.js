// Find a look by choosing: four versions of the photograph a round, the next four nearer to what was chosen.

import { draw, smaller, toBlob } from "./files.js";

// The copy of the photograph that is painted, and the short side of what comes back: looks work at 576 px at most.
const PHOTO_PX = 640;
const SHOWN_PX = 480;
const NAME = "my-look";
const COLOURS = { none: "the painting's colours", statistics: "matched colours", luminance: "the photograph's colours" };

const percent = (value) => `${Math.round(100 * value)} %`;

// What a look is, in words. titled(model, name): the title of a style.
export function described({ model, parts, strength = 1, size, preserve_color = "none" }, titled) {
  const total = parts.reduce((sum, { weight }) => sum + weight, 0);
  const blend = parts.map(({ name, weight }) => titled(model, name) + (parts.length > 1 ? ` ${percent(weight / total)}` : ""));
  return [blend.join(" and "), `strength ${percent(strength)}`, ...(size ? [`strokes at ${size} px`] : []), COLOURS[preserve_color]].join(", ");
}

export class Taste {
  // titled(model, name): the title of a style. isTaken(name): whether a look is kept by that name. onUse(look, name, replace): the look was found; name: by which it
  // is to be kept, or nothing; replace: in the place of another. onClose(): after it, or without.
  constructor({ dialog, backend, titled, isTaken, onUse, onClose }) {
    Object.assign(this, { dialog, backend, titled, isTaken, onUse, onClose });
    const by = (id) => dialog.querySelector(`#taste-${id}`);
    this.on = Object.fromEntries(
      ["round", "progress", "status", "tiles", "back", "again", "done", "found", "picture", "what", "name", "use", "keep"].map((id) => [id, by(id)]),
    );
    const { on } = this;
    on.tiles.addEventListener("click", (event) => this.pick(Number(event.target.closest("button")?.dataset.number)));
    on.back.addEventListener("click", () => this.back());
    on.again.addEventListener("click", () => this.round());
    on.done.addEventListener("click", () => this.finish());
    on.use.addEventListener("click", () => this.take(""));
    on.name.addEventListener("input", () => this.label());
    on.found.addEventListener("submit", (event) => {
      event.preventDefault();
      this.keep(on.name.value.trim());
    });
    by("close").addEventListener("click", () => dialog.close());
    dialog.addEventListener("keydown", (event) => this.key(event));
    dialog.addEventListener("close", () => this.close());
  }

  // bitmap: the photograph.
  async open(bitmap) {
    Object.assign(this, { picks: [], chosen: [], urls: new Map(), seed: crypto.getRandomValues(new Uint32Array(1))[0] });
    this.rounds = Number(this.on.progress.max);
    this.dialog.style.setProperty("--aspect", bitmap.width / bitmap.height);
    this.dialog.classList.toggle("wide", bitmap.width > 1.15 * bitmap.height);
    this.dialog.showModal();
    this.photo = (await smaller(bitmap, PHOTO_PX, "image/jpeg")) ?? (await toBlob(draw(document.createElement("canvas"), bitmap), "image/png"));
    this.shortPx = Math.min(bitmap.width, bitmap.height, PHOTO_PX);
    this.urls.set("", URL.createObjectURL(this.photo));
    await this.round();
  }

  close() {
    this.controller?.abort();
    for (const url of this.urls?.values() ?? []) URL.revokeObjectURL(url);
    this.urls = null;
    this.onClose();
  }

  // Show the four looks after the choices so far, and paint them one after the other.
  async round() {
    const { on, picks } = this;
    const signal = this.begin(false);
    try {
      const { looks, rounds } = await this.backend.taste(picks, this.seed, signal);
      if (signal.aborted) return;
      Object.assign(this, { looks, rounds });
      on.progress.max = rounds;
      on.round.textContent = `Round ${picks.length + 1} of ${rounds}`;
      on.tiles.replaceChildren(...looks.map((look, i) => tile(i + 1, described(look, this.titled), this.urls.get(""))));
      if (!this.dialog.contains(document.activeElement) || document.activeElement === document.body) on.tiles.firstChild.focus();
      for (const [i, look] of looks.entries()) {
        const url = await this.painted(look, signal);
        if (signal.aborted) return;
        show(on.tiles.children[i], url);
      }
      this.comparable = true;
      for (const button of on.tiles.children) button.removeAttribute("aria-disabled");
      this.tell("Which do you like best?");
    } catch (error) {
      this.failed(error, signal);
    }
  }

  // Show the look that was chosen last, large, to be named.
  async finish() {
    const { on } = this;
    const signal = this.begin(true);
    const look = this.chosen.at(-1);
    on.round.textContent = "Your look";
    on.what.textContent = `${described(look, this.titled)}.`;
    on.picture.src = this.urls.get(JSON.stringify(look)) ?? this.urls.get("");
    if (!on.name.value || this.isTaken(on.name.value)) on.name.value = this.freeName();
    this.label();
    this.tell("");
    on.name.focus();
    on.name.select();
    try {
      const url = await this.painted(look, signal);
      if (!signal.aborted) on.picture.src = url;
    } catch (error) {
      this.failed(error, signal);
    }
  }

  // End what is in work; show the four, or the look that was found.
  begin(found) {
    const { on, picks } = this;
    this.controller?.abort();
    this.controller = new AbortController();
    this.finished = found;
    this.comparable = false; // until all four are painted
    on.found.hidden = !found;
    on.tiles.hidden = found;
    on.again.hidden = true;
    on.back.disabled = !picks.length;
    on.done.hidden = found || !picks.length;
    on.progress.value = picks.length;
    this.label();
    this.tell("Painting…");
    return this.controller.signal;
  }

  // The address of the photograph in that look; the last choice, which comes again, is painted already.
  async painted(look, signal) {
    const key = JSON.stringify(look);
    if (!this.urls.has(key)) {
      const { size, ...fields } = look;
      if (size < this.shortPx) fields.size = size;
      fields.output_size = Math.min(SHOWN_PX, this.shortPx);
      const blob = await this.backend.paint(this.photo, { ...fields, format: "jpeg", quality: 90 }, { signal, wait: (text) => this.tell(text) });
      if (signal.aborted) return null;
      this.urls.set(key, URL.createObjectURL(blob));
    }
    return this.urls.get(key);
  }

  pick(number) {
    if (!this.comparable || !this.looks?.[number - 1] || !this.on.tiles.children.length) return;
    this.chosen.push(this.looks[number - 1]);
    this.picks.push(number);
    this.looks = null; // a second click is not a choice of the next round
    if (this.picks.length >= this.rounds) this.finish();
    else this.round();
  }

  back() {
    if (!this.picks.length) return;
    this.picks.pop();
    this.chosen.pop();
    this.round();
  }

  key(event) {
    if (event.target.matches("input[type=text]") || event.ctrlKey || event.altKey || event.metaKey) return;
    if (/^[1-4]$/.test(event.key)) this.pick(Number(event.key));
    else if (event.key === "Backspace") this.back();
  }

  freeName() {
    for (let number = 1; ; number += 1) {
      const name = number > 1 ? `${NAME}-${number}` : NAME;
      if (!this.isTaken(name)) return name;
    }
  }

  // Say what the button does with the name that is there; asked once more before a look is replaced.
  label(asked = "") {
    this.asked = asked;
    this.on.keep.textContent = asked ? "Replace it" : this.backend.mayKeep ? "Keep it" : "Save as a file";
  }

  keep(name) {
    const taken = this.isTaken(name);
    if (!taken || this.asked === name) return this.take(name, taken);
    this.label(name);
    return this.tell(`There is a look ${name} already.`);
  }

  take(name, replace = false) {
    const look = this.chosen.at(-1);
    this.onUse(look, name, replace);
    this.dialog.close();
  }

  tell(text) {
    this.on.status.textContent = text;
  }

  failed(error, signal) {
    if (signal.aborted || error.name === "AbortError") return;
    this.on.again.hidden = this.finished;
    this.tell(error.message);
  }
}

function tile(number, description, photo) {
  const button = Object.assign(document.createElement("button"), { type: "button", className: "tile waiting" });
  button.dataset.number = number;
  button.setAttribute("aria-label", `${number}: ${description}`);
  button.setAttribute("aria-keyshortcuts", number);
  button.setAttribute("aria-disabled", "true"); // until all can be compared; it may have the focus
  const image = Object.assign(document.createElement("img"), { src: photo, alt: "" });
  const badge = Object.assign(document.createElement("kbd"), { textContent: number, ariaHidden: "true" });
  const frame = Object.assign(document.createElement("span"), { className: "framed" });
  frame.append(image, badge);
  button.append(frame);
  return button;
}

function show(button, url) {
  button.querySelector("img").src = url;
  button.classList.remove("waiting");
}
