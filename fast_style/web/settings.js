// The controls of the panel, and the fields of a picture that they stand for.

import { fastest, titleOf } from "./paintings.js";

// Working short sides in px: the network's strokes have a fixed size in px, so a smaller picture has larger ones.
const SIZES = [1024, 768, 576, 448, 352, 272, 208];
// Stroke sizes from small to large: one pass, or several from coarse to fine, then at smaller working sizes.
const ONE_PASS = [{ text: "as trained" }];
const SEVERAL = [{ text: "fine", strokes: "fine" }, { text: "as suits the picture" }, { text: "bold", strokes: "bold" }];
const STROKES = (onePass) => [...(onePass ? ONE_PASS : SEVERAL), ...SIZES.map((size) => ({ text: `larger, ${size} px`, size }))];
const RANGES = ["strength", "size", "mix", "noise", "detail"];
const FIELDS = [...RANGES, "network", "second", "tileable", "slerp", "feather"];
// The default of pictures; the camera has another, which applies where none is sent.
const NOISE = 1;
const KINDS = { full: "Best", lite: "Fast", nano: "Fastest", video: "Steady, for films", any: "At one look" };
const percent = (value) => `${Math.round(100 * value)} %`;

export class Settings {
  // onePass: whether the back end paints once, without passes from coarse to fine.
  constructor({ paintings, onChange, onePass }) {
    this.paintings = paintings;
    this.strokes = STROKES(onePass);
    this.usual = this.strokes.findIndex((one) => !one.strokes && !one.size);
    this.on = Object.fromEntries(FIELDS.map((id) => [id, document.getElementById(id)]));
    this.colours = [...document.querySelectorAll("[name=preserve_color]")];
    Object.assign(this.on.size, { max: this.strokes.length - 1, value: this.usual });
    this.wanted = { kind: "full" }; // the network that was chosen last
    for (const element of [...Object.values(this.on), ...this.colours]) {
      element.addEventListener("input", () => {
        if (element === this.on.network) this.wanted = this.network;
        if (element === this.on.second) this.lastSecond = element.value;
        if (element === this.on.size) this.look = null;
        this.describe();
        onChange();
      });
    }
  }

  // Names of the chosen styles, for the names of files.
  get names() {
    return [this.paintings.chosen, this.second].filter(Boolean).map((painting) => painting.name);
  }

  get network() {
    const { networks } = this.paintings.chosen;
    return networks[Number(this.on.network.value)] ?? networks[0];
  }

  get second() {
    return this.paintings.all.find((painting) => painting.key === this.on.second.value);
  }

  // Of a painting's networks the one that was chosen last, else one of its kind, else the first.
  likeWanted(networks) {
    const { model, kind } = this.wanted;
    return networks.find((one) => one.model === model) ?? networks.find((one) => one.kind === kind) ?? networks[0];
  }

  // The networks of two paintings that are styles of one model, which can blend them.
  pair(second) {
    const others = second.networks;
    for (const first of this.paintings.chosen.networks) {
      const other = others.find((one) => one.model === first.model);
      if (other) return [first, other];
    }
    return null;
  }

  // Called after another painting was chosen: what the user chose stays where this painting has it.
  update() {
    const { chosen, all } = this.paintings;
    const { network, second } = this.on;
    const wanted = this.lastSecond;
    const twice = (one) => chosen.networks.filter((other) => other.kind === one.kind).length > 1;
    const paints = (one) => all.filter(({ networks }) => networks.some(({ model }) => model === one.model)).length;
    const whose = (one) => (paints(one) > 1 ? `, one of ${paints(one)} to blend` : ", its own network");
    const named = (one) => (KINDS[one.kind] ?? one.kind) + (twice(one) ? whose(one) : "");
    network.replaceChildren(...(chosen?.networks ?? []).map((one, i) => new Option(named(one), i)));
    const others = all.filter((painting) => painting !== chosen && this.pair(painting));
    second.replaceChildren(new Option("nothing", ""), ...others.map((painting) => new Option(titleOf(painting), painting.key)));
    second.value = others.some((painting) => painting.key === wanted) ? wanted : "";
    second.disabled = !others.length;
    this.describe();
  }

  describe() {
    const { on, second } = this;
    const show = (id, text) => {
      const output = document.getElementById(`${id}-value`);
      output.textContent = text;
      on[id].setAttribute("aria-valuetext", text);
    };
    const networks = this.paintings.chosen?.networks ?? [];
    const used = second ? this.pair(second)[0] : this.likeWanted(networks);
    if (used) on.network.value = networks.indexOf(used);
    show("strength", percent(on.strength.value));
    show("size", this.stroke.text);
    show("mix", percent(on.mix.value));
    show("noise", Number(on.noise.value) ? on.noise.value : "none");
    show("detail", percent(on.detail.value));
    off(on.mix, !second);
    on.mix.parentElement.hidden = !second;
    off(on.network, Boolean(second) || on.network.options.length < 2);
    // Only a working size below the picture's loses detail that can be added again.
    off(on.detail, !this.stroke.size);
    this.paintings.markSecond(second);
    for (const id of [...RANGES, "feather"]) fill(on[id]);
  }

  // Set every control as a look {model, parts, strength, ...} says; of more than two styles the largest two.
  apply({ model, parts, ...look }) {
    const { on, paintings } = this;
    const [first, second] = [...parts].sort((a, b) => b.weight - a.weight);
    const owner = ({ name }) => paintings.all.find(({ networks }) => networks.some((one) => one.model === model && one.name === name));
    if (!owner(first)) return;
    paintings.choose(owner(first));
    this.lastSecond = second ? owner(second).key : "";
    this.update();
    this.wanted = paintings.chosen.networks.find((one) => one.model === model);
    if (second) on.mix.value = second.weight / (first.weight + second.weight);
    on.strength.value = look.strength ?? 1;
    this.look = look.size && look.strokes ? { strokes: look.strokes } : null; // together they have no place of their own
    on.size.value = look.size ? this.nearest(look.size) : Math.max(0, this.strokes.findIndex((one) => !one.size && one.strokes === usual(look.strokes)));
    on.detail.value = look.detail ?? 0;
    on.noise.value = look.noise ?? NOISE;
    on.feather.value = look.feather ?? on.feather.defaultValue;
    on.tileable.checked = look.tileable ?? false;
    on.slerp.checked = look.interpolate === "slerp";
    for (const one of this.colours) one.checked = one.value === (look.preserve_color ?? "none");
    this.describe();
  }

  // The fields of a picture. shortSidePx: short side of the picture that is sent, where it is a smaller copy.
  fields(shortSidePx = Infinity) {
    const { on, second } = this;
    const fields = { ...this.styles(second), strength: Number(on.strength.value), feather: Number(on.feather.value) };
    fields.preserve_color = this.colours.find((one) => one.checked).value;
    if (on.slerp.checked) fields.interpolate = "slerp";
    if (on.tileable.checked) fields.tileable = true;
    const { strokes, size } = { ...this.stroke, ...this.look };
    if (strokes) fields.strokes = strokes;
    if (Number(on.noise.value) !== NOISE) fields.noise = Number(on.noise.value);
    if (Number(on.detail.value) && !on.detail.disabled) fields.detail = Number(on.detail.value);
    if (size && size < shortSidePx) fields.size = size;
    return fields;
  }

  // The fields of live pictures: the fastest network paints them, unless two paintings are blended.
  liveFields() {
    const { output_size, size, ...fields } = this.fields(1);
    if (this.second) return fields;
    const { model, name } = fastest(this.paintings.chosen);
    return { ...fields, model, parts: [{ name, weight: 1 }] };
  }

  styles(second) {
    const [first, other] = (second && this.pair(second)) ?? [this.network];
    const mix = other ? Number(this.on.mix.value) : 0;
    const parts = [{ name: first.name, weight: 1 - mix }];
    if (other) parts.push({ name: other.name, weight: mix });
    return { model: first.model, parts, ...(first.painting && { painting: first.painting }) };
  }

  get stroke() {
    return this.strokes[this.on.size.value];
  }

  // Return {text, button, run} of what needs less work for a picture of that short side, or null: larger strokes, or
  // where they are large already a faster network.
  quicker(shortSidePx) {
    const index = this.strokes.findIndex(({ size }) => size <= Math.min(1024, 0.7 * shortSidePx));
    const set = (control, value) => () => ((control.value = value), control.dispatchEvent(new Event("input")));
    if (index > Number(this.on.size.value)) {
      return { text: "Larger strokes are quicker.", button: "Paint with larger strokes", run: set(this.on.size, index) };
    }
    const { networks } = this.paintings.chosen;
    const faster = networks.indexOf(fastest(this.paintings.chosen));
    if (this.second || networks[faster] === this.network) return null;
    return { text: "The fastest network is quicker.", button: "Use the fastest network", run: set(this.on.network, faster) };
  }

  // The index of the stroke size that is nearest to a working size in px, as a ratio.
  nearest(px) {
    const away = ({ size }) => (size ? Math.abs(Math.log(size / px)) : Infinity);
    return this.strokes.reduce((best, one, index) => (away(one) < away(this.strokes[best]) ? index : best), this.strokes.length - 1);
  }
}

// The strokes of a look; those of pictures, which are the default, have no name.
const usual = (strokes) => (["auto", "medium"].includes(strokes) ? undefined : strokes);

function off(control, disabled) {
  control.disabled = disabled;
  control.closest(".field").classList.toggle("off", disabled);
}

export function fill(range) {
  const share = (range.value - range.min) / (range.max - range.min);
  range.style.setProperty("--fill", `${100 * share}%`);
}
