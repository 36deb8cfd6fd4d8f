// Questions to a results.json. Every figure asks these, so that none of them parses on its own.

const REFERENCE_MAX_K = 16;
const MARKINGS = ['renormalized', 'unselected', 'static', 'rival', 'tuned'];

function readPageData() {
  return JSON.parse(document.getElementById('page-data').textContent);
}

function byAlphaThenMaxK(a, b) {
  return a.policy.alpha - b.policy.alpha || a.policy.max_k - b.policy.max_k;
}

function policyOf(run) {
  return run.policy || {};
}

function isFixed(run) {
  return String(policyOf(run).rule || '').startsWith('top_k');
}

function isAdaptive(run) {
  return Boolean(policyOf(run).rule) && !isFixed(run);
}

function hasAlpha(run) {
  return isAdaptive(run) && isNumber(policyOf(run).alpha);
}

// Rules that stand beside the grid and its variants.
function besideRuns(results, marking) {
  return results.runs.filter(run => run.marking === marking && isAdaptive(run))
      .sort((a, b) => a.mean_experts - b.mean_experts);
}

function weightsOf(run) {
  return policyOf(run).weights || 'native';
}

// Runs that no other one beats in both cost and loss, by cost.
function paretoRuns(runs) {
  const sorted = [...runs].sort((a, b) => a.mean_experts - b.mean_experts || a.loss - b.loss);
  let best = Infinity;
  return sorted.filter(run => run.loss < best && ((best = run.loss), true));
}

function modelName(results) {
  return (results.model || {}).name || 'the model';
}

function baseline(results) {
  return results.runs.find(run => run.role === 'baseline');
}

function gridRuns(results) {
  return results.runs.filter(run => run.role === 'grid' && !run.marking && hasAlpha(run)).sort(byAlphaThenMaxK);
}

function markedRuns(results, marking) {
  return results.runs.filter(run => run.marking === marking && hasAlpha(run)).sort(byAlphaThenMaxK);
}

// The model's own top_k is a fixed count too, so it is a point of the static curve; there the weight rules `native` and
// `mass` are the same.
function staticRuns(results, weights = 'native') {
  return results.runs.filter(run => run.role === 'baseline' && weights !== 'renormalized' ||
                             run.marking === 'static' && weightsOf(run) === weights)
      .sort((a, b) => a.mean_experts - b.mean_experts);
}

function distinct(values) {
  return [...new Set(values)].sort((a, b) => a - b);
}

function alphas(runs) {
  return distinct(runs.map(run => run.policy.alpha));
}

function maxKs(runs) {
  return distinct(runs.map(run => run.policy.max_k));
}

function referenceMaxK(runs) {
  const found = maxKs(runs);
  return found.includes(REFERENCE_MAX_K) ? REFERENCE_MAX_K : found[Math.floor(found.length / 2)];
}

function atMaxK(runs, maxK) {
  return runs.filter(run => run.policy.max_k === maxK);
}

function findRun(runs, alpha, maxK) {
  return runs.find(run => run.policy.alpha === alpha && run.policy.max_k === maxK);
}

function layersOf(run) {
  return Array.isArray(run.layers) ? run.layers : [];
}

function total(counts) {
  return counts.reduce((sum, count) => sum + count, 0);
}

// [k] = share of choices (a token in a layer) that took k experts, over all layers.
function expertShares(run) {
  const sums = Array.isArray(run.histogram) ? [...run.histogram] : [];
  if (sums.length === 0) for (const layer of layersOf(run))
    (layer.histogram || []).forEach((count, k) => { sums[k] = (sums[k] || 0) + count; });
  const all = total(sums);
  return all > 0 ? sums.map(sum => sum / all) : [];
}

function runsWithHistogram(results) {
  return results.runs.filter(run => expertShares(run).length > 0);
}

function runsWithUtilisation(results) {
  return results.runs.filter(run => layersOf(run).some(layer => (layer.utilisation || []).length > 0));
}

// What a choice of configuration starts with: the one the original system was run with most.
function usualRun(results, runs) {
  const adaptive = runs.filter(isAdaptive);
  const preferred = [...markedRuns(results, 'unselected'), ...gridRuns(results)].filter(run => adaptive.includes(run));
  return preferred.find(run => run.policy.alpha === 0.05 && run.policy.max_k === REFERENCE_MAX_K) || runs[0];
}

// One number for a whole range: "1.05" or "1.05 to 1.09".
function rangeText(values, digits) {
  const numbers = values.filter(isNumber);
  if (numbers.length === 0) return DASH;
  const low = fixed(Math.min(...numbers), digits), high = fixed(Math.max(...numbers), digits);
  return low === high ? low : `${low} to ${high}`;
}
