const sort = (head) => {
  const heads = [...head.parentNode.children], index = heads.indexOf(head), body = element.querySelector('tbody');
  const value = (row) => row.children[index].dataset.value;
  const words = [...body.rows].some((row) => value(row) !== undefined && isNaN(value(row)));
  const before = head.getAttribute('aria-sort');
  const falling = before ? before === 'ascending' : !words;
  const compare = words ? (a, b) => a.localeCompare(b) : (a, b) => a - b;
  heads.forEach((other) => other.removeAttribute('aria-sort'));
  head.setAttribute('aria-sort', falling ? 'descending' : 'ascending');
  const full = [...body.rows].filter((row) => value(row) !== undefined);
  const rest = [...body.rows].filter((row) => value(row) === undefined);
  full.sort((a, b) => (falling ? -1 : 1) * compare(value(a), value(b)));
  body.append(...full, ...rest);
};
element.addEventListener('click', (event) => {
  const head = event.target.closest('thead th'), row = event.target.closest('tbody tr');
  if (head) sort(head);
  else if (row) trigger('click', { model: row.dataset.model });
});
