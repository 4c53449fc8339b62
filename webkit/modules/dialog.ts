// Dialogs for browsers that do not know `command` yet, and those that shall be open from the start.
import { once } from "./once";

const NATIVE = "commandForElement" in HTMLButtonElement.prototype;

export function openDialogs(root: ParentNode): void {
  for (const dialog of once<HTMLDialogElement>(root, "dialog[data-open]", "Open")) dialog.showModal();
  for (const dialog of once<HTMLDialogElement>(root, "dialog.dialog", "Dialog")) {
    dialog.addEventListener("click", (event) => {
      if (event.target === dialog && isOutside(dialog, event)) dialog.close();
    });
  }
  if (NATIVE) return;
  for (const button of once<HTMLButtonElement>(root, "button[command][commandfor]", "Command")) {
    button.addEventListener("click", () => {
      const dialog = document.getElementById(button.getAttribute("commandfor") ?? "");
      if (!(dialog instanceof HTMLDialogElement)) return;
      if (button.getAttribute("command") === "close") dialog.close();
      else dialog.showModal();
    });
  }
}

function isOutside(dialog: HTMLDialogElement, { clientX, clientY }: MouseEvent): boolean {
  const box = dialog.getBoundingClientRect();
  return clientX < box.left || clientX > box.right || clientY < box.top || clientY > box.bottom;
}
