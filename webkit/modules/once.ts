// Elements that a module has not seen yet.

/** Every element that fits, once for each module that asks. */
export function once<E extends HTMLElement>(root: ParentNode, selector: string, module: string): E[] {
  const seen = `started${module}`;
  const found = [...root.querySelectorAll<E>(selector)].filter((element) => !(seen in element.dataset));
  for (const element of found) element.dataset[seen] = "";
  return found;
}
