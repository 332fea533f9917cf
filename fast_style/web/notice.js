// Say what happens in the status line, and what went wrong over the picture, with what can be done about it.

export class Notice {
  constructor({ status, box }) {
    Object.assign(this, { status, box });
    box.querySelector(".close").addEventListener("click", () => this.clear());
    box.querySelector(".act").addEventListener("click", () => {
      const { act } = this;
      this.clear();
      act();
    });
  }

  say(text) {
    this.status.textContent = text;
  }

  // action: {text, run}, what may help, or nothing.
  warn(text, action) {
    this.status.textContent = "";
    this.act = action?.run;
    const button = this.box.querySelector(".act");
    button.hidden = !action;
    button.textContent = action?.text ?? "";
    this.box.hidden = false;
    this.box.querySelector("p").textContent = text;
  }

  clear() {
    this.box.hidden = true;
    this.box.querySelector("p").textContent = "";
  }
}
