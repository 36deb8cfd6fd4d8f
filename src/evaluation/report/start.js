// Fills the page.

function showTitle(results) {
  const model = results.model || {}, text = results.text || {};
  const title = 'Adaptive expert routing' + (model.name ? ` on ${model.name}` : '');
  setText('title', title);
  document.title = `${title} – bhroute report`;
  const parts = [`${results.runs.length} configurations`];
  if (text.path) parts.push(`on ${String(text.path).split('/').pop()}`);
  if (isNumber(results.windows) && isNumber(results.window))
    parts.push(`${integer(results.windows)} windows of ${integer(results.window)} tokens`);
  const scored = results.runs[0].num_tokens;
  if (isNumber(scored)) parts.push(`${integer(scored)} scored tokens each`);
  setText('subtitle', parts.join(', ') + '.');
}

// The first sentence of a paragraph is its finding.
function verdictCard(paragraph, index) {
  const end = paragraph.search(/\.\s+[^a-z]/);
  const lead = end < 0 ? paragraph : paragraph.slice(0, end + 1);
  const card = element('article', {class: index === 0 ? 'card first' : 'card'}, element('p', {class: 'lead'}, lead));
  if (end >= 0) card.append(element('p', {}, paragraph.slice(end + 1).trim()));
  return card;
}

// For a test of the page's layout: what a person would see as a sideways scroll bar.
function reportOnItself() {
  const root = document.documentElement;
  const message = {scrollWidth: root.scrollWidth, innerWidth: innerWidth,
                   figures: document.querySelectorAll('figure .main-svg').length};
  Object.assign(root.dataset, message);
  if (parent !== window) parent.postMessage(message, '*');
}

function start() {
  const {results, others, verdict} = readPageData();
  results.others = others;
  showTitle(results);
  fillSection('verdict-cards', ...verdict.map(verdictCard));
  showRan(results);
  showConfigurations(results);
  showExpected(results);
  showFigures(results);
  setText('colophon', 'Written by bhroute. The page holds its data and its code; it loads nothing. ' +
          'Losses are in nats per scored token; ± is one standard error unless said otherwise.');
  if (location.hash === '#selfcheck') requestAnimationFrame(reportOnItself);
}

document.addEventListener('DOMContentLoaded', start);
