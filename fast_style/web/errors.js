// What goes wrong while a picture is painted, and what may help.

export class PaintError extends Error {
  // help: "token", "again" (the same once more), "faster" (less work), "reduce" (a smaller copy), or nothing.
  constructor(text, help = "") {
    super(text.replace(/[^.]$/, "$&."));
    this.help = help;
  }
}
