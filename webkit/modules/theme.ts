// Light and dark at once, without loading the page again; the cookie tells the server.
import { once } from "./once";

const YEAR_S = 365 * 86400;
const ICONS: Record<string, string> = { auto: "auto", light: "sun", dark: "moon" };

export function switchTheme(root: ParentNode): void {
  for (const form of once<HTMLFormElement>(root, "form[data-theme-form]", "Theme")) {
    form.addEventListener("submit", (event) => {
      const theme = event.submitter instanceof HTMLButtonElement ? event.submitter.value : "";
      if (!(theme in ICONS)) return;
      event.preventDefault();
      apply(theme);
      for (const button of form.querySelectorAll("button")) button.setAttribute("aria-pressed", String(button.value === theme));
      const menu = form.closest<HTMLElement>("[popover]");
      menu?.hidePopover();
      const mark = document.querySelector(`[popovertarget="${menu?.id ?? ""}"] use`);
      mark?.setAttribute("href", (mark.getAttribute("href") ?? "").replace(/#.*/, `#${ICONS[theme] ?? ""}`));
    });
  }
}

function apply(theme: string): void {
  const secure = location.protocol === "https:" ? "; secure" : "";
  document.cookie = `theme=${theme}; path=/; max-age=${YEAR_S}; samesite=lax${secure}`;
  if (theme === "auto") delete document.documentElement.dataset["theme"];
  else document.documentElement.dataset["theme"] = theme;
  document.dispatchEvent(new Event("theme"));
}
