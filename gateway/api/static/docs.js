// What /docs has beside its form: samples with the real address, buttons that copy them, and a search of the page.

const parts = document.getElementById("parts");
const words = parts.dataset;

function useRealAddress() {
  const here = new URL(words.up, document.baseURI).href.replace(/\/$/, "");
  for (const sample of parts.querySelectorAll(".sample")) {
    sample.textContent = sample.textContent.replaceAll("https://gateway.example", here);
  }
}

// Without HTTPS browsers have no clipboard for scripts; there what is selected can be copied all the same.
async function copy(sample) {
  if (navigator.clipboard) return navigator.clipboard.writeText(sample.textContent);
  getSelection().selectAllChildren(sample);
  document.execCommand("copy");
}

function addCopyButtons() {
  for (const sample of parts.querySelectorAll(".sample")) {
    const button = document.createElement("button");
    button.type = "button";
    button.className = "quiet copy";
    button.textContent = words.copy;
    button.addEventListener("click", async () => {
      await copy(sample);
      button.textContent = words.copied;
      setTimeout(() => (button.textContent = words.copy), 2000);
    });
    sample.after(button);
  }
}

// Who reads Python in one place reads it in all.
function chooseEverywhere(event) {
  if (!event.target.matches(".samples input")) return;
  for (const choice of parts.querySelectorAll(`.samples input[value="${event.target.value}"]`)) choice.checked = true;
}

function show(element, shown) {
  element.hidden = !shown;
  const line = document.querySelector(`.contents a[href="#${element.id}"]`);
  if (line) line.parentElement.hidden = !shown;
}

// A part is shown where it has all words, a chapter where a part of it is, and their lines in the contents with them.
function search() {
  const wanted = document.getElementById("find-words").value.toLowerCase().split(/\s+/).filter(Boolean);
  const all = [...parts.querySelectorAll(".part")];
  let shown = 0;
  for (const part of all) {
    const text = part.textContent.toLowerCase();
    const has = wanted.every((word) => text.includes(word));
    show(part, has);
    shown += has;
  }
  for (const chapter of parts.querySelectorAll("section:not(.part)")) {
    show(chapter, chapter.querySelector(".part:not([hidden])") !== null);
  }
  const form = document.getElementById("find");
  const found = form.dataset.found.replace("{shown}", shown).replace("{all}", all.length);
  document.getElementById("find-found").textContent = wanted.length ? found : "";
}

useRealAddress();
addCopyButtons();
parts.addEventListener("change", chooseEverywhere);
document.getElementById("find").addEventListener("input", search);
document.getElementById("find").addEventListener("submit", (event) => event.preventDefault());
document.getElementById("find").hidden = false;
