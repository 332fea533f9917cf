// The controls of the panel, and the fields of the API that they stand for.

import { titleOf } from "./shared/styles.js";

// Working short sides in px: the network's strokes have a fixed size in px, so a smaller picture has larger ones.
const SIZES = ["", 1024, 768, 576, 448, 352, 272, 208];
const STROKES = ["as trained", "1024 px", "768 px", "576 px", "448 px", "352 px", "272 px", "208 px"];
const FIELDS = ["strength", "size", "second", "mix", "strokes", "noise", "detail", "output-size", "tileable", "slerp", "feather"];
// The default of pictures; the camera has another, which applies where none is sent.
const NOISE = 1;
const percent = (value) => `${Math.round(100 * value)} %`;

export class Settings {
  constructor({ styles, onChange }) {
    this.styles = styles;
    this.on = Object.fromEntries(FIELDS.map((id) => [id, document.getElementById(id)]));
    this.colours = document.querySelectorAll("[name=preserve_color]");
    for (const element of [...Object.values(this.on), ...this.colours]) {
      element.addEventListener("input", () => {
        this.describe();
        onChange();
      });
    }
    this.describe();
  }

  // Names of the chosen styles, for the names of files.
  get names() {
    return [this.styles.chosen, this.second].filter(Boolean).map((style) => style.name);
  }

  get second() {
    return this.choices()[Number(this.on.second.value) - 1];
  }

  // The styles that the chosen one can be blended with: those of the same model.
  choices() {
    const first = this.styles.chosen;
    return this.styles.styles.filter((style) => style.model === first?.model && style.name !== first.name);
  }

  // Called after another first style was chosen: the second one stays where the model has it.
  update() {
    const before = this.second?.name ?? this.lastSecond;
    const choices = this.choices();
    const select = this.on.second;
    select.replaceChildren(new Option("nothing", 0), ...choices.map((style, i) => new Option(titleOf(style), i + 1)));
    select.value = 1 + choices.findIndex((style) => style.name === before);
    document.getElementById("blend-group").hidden = !choices.length;
    this.describe();
  }

  describe() {
    const { on } = this;
    this.lastSecond = this.second?.name;
    const show = (id, text) => (document.getElementById(`${id}-value`).textContent = text);
    show("strength", percent(on.strength.value));
    show("size", STROKES[on.size.value]);
    on.size.setAttribute("aria-valuetext", STROKES[on.size.value]);
    show("mix", percent(on.mix.value));
    show("noise", Number(on.noise.value) ? on.noise.value : "none");
    show("detail", percent(on.detail.value));
    document.getElementById("mix-field").classList.toggle("off", !this.second);
    on.mix.disabled = !this.second;
    // Only a working size below the picture's loses detail that can be added again.
    on.detail.disabled = !Number(on.size.value);
    on.detail.parentElement.classList.toggle("off", on.detail.disabled);
    this.styles.markSecond(this.second);
    for (const range of document.querySelectorAll("input[type=range]:not(.wipe)")) fill(range);
  }

  // The fields of the API. shortSidePx: short side of the picture that is sent, where it is a smaller copy.
  fields(shortSidePx = Infinity) {
    const { on } = this;
    const first = this.styles.chosen;
    const mix = Number(on.mix.value);
    const style = this.second ? [share(first, 1 - mix), share(this.second, mix)].join(",") : first.name;
    const fields = { model: first.model, style, strength: on.strength.value, feather: on.feather.value };
    fields.preserve_color = [...this.colours].find((one) => one.checked).value;
    if (on.slerp.checked) fields.interpolate = "slerp";
    if (on.tileable.checked) fields.tileable = "true";
    if (on.strokes.value !== "auto") fields.strokes = on.strokes.value;
    if (Number(on.noise.value) !== NOISE) fields.noise = on.noise.value;
    if (Number(on.detail.value)) fields.detail = on.detail.value;
    const size = SIZES[on.size.value];
    if (size && size < shortSidePx) fields.size = size;
    if (on["output-size"].value && shortSidePx === Infinity) fields.output_size = on["output-size"].value;
    return fields;
  }
}

// A part of a blend; in quotes a name may hold commas and equals signs.
const share = (style, weight) => `${JSON.stringify(style.name)}=${weight.toFixed(2)}`;

function fill(range) {
  const share = (range.value - range.min) / (range.max - range.min);
  range.style.setProperty("--fill", `${100 * share}%`);
}
