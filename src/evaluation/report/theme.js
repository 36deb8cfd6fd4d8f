// Colours come from the style sheet, so that light, dark and print are decided in one place.

const MAX_K_SYMBOLS = ['circle', 'square', 'diamond', 'triangle-up', 'star'];
const DENSE_SCALE = 'Cividis';  // made to read alike with and without colour blindness

function cssColour(name) {
  return getComputedStyle(document.documentElement).getPropertyValue('--' + name).trim();
}

function alphaColour(all, alpha) {
  const last = Math.max(1, all.length - 1);
  return cssColour('alpha-' + Math.round(3 * all.indexOf(alpha) / last));
}

function maxKSymbol(all, maxK) {
  return MAX_K_SYMBOLS[all.indexOf(maxK) % MAX_K_SYMBOLS.length];
}

// For cells that carry their number: one hue, never so deep that the page's ink is hard to read on it.
function quietScale() {
  return [[0, cssColour('ramp-low')], [1, cssColour('ramp-high')]];
}

function axis(title, more = {}) {
  return {
    title: {text: title, standoff: 8}, automargin: true, gridcolor: cssColour('line'), linecolor: cssColour('line'),
    zerolinecolor: cssColour('line'), tickcolor: cssColour('line'), ...more
  };
}

function plotLayout(more) {
  return {
    font: {family: cssColour('sans'), size: 12, color: cssColour('ink')},
    paper_bgcolor: 'rgba(0,0,0,0)', plot_bgcolor: 'rgba(0,0,0,0)',
    margin: {l: 8, r: 8, t: 8, b: 8}, hovermode: 'closest', dragmode: touchScreen() ? false : 'zoom',
    hoverlabel: {bgcolor: cssColour('surface'), bordercolor: cssColour('line'), font: {color: cssColour('ink')}},
    modebar: {bgcolor: 'rgba(0,0,0,0)', color: cssColour('soft'), activecolor: cssColour('ink')},
    legend: {orientation: 'h', x: 0, y: -0.16, yanchor: 'top', bgcolor: 'rgba(0,0,0,0)'}, ...more
  };
}

// A finger that drags over a figure means to scroll the page.
function touchScreen() {
  return matchMedia('(pointer: coarse)').matches;
}

function narrow(target) {
  return target.clientWidth < 520;
}

// On a telephone, labels as long as the room beside a plot allows.
function labelLength(target) {
  return narrow(target) ? Math.round(target.clientWidth / 10) - 10 : Infinity;
}

// On a telephone, a title in lines no longer than a plot is wide.
function inLines(title, longest) {
  return title.split(' ').reduce((lines, word) => {
    const last = lines[lines.length - 1];
    return last && last.length + word.length < longest ? [...lines.slice(0, -1), last + ' ' + word] : [...lines, word];
  }, []).join('<br>');
}

// More lines of the title push the legend down.
function forWidth(target, layout) {
  const x = layout.xaxis, title = x.title.text;
  if (!narrow(target) || title.includes('<br>')) return layout;
  const text = inLines(title, Math.round(target.clientWidth / 16)), more = text.split('<br>').length - 1;
  return {...layout, legend: {...layout.legend, y: layout.legend.y - 0.09 * more}, xaxis: {...x, title: {...x.title, text}}};
}

function plot(target, traces, layout) {
  const config = {
    responsive: true, displaylogo: false, modeBarButtons: [['resetScale2d', 'toImage']],
    displayModeBar: touchScreen() ? false : 'hover'
  };
  return Plotly.react(target, traces, forWidth(target, plotLayout(layout)), config);
}
