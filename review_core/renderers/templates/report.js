
"use strict";
// Sorting and finding. Without scripts the page shows all the same, in the report's order.
(() => {
  const table = document.getElementById("table");
  if (!table) return;
  const body = table.tBodies[0];
  const rows = Array.from(body.rows);
  const heads = Array.from(table.tHead.rows[0].cells);
  const key = (row, column) => {
    const cell = row.cells[column];
    return column ? Number(cell.dataset.sort) : cell.textContent;
  };
  const names = new Intl.Collator("en", { numeric: true });
  const sort = (column, descending) => {
    const order = descending ? -1 : 1;
    const compare = column ? (a, b) => a - b : names.compare;
    const sorted = rows.map((row) => [key(row, column), row]);
    sorted.sort((a, b) => order * compare(a[0], b[0]));
    body.append(...sorted.map((pair) => pair[1]));
    heads.forEach((head, index) => {
      if (index === column) head.setAttribute("aria-sort", descending ? "descending" : "ascending");
      else head.removeAttribute("aria-sort");
    });
  };
  heads.forEach((head, column) => {
    const button = document.createElement("button");
    button.type = "button";
    button.textContent = head.textContent;
    button.addEventListener("click", () => sort(column, head.getAttribute("aria-sort") === "ascending"));
    head.replaceChildren(button);
  });

  const find = document.getElementById("find");
  const spoken = document.getElementById("spoken");
  const count = document.getElementById("count");
  const texts = rows.map((row) => row.cells[0].textContent.toLowerCase());
  const filter = () => {
    const wanted = find.value.trim().toLowerCase();
    let shown = 0;
    rows.forEach((row, index) => {
      const fits = texts[index].includes(wanted) && (!spoken.checked || "speaks" in row.dataset);
      row.hidden = !fits;
      if (fits) shown += 1;
    });
    count.textContent = `${shown} of ${rows.length}`;
  };
  find.addEventListener("input", filter);
  spoken.addEventListener("change", filter);
  document.querySelector(".tools").hidden = false;
  filter();
})();
