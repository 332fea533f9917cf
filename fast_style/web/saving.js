// The format, quality and size of downloads, chosen in a dialog and kept for the session.

import { fill } from "./settings.js";

const TITLES = { "": "as the picture", jpeg: "JPEG", png: "PNG", webp: "WebP", avif: "AVIF", tiff: "TIFF" };
const WITH_QUALITY = ["", "jpeg", "webp", "avif"];
const SIZES = [512, 1024, 1536, 2048, 3072, 4096];
const ENDINGS = { jpeg: "jpg", tiff: "tif" };
const QUALITY = 95;

export class Saving {
  // onSave(share): the user wants the picture as chosen; share: handed to another program, not written to a file.
  constructor({ dialog, formats, onSave }) {
    this.dialog = dialog;
    const by = (id) => dialog.querySelector(`#${id}`);
    this.on = { format: by("format"), quality: by("quality"), size: by("output-size") };
    this.on.format.replaceChildren(...formats.map((name) => new Option(TITLES[name] ?? name, name)));
    for (const control of Object.values(this.on)) control.addEventListener("input", () => this.describe());
    dialog.addEventListener("close", () => {
      if (["save", "share"].includes(dialog.returnValue)) onSave(dialog.returnValue === "share");
    });
    const probe = new File([""], "picture.jpg", { type: "image/jpeg" });
    by("share").hidden = !navigator.canShare?.({ files: [probe] });
    this.describe();
  }

  // width, height: of the picture in px.
  open(width, height) {
    const { size } = this.on;
    const before = size.value;
    const short = Math.min(width, height);
    const at = (px) => `${Math.round((width * px) / short)} × ${Math.round((height * px) / short)}`;
    size.replaceChildren(new Option(`as the picture, ${width} × ${height}`, ""), ...SIZES.filter((px) => px !== short).map((px) => new Option(at(px), px)));
    size.value = [...size.options].some((option) => option.value === before) ? before : "";
    this.dialog.returnValue = "";
    this.dialog.showModal();
  }

  describe() {
    const { format, quality } = this.on;
    document.getElementById("quality-value").textContent = quality.value;
    quality.disabled = !WITH_QUALITY.includes(format.value);
    document.getElementById("quality-field").classList.toggle("off", quality.disabled);
    fill(quality);
  }

  // Whether the result that is shown is what is wanted.
  get asShown() {
    return !Object.keys(this.fields).length;
  }

  get fields() {
    const { format, quality, size } = this.on;
    const fields = {};
    if (format.value) fields.format = format.value;
    if (!quality.disabled && Number(quality.value) !== QUALITY) fields.quality = Number(quality.value);
    if (size.value) fields.output_size = Number(size.value);
    return fields;
  }
}

// Name of a painted picture: that of the photograph, the styles, the ending of its format.
export function nameFor(name, styles, blob) {
  const kind = blob.type.split("/")[1] ?? "png";
  return `${name.replace(/\.[^.]*$/, "")}-${styles.join("-")}.${ENDINGS[kind] ?? kind}`;
}
