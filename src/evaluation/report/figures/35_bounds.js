// Floor, middle and ceiling: how much of the choice is left to the data.

function bounded(results) {
  return results.runs.filter(run => isAdaptive(run) && isNumber(run.floor_share) && isNumber(run.ceiling_share) &&
                                    policyOf(run).min_k !== policyOf(run).max_k);
}

// The grid at the usual max k, and all that stands beside it.
function shown(results) {
  const runs = bounded(results), grid = gridRuns(results), maxK = referenceMaxK(grid);
  return runs.filter(run => run.role !== 'grid' || policyOf(run).max_k === maxK);
}

function middle(run) {
  return Math.max(0, 1 - run.floor_share - run.ceiling_share);
}

function bar(runs, name, colour, share) {
  return {
    type: 'bar', orientation: 'h', name, y: runs.map((run, index) => index), hovertext: runs.map(run => plotLabel(run.name)), x: runs.map(run => 100 * share(run)), marker: {color: cssColour(colour)},
    hovertemplate: `%{hovertext}: %{x:.1f} % ${name}<extra></extra>`
  };
}

function draw(results, target) {
  const runs = [...shown(results)].reverse(), names = runs.map(run => plotLabel(run.name, labelLength(target)));
  plot(target, [
    bar(runs, 'at the floor', 'warm', run => run.floor_share), bar(runs, 'between', 'ramp-high', middle),
    bar(runs, 'at the ceiling', 'accent', run => run.ceiling_share)
  ], {
    height: 130 + 24 * runs.length, barmode: 'stack', bargap: 0.25, xaxis: axis('share of choices (%)', {range: [0, 100]}),
    yaxis: axis('', {showgrid: false, tickmode: 'array', tickvals: names.map((name, index) => index), ticktext: names, zeroline: false}), legend: {orientation: 'h', x: 0, y: 1.02, yanchor: 'bottom'}
  });
}

function caption(results) {
  const runs = shown(results);
  const most = runs.reduce((a, b) => middle(b) > middle(a) ? b : a);
  const mostly = runs.filter(run => run.floor_share > 0.5).length;
  return 'How many choices (one token in one layer) end at min k, at max k, or between, where the data decide. ' +
      `In ${mostly} of ${runs.length} configurations more than half stay at the floor; the data decide most in ${most.name}, ` +
      `with ${percent(middle(most))} between the bounds.`;
}

registerFigure({
  id: 'bounds', title: 'Floor, middle, ceiling', caption, draw,
  missing: results => shown(results).length > 0 ? '' : 'These results hold no shares at floor and ceiling.'
});
