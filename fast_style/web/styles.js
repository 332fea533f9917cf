// Show the styles as a group of radio buttons with thumbnails.

const words = (name) => name.replaceAll("_", " ").replace(/^./, (letter) => letter.toUpperCase());

export const titleOf = (style) => style.title || words(style.name);

export class Styles {
  constructor({ list, caption, onChange }) {
    this.list = list;
    this.caption = caption;
    this.onChange = onChange;
    this.styles = [];
    list.addEventListener("pointerover", (event) => this.describe(this.styles[event.target.value]));
    list.addEventListener("pointerleave", () => this.describe());
    list.addEventListener("change", () => {
      this.describe();
      onChange(this.chosen);
    });
  }

  get chosen() {
    return this.styles[Number(this.list.querySelector(":checked")?.value ?? 0)];
  }

  show(styles) {
    const before = this.chosen;
    this.styles = styles;
    const same = (style) => before && style.model === before.model && style.name === before.name;
    const index = Math.max(0, styles.findIndex(same));
    this.list.replaceChildren(...styles.map((style, i) => thumbnail(style, this.words(style), i, i === index)));
    this.describe();
  }

  // Write below the thumbnails the style under the pointer, else the chosen one.
  describe(style = this.chosen) {
    this.caption.textContent = style ? this.words(style) : "No model is loaded yet.";
  }

  words(style) {
    const twice = this.styles.some((one) => one !== style && one.name === style.name);
    return [titleOf(style), style.artist, twice && style.model].filter(Boolean).join(", ");
  }

  markSecond(style) {
    this.styles.forEach((one, i) => this.list.children[i].classList.toggle("second", one === style));
  }
}

function thumbnail(style, title, index, checked) {
  const label = document.createElement("label");
  label.className = "style";
  const input = document.createElement("input");
  Object.assign(input, { type: "radio", name: "style", value: index, checked });
  input.setAttribute("aria-label", title);
  const image = document.createElement("img");
  Object.assign(image, { src: style.preview, alt: "", loading: "lazy", decoding: "async" });
  const name = document.createElement("span");
  name.textContent = words(style.name);
  label.title = title;
  label.append(input, image, name);
  return label;
}
