// The form of /docs: asks GET /campaigns with fetch and shows the answer, where it leads, and the same request for curl.
// The key or token lives in its input field alone: it is stored nowhere, and curl's line names a variable instead.

const form = document.getElementById("try");
const part = (name) => document.getElementById(`try-${name}`);
let asking = null;

function target() {
  const url = new URL(form.dataset.path, document.baseURI);
  for (const field of form.elements) {
    if (field.name && field.value) url.searchParams.append(field.name, field.value);
  }
  return url;
}

function isToken() {
  return part("scheme").value === "Authorization";
}

function credentials() {
  const value = part("key").value;
  if (!value) return {};
  return isToken() ? { Authorization: `Bearer ${value}` } : { "X-API-Key": value };
}

function showCommand() {
  const header = isToken() ? "Authorization: Bearer $TOKEN" : "X-API-Key: $API_KEY";
  // URLSearchParams leaves no single quote unescaped, so single quotes are safe around the URL.
  part("curl").textContent = `curl -i --compressed -H "${header}" '${target()}'`;
}

// The text with line breaks, and nothing else of it changed: JSON.parse would change the digits of an id above 2^53.
function pretty(text) {
  try {
    JSON.parse(text);
  } catch {
    return text;
  }
  const tokens = text.match(/"[^"\\]*(?:\\.[^"\\]*)*"|[{}[\],:]|[^\s"{}[\],:]+/g);
  const opens = (token) => token === "{" || token === "[";
  const closes = (token) => token === "}" || token === "]";
  let depth = 0;
  const line = () => `\n${"  ".repeat(depth)}`;
  const shown = tokens.map((token, index) => {
    if (opens(token)) return closes(tokens[index + 1]) ? token : token + (depth++, line());
    if (closes(token)) return opens(tokens[index - 1]) ? token : (depth--, line()) + token;
    if (token === ",") return `,${line()}`;
    return token === ":" ? ": " : token;
  });
  return shown.join("");
}

// Where the answer leads: to the page about a problem, and to the other pages of campaigns, which the form asks for.
function showLinks(url, header, body) {
  const links = [...(header ?? "").matchAll(/<([^>]*)>\s*;\s*rel="?([a-z]+)"?/g)].map(([, reference, relation]) => {
    const button = document.createElement("button");
    button.type = "button";
    button.className = "quiet";
    button.textContent = relation;
    button.addEventListener("click", () => follow(new URL(reference, url)));
    return button;
  });
  try {
    const { type } = JSON.parse(body);
    if (typeof type === "string") {
      const link = document.createElement("a");
      link.href = new URL(type, url) + form.dataset.inIt;
      link.textContent = form.dataset.explained;
      links.push(link);
    }
  } catch {
    // What is no JSON leads nowhere.
  }
  part("links").replaceChildren(
    ...links.map((link) => {
      const item = document.createElement("li");
      item.append(link);
      return item;
    }),
  );
}

function follow(url) {
  for (const field of form.elements) {
    if (field.name) field.value = url.searchParams.get(field.name) ?? "";
  }
  showCommand();
  form.requestSubmit();
}

function showAnswer(status, family, note, headers, body) {
  part("status").textContent = status;
  part("status").className = `status s${family}`;
  part("time").textContent = note;
  part("headers").textContent = headers;
  part("body").textContent = body;
  part("links").replaceChildren();
  part("answer").hidden = false;
}

async function ask(event) {
  event.preventDefault();
  asking?.abort();
  const mine = (asking = new AbortController());
  const started = performance.now();
  form.setAttribute("aria-busy", "true");
  try {
    const answer = await fetch(target(), {
      headers: { Accept: "application/json", ...credentials() },
      cache: "no-store",
      credentials: "omit",
      signal: mine.signal,
    });
    const body = await answer.text();
    const headers = [...answer.headers].map(([name, value]) => `${name}: ${value}`).join("\n");
    const milliseconds = Math.round(performance.now() - started);
    const family = Math.floor(answer.status / 100);
    const took = form.dataset.took.replace("{ms}", milliseconds);
    showAnswer(`${answer.status} ${answer.statusText}`, family, took, headers, pretty(body));
    showLinks(answer.url, answer.headers.get("Link"), body);
  } catch (error) {
    if (mine.signal.aborted) return;
    showAnswer(form.dataset.noAnswer, 5, String(error.message), "", "");
  } finally {
    if (asking === mine) form.removeAttribute("aria-busy");
  }
}

form.addEventListener("submit", ask);
form.addEventListener("input", showCommand);
form.addEventListener("reset", () => {
  asking?.abort();
  part("answer").hidden = true;
  setTimeout(showCommand);
});
form.hidden = false;
showCommand();
