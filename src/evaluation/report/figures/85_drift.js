// How far fresh text's logits lie from those of the calibration, layer by layer.

function drifted(results) {
  return ((results.check || {}).layers || []).filter(layer => isNumber((layer.drift || {}).ks));
}

function draw(results, target) {
  const layers = drifted(results);
  const bars = {
    type: 'bar', x: layers.map(layer => layer.layer), y: layers.map(layer => layer.drift.ks), marker: {color: cssColour('accent')},
    customdata: layers.map(layer => [layer.drift.mean_shift, layer.drift.sd_ratio]),
    hovertemplate: 'layer %{x}: distance %{y:.4f}, mean moved by %{customdata[0]:.3f}, spread times %{customdata[1]:.3f}<extra></extra>'
  };
  plot(target, [bars], {
    height: 340, showlegend: false, xaxis: axis('layer', {dtick: narrow(target) ? 3 : 1, showgrid: false}),
    yaxis: axis('Kolmogorov-Smirnov distance', {rangemode: 'tozero'})
  });
}

function caption(results) {
  const layers = drifted(results);
  const most = layers.reduce((a, b) => b.drift.ks > a.drift.ks ? b : a);
  const mean = total(layers.map(layer => layer.drift.ks)) / layers.length;
  return 'The largest difference between the distribution of the statistic on fresh text and in the calibration: 0 is the same, 1 is ' +
      `nothing in common. The mean over layers is ${fixed(mean, 3)}; layer ${most.layer} drifts most, by ${fixed(most.drift.ks, 3)}.`;
}

registerFigure({
  id: 'drift', title: 'Drift of the router logits', caption, draw,
  missing: results => drifted(results).length > 0 ? '' : 'No check of drift lies beside these results (bhroute check -o DIR/check.json).'
});
