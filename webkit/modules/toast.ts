// Short words at the edge of the page, and notices that can be put away.
import { once } from "./once";

const SHOWN_MS = 3500;

/** Say something in passing; screen readers hear it too. */
export function toast(text: string): void {
  const place = document.querySelector("[data-toasts]");
  if (!place || text === "") return;
  const box = document.createElement("div");
  box.className = "toast";
  box.textContent = text;
  place.append(box);
  setTimeout(() => box.remove(), SHOWN_MS);
}

/** The server's HX-Trigger: {"toast": "…"} says something too. */
export function startToasts(): void {
  document.body.addEventListener("toast", (event) => {
    if (event instanceof CustomEvent && typeof event.detail?.value === "string") toast(event.detail.value);
  });
}

export function dismissNotices(root: ParentNode): void {
  for (const button of once(root, "[data-dismiss]", "Dismiss")) {
    button.hidden = false;
    button.addEventListener("click", () => button.closest(".notice")?.remove());
  }
}
