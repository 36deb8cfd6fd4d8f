// Perplexity against mean experts: what the adaptive choice is worth against a fixed number.

function hoverText(run) {
  return `${plain(run.name)}<br>perplexity ${perplexityText(run.perplexity)}, loss ${fixed(run.loss, 3)} nats` +
      `<br>${fixed(run.mean_experts, 2)} experts a token`;
}

// Plotly reads a few tags in its texts; a name has none.
function plain(text) {
  return String(text).replace(/[<>&]/g, ' ');
}

// The paired 95 % interval, block bootstrap over windows, around each perplexity: noise that all runs share is not in it.
function intervals(runs) {
  const away = (run, key) => isNumber(run[key]) ? Math.abs(run.perplexity * Math.expm1(run[key] - run.loss_difference)) : 0;
  return {
    type: 'data', symmetric: false, array: runs.map(run => away(run, 'loss_difference_high')),
    arrayminus: runs.map(run => away(run, 'loss_difference_low')), thickness: 1, width: 0, color: cssColour('soft')
  };
}

function points(runs, name, more) {
  return {
    name, type: 'scatter', mode: 'markers', x: runs.map(run => run.mean_experts), y: runs.map(run => run.perplexity),
    error_y: intervals(runs),
    hovertext: runs.map(hoverText), hovertemplate: '%{hovertext}<extra></extra>', ...more
  };
}

// How a marked point differs: hollow for other weights, ringed for another null.
const PLAIN = colours => ({color: colours, line: {width: 1, color: cssColour('surface')}});
const HOLLOW = colours => ({color: cssColour('surface'), line: {width: 2.5, color: colours}});
const RINGED = colours => ({color: colours, line: {width: 2, color: cssColour('ink')}});

function adaptiveTrace(runs, scale, style, more) {
  return points(runs, '', {
    showlegend: false,
    marker: {
      size: 11, ...style(runs.map(run => alphaColour(scale.alphas, run.policy.alpha))),
      symbol: runs.map(run => maxKSymbol(scale.maxKs, run.policy.max_k))
    }, ...more
  });
}

// Joined by a dotted line, named at its end.
function markedTrace(runs, scale, style, name) {
  return adaptiveTrace(runs, scale, style, {
    mode: 'lines+markers+text', line: {color: cssColour('soft'), width: 1, dash: 'dot'}, cliponaxis: false,
    text: runs.map((run, index) => index === runs.length - 1 ? name : ''), textposition: 'top center',
    textfont: {color: cssColour('soft')}
  });
}

function staticTrace(results) {
  return points(staticRuns(results), 'static top-k', {
    legendgroup: 'fixed',
    mode: 'lines+markers', line: {color: cssColour('static'), width: 2},
    marker: {size: 7, color: cssColour('static'), symbol: 'circle'}
  });
}

function baselineTrace(results) {
  return points([baseline(results)], 'the model\'s own routing', {
    legendgroup: 'fixed',
    marker: {size: 15, color: cssColour('static'), symbol: 'circle-open', line: {width: 2.5}}
  });
}

// Entries without points: colour means alpha and shape means max_k, whatever else is drawn.
function key(group, name, marker) {
  return {
    name, legendgroup: group, type: 'scatter', mode: 'markers', x: [null], y: [null],
    marker: {size: 11, ...marker}, hoverinfo: 'skip'
  };
}

function keys(scale, drawn) {
  const ink = cssColour('ink'), shape = maxKSymbol(scale.maxKs, scale.marked);
  const entries = [
    ...scale.alphas.map(alpha => key('alpha', `α ${parameterText(alpha)}`, {color: alphaColour(scale.alphas, alpha), symbol: 'circle'})),
    ...scale.maxKs.map(maxK => key('max_k', `max k ${maxK}`, {color: ink, symbol: maxKSymbol(scale.maxKs, maxK)}))
  ];
  if (drawn.renormalized.length > 0) entries.push(key('marked', 'renormalized weights', {symbol: shape, ...HOLLOW(ink)}));
  if (drawn.unselected.length > 0)
    entries.push(key('marked', 'null “unselected”', {symbol: shape, ...RINGED(cssColour('line'))}));
  return entries;
}

// Rules beside the grid: one shape a kind, the name when pointed at.
function besideTrace(results, marking, name, symbol) {
  const runs = besideRuns(results, marking);
  return runs.length === 0 ? [] : [points(runs, name, {
    legendgroup: 'beside', marker: {size: marking === 'tuned' ? 16 : 10, symbol, color: cssColour(marking), line: {width: 1, color: cssColour('surface')}}
  })];
}

function massTrace(results) {
  const runs = staticRuns(results, 'mass');
  return runs.length < 2 ? [] : [points(runs, 'static top-k, weights “mass”', {
    legendgroup: 'fixed', mode: 'lines+markers', line: {color: cssColour('static'), width: 2, dash: 'dash'},
    marker: {size: 6, color: cssColour('static'), symbol: 'circle-open'}
  })];
}

// A broad, pale line under everything: what no other configuration beats in both.
function paretoTrace(results) {
  const runs = paretoRuns(results.runs);
  return points(runs, 'Pareto set', {
    legendgroup: 'fixed', mode: 'lines', line: {color: cssColour('ramp-high'), width: 9}, opacity: 0.6, hoverinfo: 'skip',
    error_y: undefined, hovertemplate: undefined
  });
}

function spread(values) {
  return Math.max(...values) / Math.min(...values);
}

function axisType(values, most) {
  return Math.min(...values) > 0 && spread(values) > most ? 'log' : 'linear';
}

// 1, 2, 5, 10, ... on a log axis, where Plotly's own would print "2" for 20.
function logTicks(values, steps) {
  const ticks = [];
  for (let decade = 1; decade <= Math.max(...values) * 10; decade *= 10)
    steps.forEach(step => ticks.push(step * decade));
  return {tickmode: 'array', tickvals: ticks, ticktext: ticks.map(tick => integer(tick))};
}

function frontierAxes(all) {
  const x = all.map(run => run.mean_experts), y = all.map(run => run.perplexity);
  const xType = axisType(x, 6), yType = axisType(y, 6);
  const ticks = [1, 2, 4, 8, 16, 32, 64, 128, 256];
  return {
    xaxis: axis('mean experts a token and layer', {type: xType, ...(xType === 'log' ? {tickvals: ticks} : {})}),
    yaxis: axis('perplexity', {type: yType, ...(yType === 'log' ? logTicks(y, [1, 2, 5]) : {})})
  };
}

function draw(results, target) {
  const grid = gridRuns(results);
  const drawn = {renormalized: markedRuns(results, 'renormalized'), unselected: markedRuns(results, 'unselected')};
  const adaptive = [...grid, ...drawn.renormalized, ...drawn.unselected];
  const beside = [...besideRuns(results, 'rival'), ...besideRuns(results, 'tuned'), ...staticRuns(results, 'mass')];
  const scale = {alphas: alphas(adaptive), maxKs: maxKs(adaptive), marked: referenceMaxK(adaptive)};
  const traces = [
    paretoTrace(results), staticTrace(results), ...massTrace(results), ...(baseline(results) ? [baselineTrace(results)] : []),
    markedTrace(drawn.unselected, scale, RINGED, 'unselected'),
    markedTrace(drawn.renormalized, scale, HOLLOW, 'renormalized'), adaptiveTrace(grid, scale, PLAIN, {}),
    ...besideTrace(results, 'rival', 'rival rules', 'x'), ...besideTrace(results, 'tuned', 'tuned for a budget', 'star'),
    ...keys(scale, drawn)
  ];
  const axes = frontierAxes([...adaptive, ...beside, ...staticRuns(results)]);
  plot(target, traces, {...axes, height: narrow(target) ? 720 : 580});
}

// Above the curve in loss = worse than a fixed number of experts at the same mean.
function staticLossAt(results, mean) {
  const curve = staticRuns(results, 'native');
  const upper = curve.findIndex(run => run.mean_experts >= mean);
  if (upper < 0 || (upper === 0 && curve[0].mean_experts > mean)) return undefined;
  if (upper === 0) return curve[0].loss;
  const a = curve[upper - 1], b = curve[upper];
  return a.loss + (b.loss - a.loss) * (mean - a.mean_experts) / (b.mean_experts - a.mean_experts);
}

// As the results have it, by the same weights; else from the curve that is drawn.
function gapOf(results, run) {
  return isNumber(run.static_difference) ? run.static_difference : run.loss - staticLossAt(results, run.mean_experts);
}

function caption(results) {
  const gaps = results.runs.filter(isAdaptive).map(run => gapOf(results, run)).filter(isNumber);
  const pareto = paretoRuns(results.runs).filter(isAdaptive).length;
  const reading = 'Each point is one configuration; left is cheaper and down is better, so a point above the line ' +
      'is worse than the same mean number of experts taken for every token. Bars are the 95 % intervals of the difference to the ' +
      'model\'s own routing, token by token; α is a dial, no ' +
      'guarantee, where min k adds experts.';
  if (gaps.length === 0) return `${reading} Without static points at the same means there is no line to compare with.`;
  const above = gaps.filter(gap => gap > 0).length;
  return `${reading} Here ${above} of ${gaps.length} adaptive points lie above the line of their weights, by up to ` +
      `${fixed(Math.max(...gaps), 2)} nats of loss; the next figure says which do so beyond the noise. Of the ` +
      `${paretoRuns(results.runs).length} points of the Pareto set, ${pareto} are adaptive.`;
}

registerFigure({
  id: 'frontier', title: 'Perplexity against mean experts', caption, draw,
  missing: results => results.runs.some(isAdaptive) ? '' : 'These results hold no adaptive configuration.'
});
