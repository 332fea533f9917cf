// Switch between dark and light: as the system, until the button is pressed.

const KEY = "fast_style.theme";

export function setUpTheme(button) {
  const dark = matchMedia("(prefers-color-scheme: dark)");
  const chosen = () => localStorage.getItem(KEY);
  const apply = () => {
    document.documentElement.classList.toggle("dark", chosen() === "dark");
    document.documentElement.classList.toggle("light", chosen() === "light");
  };
  button.addEventListener("click", () => {
    const now = chosen() ?? (dark.matches ? "dark" : "light");
    localStorage.setItem(KEY, now === "dark" ? "light" : "dark");
    apply();
  });
  apply();
}
