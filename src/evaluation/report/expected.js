// What the original system was expected to select, beside what was measured.

const EXPECTED_EXPERTS = [[0.01, '2–4'], [0.05, '4–6'], [0.10, '5–7'], [0.20, '6–8']];

function expectedRow(results, alpha, expected) {
  const grid = gridRuns(results).filter(run => run.policy.alpha === alpha);
  const unselected = markedRuns(results, 'unselected').filter(run => run.policy.alpha === alpha);
  const maxK = referenceMaxK(gridRuns(results));
  const numExperts = (results.model || {}).num_experts;
  const measured = findRun(grid, alpha, maxK), beside = findRun(unselected, alpha, maxK);
  return [
    String(alpha), expected, fixed(measured && measured.mean_experts, 2),
    rangeText(grid.map(run => run.mean_experts), 2), percent(measured && measured.floor_share),
    isNumber(numExperts) ? fixed(numExperts * alpha, 2) : DASH, fixed(beside && beside.mean_experts, 2),
  ];
}

// The argument holds for the null of all logits only; a grid on another null gets no reason it does not have.
function expectedReason(results) {
  const grid = gridRuns(results);
  if (grid.length === 0) return 'These results hold no grid, so nothing stands beside the expected figures.';
  if (!grid.every(run => run.null === 'all'))
    return 'The expected figures were stated for the null “all”; the grid of these results was not run with it, ' +
        'so the two are not comparable.';
  return 'Why they differ: the p-values of the null “all” were computed against all of a layer\'s logits, those of ' +
      'the chosen experts included. Such p-values are uniform by construction, so the number selected before min k ' +
      'has an expectation of at most N·α, however the logits depend on each other, and near 0 where they depend ' +
      'weakly; min k then decides. The expected figures suppose another distribution, in which the chosen experts\' ' +
      'logits stand out from those the null was fitted on; “unselected” is a null of that kind.';
}

function showExpected(results) {
  const maxK = referenceMaxK(gridRuns(results));
  const labels = ['α', 'Expected by the original', `Measured, max\u00a0k\u00a0${isNumber(maxK) ? maxK : DASH}`,
                  'Measured, all max\u00a0k', 'At the floor', 'Bound\u00a0N·α', 'Null “unselected”, max\u00a0k\u00a0' + (isNumber(maxK) ? maxK : DASH)];
  const rows = EXPECTED_EXPERTS.map(([alpha, expected]) => expectedRow(results, alpha, expected));
  fillSection('expected-body', element('p', {class: 'prose'}, expectedReason(results)),
              plainTable('Mean experts, expected and measured', labels, rows));
}
