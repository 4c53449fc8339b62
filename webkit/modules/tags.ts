// A field of comma separated tags becomes chips with an entry beside them. What is sent stays the field.
import { once } from "./once";

export function editTags(root: ParentNode): void {
  for (const box of once(root, "[data-tags]", "Tags")) {
    const field = box.querySelector("input");
    if (field) edit(box, field);
  }
}

function edit(box: HTMLElement, field: HTMLInputElement): void {
  const entry = document.createElement("input");
  const editor = document.createElement("div");
  editor.className = "tags tags-editor";
  entry.id = field.id;
  entry.autocomplete = "off";
  for (const name of ["list", "aria-describedby", "aria-invalid"]) {
    const value = field.getAttribute(name);
    if (value !== null) entry.setAttribute(name, value);
  }
  field.removeAttribute("id");
  field.type = "hidden";
  let values = split(field.value);

  const show = (): void => {
    field.value = values.join(", ");
    editor.replaceChildren(...values.map((value) => chip(value, box.dataset["remove"] ?? "", () => remove(value))), entry);
    field.dispatchEvent(new Event("change", { bubbles: true }));
  };
  const remove = (value: string): void => {
    values = values.filter((other) => other !== value);
    show();
    entry.focus();
  };
  const take = (): void => {
    const typed = split(entry.value).filter((value) => !values.includes(value));
    entry.value = "";
    if (typed.length === 0) return;
    values = [...values, ...typed];
    show();
  };
  entry.addEventListener("keydown", (event) => {
    if ((event.key === "Enter" || event.key === ",") && entry.value.trim() !== "") {
      event.preventDefault();
      take();
      entry.focus();
    } else if (event.key === "Backspace" && entry.value === "" && values.length > 0) {
      remove(values[values.length - 1] ?? "");
    }
  });
  entry.addEventListener("blur", take);
  field.form?.addEventListener("submit", take);
  editor.addEventListener("click", (event) => {
    if (event.target === editor) entry.focus();
  });
  box.append(editor);
  show();
}

function split(text: string): string[] {
  return [...new Set(text.split(",").map((part) => part.trim()).filter((part) => part !== ""))];
}

function chip(value: string, label: string, remove: () => void): HTMLElement {
  const tag = document.createElement("span");
  const button = document.createElement("button");
  tag.className = "tag";
  tag.textContent = value;
  button.type = "button";
  button.textContent = "×";
  button.setAttribute("aria-label", `${label} ${value}`);
  button.addEventListener("click", remove);
  tag.append(button);
  return tag;
}
