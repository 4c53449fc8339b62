// Menus open without script; here they get arrow keys, and a place in browsers that cannot anchor them by style.

const ANCHORED = CSS.supports("position-area", "block-end");
const EDGE_PX = 8;

export function placeMenus(): void {
  document.addEventListener("toggle", opened, { capture: true });
  document.addEventListener("keydown", arrows);
}

function opened(event: Event): void {
  const menu = event.target;
  if (!(menu instanceof HTMLElement) || !menu.classList.contains("menu") || !(event instanceof ToggleEvent)) return;
  const button = document.querySelector<HTMLElement>(`[popovertarget="${CSS.escape(menu.id)}"]`);
  button?.setAttribute("aria-expanded", String(event.newState === "open"));
  if (event.newState === "open" && button && !ANCHORED) place(menu, button);
}

function place(menu: HTMLElement, button: HTMLElement): void {
  const at = button.getBoundingClientRect();
  const { width, height } = menu.getBoundingClientRect();
  const left = menu.classList.contains("start") ? at.left : at.right - width;
  const below = at.bottom + 4;
  const top = below + height > innerHeight ? at.top - height - 4 : below;
  menu.style.inset = "auto";
  menu.style.margin = "0";
  menu.style.left = `${Math.max(EDGE_PX, Math.min(left, innerWidth - width - EDGE_PX))}px`;
  menu.style.top = `${Math.max(EDGE_PX, top)}px`;
}

function arrows(event: KeyboardEvent): void {
  if (!["ArrowDown", "ArrowUp", "Home", "End"].includes(event.key)) return;
  const target = event.target;
  if (!(target instanceof HTMLElement)) return;
  const menu = target.closest<HTMLElement>(".menu:popover-open") ?? openedBy(target);
  if (!menu || target.matches("input, select, textarea")) return;
  const items = [...menu.querySelectorAll<HTMLElement>(".item:not(:disabled)")];
  const here = items.indexOf(target);
  const next = { ArrowDown: here + 1, ArrowUp: here < 0 ? items.length - 1 : here - 1, Home: 0, End: items.length - 1 }[event.key] ?? 0;
  items[(next + items.length) % items.length]?.focus();
  event.preventDefault();
}

function openedBy(button: HTMLElement): HTMLElement | null {
  const menu = document.getElementById(button.getAttribute("popovertarget") ?? "");
  return menu?.matches(".menu:popover-open") ? menu : null;
}
