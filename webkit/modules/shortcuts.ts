// Keys of the whole page. Off while somebody types.

const ROW = "table[data-table] tbody tr";

export function shortcuts(): void {
  addEventListener("keydown", (event) => {
    if (event.defaultPrevented || event.ctrlKey || event.metaKey || event.altKey || isTyping(event.target)) return;
    if (document.querySelector("dialog[open]")) return;
    const action = byKey(event.key, event.target);
    if (action) {
      event.preventDefault();
      action();
    }
  });
}

function byKey(key: string, target: EventTarget | null): (() => void) | undefined {
  const focus = document.querySelector<HTMLElement>(`[data-key="${CSS.escape(key)}"]`);
  if (focus) return () => (focus instanceof HTMLButtonElement ? focus.click() : focus.focus());
  if (target instanceof Element && target.closest("[data-player]")) return undefined;
  const rows = [...document.querySelectorAll<HTMLTableRowElement>(ROW)];
  if (rows.length === 0) return undefined;
  const here = rows.findIndex((row) => row.classList.contains("current"));
  const row = rows[here];
  if (key === "j") return () => move(rows, here, Math.min(here + 1, rows.length - 1));
  if (key === "k") return () => move(rows, here, Math.max(here - 1, 0));
  if (key === "x" && row) return () => row.querySelector<HTMLInputElement>("input[name=chosen]")?.click();
  if (key === "s" && row) return () => row.querySelector<HTMLButtonElement>("button.star")?.click();
  if (key === "Enter" && row && !(target instanceof Element && target.closest("a, button, summary"))) {
    return () => row.querySelector<HTMLAnchorElement>("a.cover")?.click();
  }
  return undefined;
}

function move(rows: HTMLTableRowElement[], from: number, to: number): void {
  rows[from]?.classList.remove("current");
  const row = rows[to];
  if (!row) return;
  row.classList.add("current");
  row.querySelector<HTMLElement>("a.cover, input, a, button")?.focus({ preventScroll: true });
  row.scrollIntoView({ block: "nearest" });
}

function isTyping(target: EventTarget | null): boolean {
  if (!(target instanceof HTMLElement)) return false;
  if (target instanceof HTMLInputElement) return !["checkbox", "radio", "button", "submit", "range"].includes(target.type);
  return target.isContentEditable || target instanceof HTMLTextAreaElement || target instanceof HTMLSelectElement;
}
