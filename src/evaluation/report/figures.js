// Figures are small units: a file of figures/ calls registerFigure once, and the page does the rest.
//   {id, title,
//    missing(results) -> a sentence on what the results lack for it, or '',
//    caption(results, run) -> how to read it and what it shows here,
//    draw(results, target, run),
//    choices(results) -> runs to choose one from (optional; `run` is then the chosen one)}

const registeredFigures = [];

function registerFigure(figure) {
  registeredFigures.push(figure);
}

function chooser(runs, chosen, onChoice) {
  const options = runs.map((run, index) => element('option', {value: String(index)}, run.name));
  const select = element('select', {}, ...options);
  select.value = String(runs.indexOf(chosen));
  select.addEventListener('change', () => onChoice(runs[Number(select.value)]));
  return element('label', {class: 'choice'}, 'Configuration', select);
}

function figureShell(figure) {
  const title = element('h3', {id: `figure-${figure.id}`}, figure.title);
  return element('figure', {'data-figure': figure.id, 'aria-labelledby': `figure-${figure.id}`}, title);
}

// Returns what draws the figure again, e.g. in other colours.
function addFigure(figure, results, list) {
  const shell = figureShell(figure);
  list.append(shell);
  const lack = figure.missing(results);
  if (lack) {
    shell.append(element('p', {class: 'missing'}, lack));
    return () => {};
  }
  const target = element('div', {class: 'plot', role: 'img'}), caption = element('figcaption');
  const runs = figure.choices ? figure.choices(results) : [];
  let chosen = figure.choices ? usualRun(results, runs) : undefined;
  const draw = () => {
    const text = figure.caption(results, chosen);
    caption.textContent = text;
    target.setAttribute('aria-label', `${figure.title}. ${text}`);
    figure.draw(results, target, chosen);
  };
  if (figure.choices) shell.append(chooser(runs, chosen, run => { chosen = run; draw(); }));
  shell.append(target, caption);
  draw();
  return draw;
}

// A broken figure must not take the others with it, and must not pass unseen.
function addGuarded(figure, results, list) {
  try {
    return addFigure(figure, results, list);
  } catch (error) {
    console.error(`figure ${figure.id}: ${error.stack}`);
    list.append(element('p', {class: 'notice'}, `The figure “${figure.title}” could not be drawn: ${error.message}`));
    return () => {};
  }
}

function showFigures(results) {
  const list = document.getElementById('figure-list');
  const redraws = registeredFigures.map(figure => addGuarded(figure, results, list));
  const redraw = () => redraws.forEach(draw => draw());
  matchMedia('(prefers-color-scheme: dark)').addEventListener('change', redraw);
  addEventListener('beforeprint', () => { document.documentElement.dataset.theme = 'light'; redraw(); });
  addEventListener('afterprint', () => { delete document.documentElement.dataset.theme; redraw(); });
}
