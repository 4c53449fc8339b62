// Rows that are chosen with the mouse or with keys: j and k (or arrows) move, x chooses, Enter opens, s stars.
import { once } from "./once";

export function chooseRows(root: ParentNode): void {
  for (const table of once<HTMLTableElement>(root, "table[data-table]", "Choose")) {
    const all = table.querySelector<HTMLInputElement>("[data-choose-all]");
    const boxes = (): HTMLInputElement[] => [...table.querySelectorAll<HTMLInputElement>("tbody input[name=chosen]")];
    const count = table.closest("form")?.querySelector<HTMLElement>("[data-chosen-count]");
    let last: HTMLInputElement | undefined;

    const show = (): void => {
      const chosen = boxes().filter((box) => box.checked).length;
      if (all) {
        all.checked = chosen > 0 && chosen === boxes().length;
        all.indeterminate = chosen > 0 && !all.checked;
      }
      if (count) count.textContent = (count.dataset["template"] ?? "%s").replace("%s", String(chosen));
    };
    all?.addEventListener("change", () => {
      for (const box of boxes()) box.checked = all.checked;
      show();
    });
    table.addEventListener("click", (event) => {
      const box = event.target;
      if (!(box instanceof HTMLInputElement) || box.name !== "chosen") return;
      if (event.shiftKey && last) chooseBetween(boxes(), last, box);
      last = box;
      show();
    });
    show();
  }
}

function chooseBetween(boxes: HTMLInputElement[], first: HTMLInputElement, second: HTMLInputElement): void {
  const [from, to] = [boxes.indexOf(first), boxes.indexOf(second)].sort((a, b) => a - b) as [number, number];
  if (from < 0) return;
  for (const box of boxes.slice(from, to + 1)) box.checked = second.checked;
}
