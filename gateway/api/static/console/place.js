// The top of the page: which VDN, what time it is there, and who asks.

import { el, fill, part } from "./dom.js";
import { timeOfDay, zoneName } from "./times.js";
import { say } from "./words.js";

export const vdnName = ({ vdn, name }) => name || say("vdn", { vdn: String(vdn) });

export function show(me, vdn, zone, act) {
  const place = part("place");
  place.hidden = false;
  const known = me.vdns.some((one) => one.vdn === vdn.vdn) ? me.vdns : [vdn, ...me.vdns];
  const name =
    known.length === 1
      ? el("strong", { class: "vdn" }, vdnName(vdn))
      : el(
          "label",
          { class: "bare" },
          el("span", { class: "unseen" }, say("vdn.choose")),
          el(
            "select",
            { id: "vdn", "data-key": "vdn" },
            known.map((one) => el("option", { value: one.vdn, selected: one.vdn === vdn.vdn }, vdnName(one))),
          ),
        );
  fill(place, name, el("span", { class: "there" }, el("span", { id: "there", class: "digits" }), " ", el("span", { id: "zone" })));
  const choice = part("vdn");
  if (choice) choice.onchange = () => act.look({ vdn: choice.value, page: 1 });
  const client = part("client");
  client.hidden = false;
  client.textContent = say(me.credential === "token" ? "client.token" : "client.key", { client: me.client });
}

export function tick(zone, at) {
  part("there").textContent = timeOfDay(at, zone, true);
  part("zone").textContent = `${zone} (${zoneName(at, zone)})`;
}
