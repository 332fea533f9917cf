// The looks that are kept by name: a menu that applies one, and a button that deletes it.

import { save } from "./files.js";

export class Looks {
  // onChoose(look): apply it. Callbacks: say(text), report(error).
  constructor({ field, backend, onChoose, say, report }) {
    Object.assign(this, { field, backend, onChoose, say, report, all: [] });
    this.menu = field.querySelector("select");
    this.forgetButton = field.querySelector("button");
    this.menu.addEventListener("change", () => {
      this.describe();
      const look = this.chosen;
      if (look) onChoose(look);
    });
    this.forgetButton.addEventListener("click", () => this.forget());
  }

  // Whether keeping a look by that name would replace one.
  has(name) {
    return this.backend.mayKeep && this.all.some((look) => look.name === name);
  }

  get chosen() {
    return this.all.find(({ name }) => name === this.menu.value);
  }

  // Called at the beginning: lists the looks, and applies the one with which the service begins.
  async begin() {
    const start = await this.load();
    if (!start) return;
    this.mark(start);
    if (this.chosen) this.onChoose(this.chosen);
  }

  async load() {
    const { looks, start } = await this.backend.looks();
    this.all = looks;
    this.menu.replaceChildren(new Option("none", ""), ...looks.map(({ name }) => new Option(name, name)));
    this.field.hidden = !looks.length;
    this.describe();
    return start;
  }

  // Show a name as chosen: "" once the controls say something else.
  mark(name) {
    this.menu.value = name;
    this.describe();
  }

  describe() {
    this.forgetButton.hidden = !this.chosen || !this.backend.mayKeep;
    this.forgetButton.setAttribute("aria-label", `Delete the look ${this.menu.value}`);
  }

  // Keep a look: where the service keeps none for us, as a file for the command line.
  // replace: whether one of that name may be replaced.
  async keep(name, look, replace) {
    try {
      if (!this.backend.mayKeep) return save(new Blob([recipe(look)], { type: "text/yaml" }), `${name}.yaml`);
      await this.backend.keepLook(name, look, replace);
      await this.load();
      this.mark(name);
      this.say(`Kept as ${name}; on the command line: --look ${name}`);
    } catch (error) {
      this.report(error);
    }
  }

  async forget() {
    const { name } = this.chosen;
    try {
      await this.backend.forgetLook(name);
      await this.load();
      this.say(`${name} is deleted.`);
    } catch (error) {
      this.report(error);
    }
  }
}

// The file of a look; texts and numbers as JSON writes them are YAML.
function recipe({ parts, name, ...values }) {
  return Object.entries(values).map(([field, value]) => `${field.replaceAll("_", "-")}: ${JSON.stringify(value)}\n`).join("");
}
