// Are p-values under H0 uniform on fresh text? A QQ line a layer, from `bhroute check`.

function checkedLayers(results) {
  const layers = ((results.check || {}).layers || []);
  return layers.filter(layer => Array.isArray(layer.qq) && layer.qq.length > 1);
}

function layerColour(index, count) {
  return `hsl(${Math.round(210 + 140 * index / Math.max(1, count - 1))}, 55%, ${matchMedia('(prefers-color-scheme: dark)').matches ? 68 : 42}%)`;
}

// Near 0 is where the step-up looks, so both axes are logarithmic.
function draw(results, target) {
  const layers = checkedLayers(results);
  const lines = layers.map((layer, index) => ({
    name: `layer ${layer.layer}`, type: 'scatter', mode: 'lines', x: layer.qq.map(([expected]) => expected).filter(value => value > 0),
    y: layer.qq.filter(([expected]) => expected > 0).map(([, observed]) => observed), line: {width: 1.5, color: layerColour(index, layers.length)},
    hovertemplate: `layer ${layer.layer}: %{y:.3g} where %{x:.3g} is expected<extra></extra>`
  }));
  const least = Math.min(...lines.flatMap(line => line.x));
  const uniform = {name: 'uniform', type: 'scatter', mode: 'lines', x: [least, 1], y: [least, 1], line: {color: cssColour('ink'), width: 1, dash: 'dash'}, hoverinfo: 'skip'};
  plot(target, [uniform, ...lines], {
    height: narrow(target) ? 640 : 500, xaxis: axis('expected p-value (uniform)', {type: 'log', exponentformat: 'power', dtick: 1}),
    yaxis: axis('observed p-value', {type: 'log', exponentformat: 'power', dtick: 1})
  });
}

function caption(results) {
  const layers = checkedLayers(results).filter(layer => isNumber(layer.ks));
  const worst = layers.reduce((a, b) => b.ks > a.ks ? b : a, layers[0]);
  const held = layers.filter(layer => layer.verdict === 'holds').length;
  return 'P-values of fresh text, of the experts of which H0 is true, sorted, against those of a uniform distribution; on the dashed line the ' +
      'null holds, below it experts are selected too easily.' +
      (worst ? ` It holds in ${held} of ${layers.length} layers; farthest is layer ${worst.layer}, a Kolmogorov-Smirnov distance of ${fixed(worst.ks, 3)}.` : '');
}

registerFigure({
  id: 'p-values', title: 'P-values on fresh text', caption, draw,
  missing: results => checkedLayers(results).length > 0 ? '' : 'No check of the null lies beside these results (bhroute check -o DIR/check.json).'
});
