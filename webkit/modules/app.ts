// What every page loads. Each module improves what works without it, and starts again on what htmx swaps in.
import htmx from "htmx.org";

import { chooseRows } from "./choose";
import { copyFields } from "./copy";
import { openDialogs } from "./dialog";
import { dropFields } from "./filedrop";
import { guardForms } from "./guard";
import { greyParts } from "./greyed";
import { listenButtons } from "./listen";
import { goLive } from "./live";
import { placeMenus } from "./menu";
import { showPlayers } from "./players";
import { shortcuts } from "./shortcuts";
import { editTags } from "./tags";
import { switchTheme } from "./theme";
import { dismissNotices, startToasts } from "./toast";
import { sendOnce } from "./twice";

const EACH = [copyFields, openDialogs, dropFields, guardForms, chooseRows, editTags, showPlayers, listenButtons, goLive, greyParts, switchTheme, dismissNotices];

function start(root: ParentNode): void {
  for (const module of EACH) module(root);
  root.querySelector<HTMLElement>("[data-focus]")?.focus();
}

document.body.addEventListener("htmx:configRequest", (event) => {
  if (!(event instanceof CustomEvent) || event.detail.verb === "get") return;
  event.detail.headers["X-CSRF-Token"] = document.querySelector<HTMLMetaElement>("meta[name=csrf]")?.content ?? "";
});
placeMenus();
shortcuts();
startToasts();
sendOnce();
start(document);
htmx.onLoad((element) => {
  if (element instanceof HTMLElement && element !== document.body) start(element.parentElement ?? element);
});
