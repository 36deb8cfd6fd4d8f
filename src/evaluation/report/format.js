// Numbers as a reader wants them. Anything that is not a finite number becomes a dash.

const DASH = '–';

function isNumber(value) {
  return typeof value === 'number' && Number.isFinite(value);
}

function fixed(value, digits) {
  if (!isNumber(value)) return DASH;
  return value.toLocaleString('en', {minimumFractionDigits: digits, maximumFractionDigits: digits}).replace('-', '−');
}

function signed(value, digits) {
  return isNumber(value) && value > 0 ? '+' + fixed(value, digits) : fixed(value, digits);
}

// A policy's number to four digits, since a solved one has as many as a double holds; more where it would read as 1.
function parameterText(value) {
  if (!isNumber(value)) return DASH;
  if (Number.isInteger(value)) return String(value);
  let digits = 4;
  while (Number(value.toPrecision(digits)) === 1) ++digits;
  return String(Number(value.toPrecision(digits)));
}

function percent(share, digits = 1) {
  return isNumber(share) ? fixed(100 * share, digits) + ' %' : DASH;
}

// Perplexities span 30 to 1000 and more: four digits tell neighbours apart, more is noise.
function perplexityText(value) {
  if (!isNumber(value)) return DASH;
  return fixed(value, value < 100 ? 2 : value < 1000 ? 1 : 0);
}

function integer(value) {
  return fixed(value, 0);
}

// A name as a label of a plot, which reads a few tags. What tells names apart stands at their ends.
function plotLabel(name, longest = Infinity) {
  const text = String(name).replace(/[<>&]/g, ' ');
  if (text.length <= longest) return text;
  const tail = Math.floor((longest - 1) * 0.35);
  return text.slice(0, longest - 1 - tail) + '…' + text.slice(text.length - tail);
}

function list(items) {
  return items.length < 2 ? items.join('') : items.slice(0, -1).join(', ') + ' and ' + items[items.length - 1];
}
