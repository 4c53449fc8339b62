// A double click sends a form once: the second time, somebody would be told of a form that has nothing left to do.

const SOON_MS = 1000;

export function sendOnce(): void {
  const sent = new WeakMap<HTMLFormElement, number>();
  document.addEventListener("submit", (event) => {
    const form = event.target;
    if (event.defaultPrevented || !(form instanceof HTMLFormElement) || form.method !== "post") return;
    if (event.timeStamp - (sent.get(form) ?? -SOON_MS) < SOON_MS) event.preventDefault();
    else sent.set(form, event.timeStamp);
  });
}
