// Each rule against a fixed number of experts at the same mean, with its interval.

function compared(results) {
  return results.runs.filter(run => isAdaptive(run) && isNumber(run.static_difference_low) && isNumber(run.static_difference_high));
}

// What can be told apart at this scale: the grid's losses of whole nats would hide thousandths.
function inReach(results) {
  const all = compared(results);
  const near = all.filter(run => run.role !== 'grid');
  return (near.length > 0 ? near : all).sort((a, b) => b.static_difference - a.static_difference);
}

function colourOf(run) {
  if (run.static_difference_high < 0) return cssColour('unselected');
  return run.static_difference_low > 0 ? cssColour('warm') : cssColour('soft');
}

function rowLabel(run, longest) {
  return `${plotLabel(run.name, longest)} (${fixed(run.mean_experts, 2)})`;
}

// Symmetric about 0, logarithmic further out: wins are thousandths, defeats may be whole nats.
const SCALE = 0.01;
function bent(value) {
  return Math.sign(value) * Math.log10(1 + Math.abs(value) / SCALE);
}

function ticks(few) {
  const values = few ? [-1, -0.1, 0, 0.1, 1] : [-1, -0.1, -0.01, 0, 0.01, 0.1, 1];
  return {tickmode: 'array', tickvals: values.map(bent), ticktext: values.map(value => value === 0 ? '0' : signed(value, 2))};
}

function draw(results, target) {
  const runs = inReach(results), y = runs.map((run, index) => index);
  const x = runs.map(run => bent(run.static_difference));
  const trace = {
    type: 'scatter', mode: 'markers', x, y, marker: {size: 9, color: runs.map(colourOf)},
    error_x: {type: 'data', symmetric: false, array: runs.map((run, i) => bent(run.static_difference_high) - x[i]),
              arrayminus: runs.map((run, i) => x[i] - bent(run.static_difference_low)), color: cssColour('soft'), thickness: 1.5, width: 3},
    hovertext: runs.map(run => `${rowLabel(run)}: ${signed(run.static_difference, 4)} nats [${signed(run.static_difference_low, 4)}, ` +
                               `${signed(run.static_difference_high, 4)}]<br>against ${String(run.static_reference || 'a fixed number')}`),
    hovertemplate: '%{hovertext}<extra></extra>'
  };
  plot(target, [trace], {
    height: (narrow(target) ? 140 : 110) + 24 * runs.length, showlegend: false,
    shapes: [{type: 'line', yref: 'paper', x0: 0, x1: 0, y0: 0, y1: 1, line: {color: cssColour('ink'), width: 1}}],
    xaxis: axis(narrow(target) ? inLines('loss minus static (nats a token)', 12) : 'loss minus static (nats a token)', {...ticks(narrow(target)), zeroline: false}),
    yaxis: axis('', {tickmode: 'array', tickvals: y, ticktext: runs.map(run => rowLabel(run, labelLength(target))), showgrid: false, zeroline: false, range: [-0.8, runs.length - 0.2]})
  });
}

function caption(results) {
  const runs = inReach(results);
  const wins = runs.filter(run => run.static_difference_high < 0).length;
  const losses = runs.filter(run => run.static_difference_low > 0).length;
  return 'Loss of each rule minus that of a fixed number of experts with the same weights at the same mean (in brackets), token by ' +
      'token; left of 0 the rule is better. Bars are 95 % intervals from windows drawn anew, and the scale bends beyond ±0.01. Here ' +
      `${wins} of ${runs.length} are better, ${losses} worse and ${runs.length - wins - losses} cannot be told apart.`;
}

registerFigure({
  id: 'equal-cost', title: 'Every rule at equal cost', caption, draw,
  missing: results => compared(results).length > 0 ? '' : 'These results hold no intervals against a fixed number of experts.'
});
