// Short sounds: a button in the place of the browser's own player; one sounds at a time.
import { once } from "./once";

export function listenButtons(root: ParentNode): void {
  for (const box of once(root, "[data-listen]", "Listen")) {
    const audio = box.querySelector("audio");
    const button = box.querySelector("button");
    if (!audio || !button) continue;
    audio.hidden = true;
    button.hidden = false;
    const show = (): void => button.setAttribute("aria-pressed", String(!audio.paused));
    for (const event of ["play", "pause", "ended"]) audio.addEventListener(event, show);
    button.addEventListener("click", () => {
      if (!audio.paused) {
        audio.pause();
        return;
      }
      for (const other of document.querySelectorAll<HTMLAudioElement>("[data-listen] audio")) if (other !== audio) other.pause();
      audio.currentTime = 0;
      void audio.play().catch(show);
    });
  }
}
