// <div data-greyed-by="mode" data-greyed-at="Always">: out of reach while that choice of the same form has that value.
import { once } from "./once";

export function greyParts(root: ParentNode): void {
  for (const part of once(root, "[data-greyed-by]", "Greyed")) {
    const form = part.closest("form");
    const name = part.dataset["greyedBy"] ?? "";
    if (!form) continue;
    const show = (): void => {
      part.inert = new FormData(form).get(name) === part.dataset["greyedAt"];
    };
    show();
    form.addEventListener("change", show);
  }
}
