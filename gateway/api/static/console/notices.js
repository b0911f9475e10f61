// Desktop notices of campaigns that change status, for who wants them: asked for in this tab, and of this tab only.

import { nameOf, statusWord } from "./row.js";
import { say } from "./words.js";

const NAME = "campaign-gateway.notices";
const MOST = 3;

export const canNotify = () => window.isSecureContext && "Notification" in window;

export function areOn() {
  try {
    return canNotify() && Notification.permission === "granted" && sessionStorage.getItem(NAME) === "on";
  } catch {
    return false;
  }
}

// Turns them on or off; the browser asks its user the first time. Tells whether they are on now.
export async function turn(on) {
  const isOn = on && (await Notification.requestPermission()) === "granted";
  sessionStorage.setItem(NAME, isOn ? "on" : "off");
  return isOn;
}

// Tells of changes of status; of many in one notice.
export function tell(changes) {
  const told = changes.filter(({ kind }) => kind === "status");
  if (!told.length || !areOn()) return;
  if (told.length > MOST) {
    notify("campaign-gateway", say("notice.many", { n: told.length }), told.slice(0, MOST).map(({ row }) => nameOf(row)).join(", "));
  } else {
    for (const { row, was } of told) {
      notify(String(row.id), nameOf(row), say("notice.status", { was: statusWord(was), is: statusWord(row.status) }));
    }
  }
}

function notify(tag, title, body) {
  const notice = new Notification(title, { body, tag });
  notice.onclick = () => {
    window.focus();
    notice.close();
  };
}
