// Accuracy on tasks, with Wilson's interval.

const TASK_WORDS = {lambada: 'last words', hellaswag: 'endings'};

function answered(results) {
  return [results, ...results.others].flatMap(model => model.runs.filter(run => (run.tasks || []).length > 0)
      .map(run => ({run, name: results.others.length > 0 ? `${run.name}, ${modelName(model)}` : run.name})));
}

function taskNames(results) {
  return [...new Set(answered(results).flatMap(({run}) => run.tasks.map(task => task.task)))];
}

function taskTrace(results, task, index, count) {
  const found = answered(results).map(({run, name}, row) => ({name, row, score: run.tasks.find(each => each.task === task)}))
      .filter(each => each.score);
  return {
    name: TASK_WORDS[task] || task, type: 'scatter', mode: 'markers', x: found.map(({score}) => 100 * score.accuracy),
    y: found.map(({row}) => row + (index - (count - 1) / 2) * 0.22), marker: {size: 9, color: cssColour(['accent', 'warm'][index % 2])},
    error_x: {type: 'data', symmetric: false, array: found.map(({score}) => 100 * (score.accuracy_high - score.accuracy)),
              arrayminus: found.map(({score}) => 100 * (score.accuracy - score.accuracy_low)), color: cssColour('soft'), thickness: 1.5, width: 3},
    hovertext: found.map(({name, score}) => `${String(name).replace(/[<>&]/g, ' ')}: ${score.num_correct} of ${score.num_items}`),
    hovertemplate: '%{hovertext}<extra></extra>'
  };
}

function draw(results, target) {
  const tasks = taskNames(results), rows = answered(results).map(({name}) => String(name).replace(/[<>&]/g, ' '));
  const short = text => plotLabel(text, labelLength(target));
  plot(target, tasks.map((task, index) => taskTrace(results, task, index, tasks.length)), {
    height: 150 + 40 * rows.length, xaxis: axis('right (%)', {rangemode: 'tozero'}),
    yaxis: axis('', {tickmode: 'array', tickvals: rows.map((row, index) => index), ticktext: rows.map(short), showgrid: false, zeroline: false, range: [rows.length - 0.4, -0.6]}),
    legend: {orientation: 'h', x: 0, y: 1.02, yanchor: 'bottom'}
  });
}

function caption(results) {
  const parts = taskNames(results).map(task => {
    const scores = answered(results).map(({run}) => run.tasks.find(each => each.task === task)).filter(Boolean);
    return `${TASK_WORDS[task] || task} ${rangeText(scores.map(score => 100 * score.accuracy), 1)} % of ${scores[0].num_items}`;
  });
  return 'Share of items answered right, with Wilson\'s 95 % interval: the last word of a passage, and the right one of four endings by ' +
      `likelihood per byte (guessing gets 25 %). Here: ${list(parts)}.`;
}

registerFigure({
  id: 'tasks', title: 'Accuracy on tasks', caption, draw,
  missing: results => taskNames(results).length > 0 ? '' : 'These results hold no task.'
});
