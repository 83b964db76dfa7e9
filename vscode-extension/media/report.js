// Sorts the report's table and asks the editor to open places. Plain script: it runs in the page, not in Node.
(() => {
  const editor = acquireVsCodeApi();
  const body = document.querySelector('tbody');
  const headings = [...document.querySelectorAll('thead th')];
  if (!body) return;

  for (const button of document.querySelectorAll('button[data-place]')) {
    button.addEventListener('click', () => editor.postMessage({ open: Number(button.dataset.place) }));
  }
  headings.forEach((heading, at) => {
    heading.querySelector('button').addEventListener('click', () => {
      sort(at, heading.getAttribute('aria-sort') !== 'ascending', true);
    });
  });
  const earlier = editor.getState();
  if (earlier && headings[earlier.at]) sort(earlier.at, earlier.ascending, false);

  function sort(at, ascending, tell) {
    const isNumber = headings[at].dataset.kind === 'number';
    const value = (row) => row.cells[at].dataset.value;
    const order = (one, other) =>
      isNumber ? Number(value(one)) - Number(value(other)) : value(one).localeCompare(value(other));
    const rows = [...body.rows].sort((one, other) => (ascending ? order(one, other) : order(other, one)));
    body.append(...rows);
    for (const each of headings) each.removeAttribute('aria-sort');
    headings[at].setAttribute('aria-sort', ascending ? 'ascending' : 'descending');
    editor.setState({ at, ascending });
    if (tell) {
      const name = headings[at].querySelector('button').textContent;
      document.getElementById('sorted').textContent = `Sorted by ${name}, ${ascending ? 'ascending' : 'descending'}`;
    }
  }
})();
