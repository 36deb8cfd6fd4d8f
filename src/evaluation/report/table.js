// A table whose headers sort it: buttons, so that the keyboard and a screen reader can.
// A column: {label, title, value(run) to sort by, show(run) -> text or element, left}

function compareValues(a, b) {
  if (typeof a === 'string' || typeof b === 'string') return String(a).localeCompare(String(b), 'en', {numeric: true});
  return a - b;
}

// What has no value comes last, whichever way the rest goes.
function sortedRows(rows, column, descending) {
  const has = row => typeof row.value[column] === 'string' || isNumber(row.value[column]);
  const direction = descending ? -1 : 1;
  return [...rows].sort((a, b) => {
    if (has(a) !== has(b)) return has(a) ? -1 : 1;
    return has(a) ? direction * compareValues(a.value[column], b.value[column]) : 0;
  });
}

function makeRow(run, columns, classOf) {
  const row = element('tr', {class: classOf(run)});
  columns.forEach((column, index) => {
    const cell = index === 0 ? element('th', {scope: 'row', class: 'name'})
                             : element('td', column.left ? {class: 'text'} : {});
    cell.append(column.show(run));
    row.append(cell);
  });
  return {element: row, value: columns.map(column => column.value(run))};
}

function makeHeader(column, index, onSort) {
  const button = element('button', {type: 'button', class: 'sort', title: column.title}, column.label);
  const header = element('th', {scope: 'col', 'aria-sort': 'none'}, button);
  if (index === 0) header.className = 'name';
  else if (column.left) header.className = 'text';
  button.addEventListener('click', () => onSort(index));
  return header;
}

function sortableTable(caption, columns, runs, classOf) {
  const rows = runs.map(run => makeRow(run, columns, classOf));
  const body = element('tbody', {}, ...rows.map(row => row.element));
  const headers = columns.map((column, index) => makeHeader(column, index, sortBy));
  function sortBy(index) {
    const descending = headers[index].getAttribute('aria-sort') === 'ascending';
    headers.forEach(header => header.setAttribute('aria-sort', 'none'));
    headers[index].setAttribute('aria-sort', descending ? 'descending' : 'ascending');
    body.replaceChildren(...sortedRows(rows, index, descending).map(row => row.element));
  }
  const head = element('thead', {}, element('tr', {}, ...headers));
  return scrollBox(caption, element('table', {}, element('caption', {}, caption), head, body));
}

function plainTable(caption, labels, rows) {
  const cell = (text, index) => element(index === 0 ? 'th' : 'td', index === 0 ? {scope: 'row', class: 'name'} : {}, text);
  const headers = labels.map((label, index) => element('th', index === 0 ? {scope: 'col', class: 'name'} : {scope: 'col'}, label));
  const body = rows.map(row => element('tr', {}, ...row.map(cell)));
  return scrollBox(caption, element('table', {}, element('caption', {}, caption),
      element('thead', {}, element('tr', {}, ...headers)), element('tbody', {}, ...body)));
}

// A wide table scrolls in a box of its own, and the box can be reached by keyboard.
function scrollBox(label, table) {
  return element('div', {class: 'scroll', role: 'region', tabindex: '0', 'aria-label': label}, table);
}
