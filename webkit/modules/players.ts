// Pages that have a player load the rest of it.
import { once } from "./once";

export function showPlayers(root: ParentNode): void {
  const found = once(root, "[data-player]", "Player");
  if (found.length === 0) return;
  void import("./player").then(({ start }) => found.forEach(start));
}
