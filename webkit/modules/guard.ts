// A form that was changed and not saved says so, and asks before it is left.
import { once } from "./once";

export function guardForms(root: ParentNode): void {
  for (const form of once<HTMLFormElement>(root, "form[data-guard]", "Guard")) {
    const before = content(form);
    const isChanged = (): boolean => content(form) !== before;
    const state = form.querySelector<HTMLElement>("[data-guard-state]");
    const came = form.querySelector("[aria-invalid]") !== null;
    let leaving = false;
    const show = (): void => {
      if (state) state.hidden = !(came || isChanged());
    };
    show();
    form.addEventListener("input", show);
    form.addEventListener("change", show);
    form.addEventListener("submit", () => {
      leaving = true;
    });
    addEventListener("pageshow", () => {
      leaving = false;
    });
    addEventListener("beforeunload", (event) => {
      if (leaving || !form.isConnected || !isChanged()) return;
      event.preventDefault();
    });
  }
}

function content(form: HTMLFormElement): string {
  const parts: string[] = [];
  for (const [name, value] of new FormData(form)) {
    parts.push(`${name}=${typeof value === "string" ? value : `${value.name}:${value.size}`}`);
  }
  return parts.join("\n");
}
