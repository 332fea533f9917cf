// The user's own painting beside those of the models: a file that is chosen or dropped, kept for the session.

import { draw, setUpDrop, take } from "./files.js";
import { release } from "./opening.js";

const KEY = "fast_style.painting";
// Twice what the network looks at, so that it is sharp where it is shown. WebP, or PNG where browsers do not write it.
const SHORT_SIDE_PX = 512;
const QUALITY = 0.95;
const ABOUT = "A preview of what training on it would make";

export class OwnPainting {
  // row: its place among the paintings; input: for its file. onChange(): it was chosen, replaced or removed;
  // onRefused(text), onError(error): what was no picture.
  constructor({ row, input, paintings, opening, onChange, onRefused, onError }) {
    Object.assign(this, { row, paintings, opening, onChange, onError });
    this.add = row.querySelector(".add");
    this.tile = row.querySelector("label");
    this.radio = row.querySelector("input");
    this.changers = [...row.querySelectorAll(".replace, .close")];
    const callbacks = { onFiles: ([file]) => this.open(file), onRefused };
    for (const button of [this.add, this.changers[0]]) button.addEventListener("click", () => input.click());
    this.changers[1].addEventListener("click", () => this.remove());
    input.addEventListener("change", () => {
      take(input, callbacks);
      input.value = "";
    });
    setUpDrop(row, callbacks);
  }

  // Show its place where a model can paint like it, as a painting that was kept is shown. model: its name, or "".
  show(model) {
    this.model = model;
    this.row.hidden = !model;
    this.row.classList.remove("unused");
    const kept = sessionStorage.getItem(KEY);
    if (model && kept && !this.paintings.own) this.set(JSON.parse(kept));
  }

  async open(file) {
    const one = (this.latest = { file, name: file.name || "painting" });
    try {
      await this.opening.decode(one);
    } catch (error) {
      return this.onError(error);
    }
    if (this.latest !== one) return release(one); // a quicker one came meanwhile
    const url = draw(document.createElement("canvas"), one.bitmap, SHORT_SIDE_PX).toDataURL("image/webp", QUALITY);
    release(one);
    this.set({ file: one.name, url });
    this.keep({ file: one.name, url });
    this.radio.checked = true;
    return this.onChange();
  }

  keep(painting) {
    try {
      sessionStorage.setItem(KEY, JSON.stringify(painting));
    } catch {
      sessionStorage.removeItem(KEY); // it is too large, and lost when the page is loaded again
    }
  }

  set({ file, url }) {
    const name = file.replace(/\.[^.]*$/, "") || "painting";
    const network = { name, model: this.model, kind: "any", painting: blobOf(url) };
    this.paintings.own = { key: "own", name, title: "", about: ABOUT, networks: [network] };
    this.tile.querySelector("img").src = url;
    this.tile.querySelector("small").textContent = file;
    this.radio.setAttribute("aria-label", `Your painting: ${file}`);
    this.arrange();
  }

  remove() {
    sessionStorage.removeItem(KEY);
    const wasChosen = this.radio.checked;
    this.radio.checked = false;
    this.paintings.own = null;
    this.arrange();
    this.add.focus();
    if (!wasChosen) return;
    this.paintings.chooseFirst();
    this.onChange();
  }

  arrange() {
    const { own } = this.paintings;
    this.add.hidden = Boolean(own);
    for (const element of [this.tile, ...this.changers]) element.hidden = !own;
  }
}

function blobOf(url) {
  const [head, data] = url.split(",");
  return new Blob([Uint8Array.from(atob(data), (one) => one.charCodeAt(0))], { type: head.slice(5).split(";")[0] });
}
