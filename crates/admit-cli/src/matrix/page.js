"use strict";
const data = JSON.parse(document.getElementById("rules").textContent);
const search = document.getElementById("search"), who = document.getElementById("who");
const count = document.getElementById("count"), dialog = document.getElementById("detail");
const sections = [...document.querySelectorAll("section")];

// A row is the chosen caller's if some of its callers is made of nothing but what the chosen one is.
function mine(row, chosen) {
  return chosen === null || row.dataset.who.split(" ").some(number => data.parts[number].every(part => chosen.has(part)));
}

function show() {
  const words = search.value.toLowerCase().split(/\s+/).filter(Boolean);
  const chosen = who.value === "" ? null : new Set(data.is[who.value]);
  let shown = 0;
  for (const section of sections) {
    let rows = 0;
    for (const row of section.querySelectorAll("tr[data-who]")) {
      row.hidden = !mine(row, chosen);
      if (!row.hidden) rows += 1;
    }
    for (const item of section.querySelectorAll("li[data-who]")) item.hidden = !mine(item, chosen);
    const text = section.dataset.text ??= section.textContent.toLowerCase();
    section.hidden = !words.every(word => text.includes(word)) || (chosen !== null && rows === 0);
    if (!section.hidden) shown += 1;
  }
  count.textContent = `${shown} of ${sections.length} shown`;
}

function line(list, text, place) {
  const item = list.appendChild(document.createElement("li"));
  item.appendChild(document.createElement("code")).textContent = text;
  if (place) {
    const where = item.appendChild(document.createElement("span"));
    where.className = "place";
    where.textContent = place;
  }
}

function open(button) {
  dialog.querySelector("h2").textContent = button.getAttribute("aria-label");
  const list = dialog.querySelector("ul");
  list.replaceChildren();
  for (const number of button.dataset.rules.split(" ").filter(Boolean)) line(list, ...data.rules[number]);
  if (!list.children.length) line(list, "the page was written from a table, which does not hold the rules");
  dialog.showModal();
}

document.addEventListener("click", event => {
  const button = event.target.closest("td button");
  if (button) open(button);
  if (event.target === dialog) dialog.close();
});

// The arrow keys go from cell to cell.
document.addEventListener("keydown", event => {
  const button = document.activeElement?.closest("td button");
  const step = { ArrowLeft: [0, -1], ArrowRight: [0, 1], ArrowUp: [-1, 0], ArrowDown: [1, 0] }[event.key];
  if (!button || !step || dialog.open) return;
  const cell = button.closest("td");
  const rows = [...cell.closest("table").querySelectorAll("tbody tr:not([hidden])")];
  let row = rows.indexOf(cell.parentElement), column = cell.cellIndex;
  for (;;) {
    row += step[0];
    column += step[1];
    const next = rows[row]?.cells[column];
    if (!next) return;
    const target = next.querySelector("button");
    if (target) {
      target.focus();
      event.preventDefault();
      return;
    }
  }
});

search.addEventListener("input", show);
who.addEventListener("change", show);
document.querySelector(".tools").hidden = false;
show();
