// A button that copies the field beside it.
import { once } from "./once";
import { toast } from "./toast";

const SHOWN_MS = 1600;

export function copyFields(root: ParentNode): void {
  for (const box of once(root, "[data-copy]", "Copy")) {
    const field = box.querySelector("input");
    const button = box.querySelector("button");
    if (!field || !button) continue;
    field.addEventListener("focus", () => field.select());
    button.addEventListener("click", async () => {
      if (!(await copied(field))) return;
      box.classList.add("done");
      toast(button.dataset["copied"] ?? "");
      setTimeout(() => box.classList.remove("done"), SHOWN_MS);
    });
  }
}

/** The clipboard is there in secure contexts only; elsewhere the old way still works. */
async function copied(field: HTMLInputElement): Promise<boolean> {
  try {
    await navigator.clipboard.writeText(field.value);
    return true;
  } catch {
    field.select();
    return document.execCommand("copy");
  }
}
