// A file field that takes what is dropped on it.
import { once } from "./once";

export function dropFields(root: ParentNode): void {
  for (const box of once(root, "[data-drop]", "Drop")) {
    const field = box.querySelector<HTMLInputElement>("input[type=file]");
    const hint = box.querySelector<HTMLElement>(".drop-hint");
    if (!field) continue;
    if (hint) hint.hidden = false;
    for (const kind of ["dragenter", "dragover"]) {
      box.addEventListener(kind, (event) => {
        event.preventDefault();
        box.classList.add("over");
      });
    }
    for (const kind of ["dragleave", "drop"]) box.addEventListener(kind, () => box.classList.remove("over"));
    box.addEventListener("drop", (event) => {
      event.preventDefault();
      const files = event.dataTransfer?.files;
      if (!files?.length || (files.length > 1 && !field.multiple)) return;
      field.files = files;
      field.dispatchEvent(new Event("change", { bubbles: true }));
    });
  }
}
