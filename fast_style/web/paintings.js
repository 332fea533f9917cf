// Show the paintings as a group of radio buttons: networks of one painting, large and small, are one button.

const words = (name) => name.replaceAll("_", " ").replace(/^./, (letter) => letter.toUpperCase());
// From the best picture to the fastest.
const KINDS = ["full", "lite", "nano", "video"];
const HOVER_MS = 250;

export const titleOf = (painting) => painting.title || words(painting.name);

// The title of the painting that a part {name} of a blend of a model stands for.
export function titleIn(all, model, name) {
  const painting = all.find(({ networks }) => networks.some((one) => one.model === model && one.name === name));
  return painting ? shortTitle(painting) : words(name);
}

// Names below thumbnails, in two lines: the title without its article and what stands in brackets.
const shortTitle = ({ title, name }) => title.replace(/^(The|A|An) (?=.)/, "").replace(/ \(.*\)$/, "") || words(name);

// Return [{name, title, artist, year, networks}] of styles as the back end lists them, in their order.
export function group(styles) {
  const found = new Map();
  for (const style of styles) {
    const key = style.title ? `${style.title}|${style.artist}` : style.name;
    if (!found.has(key)) found.set(key, { ...style, key, networks: [] });
    found.get(key).networks.push(style);
  }
  // Of one kind the network of the painting's own comes first, as on the command line.
  const order = (one) => 1000 * KINDS.indexOf(one.kind) + styles.filter(({ model }) => model === one.model).length;
  for (const painting of found.values()) painting.networks.sort((a, b) => order(a) - order(b));
  return [...found.values()];
}

// The network that paints fastest, for thumbnails and live pictures.
export const fastest = (painting) =>
  painting.networks.find((one) => one.kind === "nano") ?? painting.networks.find((one) => one.kind === "lite") ?? painting.networks[0];

export class Paintings {
  // group: the radio buttons, in it list: the thumbnails of `all`.
  constructor({ group, list, caption, card, onChange }) {
    Object.assign(this, { group, list, caption, card });
    this.all = [];
    this.own = null; // the user's own painting
    this.urls = new Map(); // of the user's own photo in each painting, by key
    group.addEventListener("change", () => {
      this.describe();
      onChange();
    });
    list.addEventListener("pointerover", (event) => event.pointerType === "mouse" && this.hover(event.target.value));
    list.addEventListener("pointerleave", () => this.hover());
    list.addEventListener("focusin", (event) => event.target.matches(":focus-visible") && this.hover(event.target.value));
    list.addEventListener("focusout", () => this.hover());
  }

  get chosen() {
    const value = this.group.querySelector(":checked")?.value ?? 0;
    return value === "own" ? this.own : this.all[Number(value)];
  }

  show(styles) {
    const before = this.chosen?.key;
    const isOwn = Boolean(before) && this.chosen === this.own;
    this.all = group(styles);
    const index = Math.max(0, this.all.findIndex((painting) => painting.key === before));
    this.list.replaceChildren(...this.all.map((painting, i) => thumbnail(painting, i, i === index && !isOwn)));
    for (const [key, url] of this.urls) this.setPicture(key, url);
    this.describe();
  }

  // Replace a thumbnail by the user's own photo in that style; null goes back to the sample.
  setPicture(key, url) {
    const before = this.urls.get(key);
    if (before && before !== url) URL.revokeObjectURL(before);
    if (url) this.urls.set(key, url);
    else this.urls.delete(key);
    const index = this.all.findIndex((painting) => painting.key === key);
    if (index >= 0) this.list.children[index].querySelector("img").src = url ?? this.all[index].preview;
  }

  choose(painting) {
    this.list.children[this.all.indexOf(painting)].querySelector("input").checked = true;
    this.describe();
  }

  chooseFirst() {
    const first = this.list.querySelector("input");
    if (first) first.checked = true;
    this.describe();
  }

  describe() {
    const painting = this.chosen;
    const [title, by] = this.caption.children;
    title.textContent = painting ? titleOf(painting) : "";
    by.textContent = painting ? painting.about ?? [painting.artist, painting.year].filter(Boolean).join(", ") : "";
    this.list.setAttribute("aria-busy", !this.all.length);
  }

  // Show beside the panel the painting under the pointer, after a moment; without one, none.
  hover(index) {
    clearTimeout(this.timer);
    const painting = index === undefined ? undefined : this.all[index];
    if (!painting) return void (this.card.hidden = true);
    this.timer = setTimeout(() => this.showCard(painting, this.list.children[index]), this.card.hidden ? HOVER_MS : 0);
  }

  // The painting itself where the back end has a picture of it, else what its network makes of a sample.
  showCard(painting, beside) {
    const { card } = this;
    card.querySelector("img").src = painting.picture || painting.preview;
    card.querySelector(".title").textContent = titleOf(painting);
    card.querySelector(".by").textContent = [painting.artist, painting.year].filter(Boolean).join(", ");
    card.querySelector(".what").textContent = painting.picture ? "The painting" : "A sample in this style";
    card.hidden = false;
    const [box, panel] = [beside.getBoundingClientRect(), this.list.getBoundingClientRect()];
    card.style.left = `${Math.max(8, panel.left - card.offsetWidth - 40)}px`;
    card.style.top = `${Math.max(8, Math.min(box.top - 20, innerHeight - card.offsetHeight - 16))}px`;
  }

  markSecond(painting) {
    this.all.forEach((one, i) => this.list.children[i].classList.toggle("second", one === painting));
  }
}

function thumbnail(painting, index, checked) {
  const label = document.createElement("label");
  label.className = "style waiting";
  const input = document.createElement("input");
  Object.assign(input, { type: "radio", name: "style", value: index, checked });
  input.setAttribute("aria-label", [titleOf(painting), painting.artist, painting.year].filter(Boolean).join(", "));
  const image = document.createElement("img");
  image.onload = image.onerror = () => label.classList.remove("waiting");
  Object.assign(image, { src: painting.preview, alt: "", width: 80, height: 80, decoding: "async" });
  const name = document.createElement("span");
  name.textContent = shortTitle(painting);
  label.append(input, image, name);
  return label;
}
