// How many experts a token took in a layer.

function bounds(run) {
  const {min_k: minK, max_k: maxK} = policyOf(run);
  if (!isAdaptive(run)) return [];
  if (minK === maxK) return [[minK, 'floor = ceiling']];
  return [[minK, 'floor'], [maxK, 'ceiling']].filter(([k]) => isNumber(k));
}

// Beside the bar that it bounds: below the floor's, above the ceiling's.
function edge([k, name]) {
  return name === 'ceiling' ? k + 0.5 : k - 0.5;
}

function boundLine(bound) {
  return {type: 'line', xref: 'x', yref: 'paper', x0: edge(bound), x1: edge(bound), y0: 0, y1: 1,
          line: {color: cssColour('warm'), width: 1.5, dash: 'dash'}};
}

function boundLabel(bound) {
  const [k, name] = bound;
  return {x: edge(bound), y: 1, xref: 'x', yref: 'paper', yanchor: 'bottom', showarrow: false, xanchor: name === 'ceiling' ? 'right' : 'left',
          text: `${name} ${k}`, font: {color: cssColour('warm')}};
}

function lastTaken(shares) {
  return shares.reduce((last, share, k) => share > 0 ? k : last, 0);
}

function draw(results, target, run) {
  const shares = expertShares(run), marks = bounds(run);
  const end = Math.max(lastTaken(shares), ...marks.map(([k]) => k));
  const from = shares[0] > 0 ? 0 : 1;
  const ks = Array.from({length: end - from + 1}, (unused, index) => from + index);
  const labelled = ks.length <= (narrow(target) ? 8 : 20);
  const bars = {
    type: 'bar', x: ks, y: ks.map(k => 100 * (shares[k] || 0)), marker: {color: cssColour('accent')},
    text: labelled ? ks.map(k => shares[k] > 0 ? fixed(100 * shares[k], 1) : '') : undefined, textposition: 'outside',
    cliponaxis: false, textfont: {size: 11}, hovertemplate: '%{x} experts: %{y:.2f} % of the choices<extra></extra>'
  };
  plot(target, [bars], {
    height: 380, bargap: 0.18, margin: {l: 8, r: 12, t: 44, b: 8}, shapes: marks.map(boundLine),
    annotations: marks.map(boundLabel), xaxis: axis('experts a token', {range: [from - 0.7, end + 0.7], showgrid: false, ...(labelled ? {dtick: 1} : {})}),
    yaxis: axis('share of choices (%)', {rangemode: 'tozero'})
  });
}

function caption(results, run) {
  const shares = expertShares(run);
  const parts = bounds(run).map(([k, name]) => `${percent(shares[k] || 0)} at the ${name} of ${k}`);
  const often = shares.indexOf(Math.max(...shares));
  return 'Each bar is the share of choices (one token in one layer) that took so many experts; the dashed lines are ' +
      `min k and max k. Here the most frequent number is ${often} (${percent(shares[often])})` +
      (parts.length > 0 ? `, with ${list(parts)}.` : '.');
}

registerFigure({
  id: 'histogram', title: 'Experts per token', caption, draw, choices: runsWithHistogram,
  missing: results => runsWithHistogram(results).length > 0 ? '' : 'These results hold no histograms of experts.'
});
