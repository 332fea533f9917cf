// List the keys and run what they stand for: one table for both.

const NAMES = { ArrowLeft: "←", ArrowRight: "→", ArrowUp: "↑", ArrowDown: "↓", Escape: "Esc", " ": "Space" };

// Focus in one of these takes letters for itself.
const TYPING = "select, textarea, input:not([type=range]):not([type=radio]):not([type=checkbox])";
const ARROWS = /^Arrow/;

export class Shortcuts {
  // table: [{keys, shown, text, run, held, ctrl, repeats, where}]. shown: the keys of the list, where they are others.
  // held: run(true) while the key is down, run(false) after it. where: selector of what must have the focus.
  constructor({ table, list, dialog }) {
    Object.assign(this, { table, dialog });
    list.replaceChildren(...table.filter((one) => one.text).flatMap(row));
    document.addEventListener("keydown", (event) => this.down(event));
    document.addEventListener("keyup", (event) => this.up(event));
  }

  find(event) {
    if (document.querySelector("dialog[open]") || event.altKey || event.target.matches(TYPING)) return null;
    if (ARROWS.test(event.key) && event.target.matches("input")) return null;
    const ctrl = event.ctrlKey || event.metaKey;
    const fits = (one) => Boolean(one.ctrl) === ctrl && (!one.where || event.target.closest(one.where));
    const key = ARROWS.test(event.key) ? event.key : event.key.length === 1 ? event.key.toLowerCase() : event.key;
    return this.table.find((one) => one.keys.includes(key) && fits(one));
  }

  down(event) {
    const found = this.find(event);
    if (!found || event.defaultPrevented || (event.repeat && !found.repeats)) return;
    if (found.ctrl || found.repeats) event.preventDefault();
    found.run(found.held ? true : event.key);
  }

  up(event) {
    const found = this.table.find((one) => one.held && one.keys.includes(event.key.toLowerCase()));
    if (found) found.run(false);
  }
}

// Show the list from its top.
export function open(dialog) {
  dialog.showModal();
  dialog.scrollTop = 0;
}

function row({ keys, text, ctrl, shown }) {
  const term = document.createElement("dt");
  for (const key of shown ?? keys) {
    const cap = document.createElement("kbd");
    const name = NAMES[key] ?? (key.length === 1 ? key.toUpperCase() : key);
    cap.textContent = ctrl ? `Ctrl ${name}` : name;
    term.append(cap);
  }
  return [term, Object.assign(document.createElement("dd"), { textContent: text })];
}
