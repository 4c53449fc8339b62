// <div data-live="/admin/live"> listens to server-sent events; each one named `calls` becomes the event `live-calls` on <body>, for
// hx-trigger="live-calls from:body". Only a page that is looked at listens: a browser has few connections to a server.
import { once } from "./once";

const AT_MOST_EVERY_MS = 250;

export function goLive(root: ParentNode): void {
  for (const place of once(root, "[data-live]", "Live")) listen(place);
}

function listen(place: HTMLElement): void {
  const names = (place.dataset["liveEvents"] ?? "message").split(" ");
  const waiting = new Set<string>();
  let source: EventSource | undefined;

  const tell = (name: string): void => {
    if (waiting.has(name)) return;
    waiting.add(name);
    setTimeout(() => {
      waiting.delete(name);
      document.body.dispatchEvent(new CustomEvent(`live-${name}`));
    }, AT_MOST_EVERY_MS);
  };
  const open = (): void => {
    if (source || !place.isConnected) return;
    source = new EventSource(place.dataset["live"] ?? "");
    for (const name of names) source.addEventListener(name, () => tell(name));
  };
  const close = (): void => {
    source?.close();
    source = undefined;
  };
  document.addEventListener("visibilitychange", () => {
    if (document.hidden) return close();
    open();
    names.forEach(tell);
  });
  addEventListener("pagehide", close);
  if (!document.hidden) open();
}
