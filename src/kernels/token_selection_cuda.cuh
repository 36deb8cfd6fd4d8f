#pragma once
// Which experts a token gets: a group of lanes holds one token. The step-up needs no sort of all
// experts: only those that can pass any rank are listed in shared memory, ranked by comparing all
// pairs, and tested rank by rank.

#include <climits>
#include <cmath>

#include "kernels/tested_statistic_cuda.cuh"
#include "kernels/token_group_cuda.cuh"

namespace bhroute::kernels::cuda {

/// An expert with its logit, later its weight, as a group lists them in shared memory.
struct alignas(8) Entry {
  float number;
  int expert;
};

__device__ inline bool comes_before(Entry a, Entry b) {
  return a.number > b.number || (a.number == b.number && a.expert < b.expert);
}

/// Bit v set: value v reaches `bound`.
template <int kValues>
__device__ unsigned at_least(const float (&values)[kValues], float bound) {
  unsigned mask = 0;
#pragma unroll
  for (int v = 0; v < kValues; ++v) {
    if (values[v] >= bound) mask |= 1u << v;
  }
  return mask;
}

/// The experts that this lane brings into question, and how many the group does.
struct Candidates {
  unsigned mask;
  int count;
};

/// Experts whose statistic could pass some rank. No rank beyond the number that meets its critical
/// value can pass, so k <- #{statistic >= critical k} from k = N never skips one that does; a few
/// rounds leave few experts.
template <class Group, int kValues>
__device__ Candidates find_candidates(const float (&statistic)[kValues], const float* critical,
                                      int n) {
  int k = n;
  while (true) {
    const unsigned mask = at_least(statistic, k > 0 ? critical[k - 1] : nanf(""));
    const int count = Group::sum(__popc(mask));
    const bool settled = count >= k || count <= 8;
    if (__all_sync(kWarp, settled)) return {mask, count};
    if (!settled) k = count;
  }
}

/// Writes the group's candidates into its list, in no order. A lane has few: its bits are walked,
/// and each logit is read again, from L1.
template <class Group, class T>
__device__ void list_candidates(const T* row, unsigned mask, Entry* list) {
  Entry* place = list + Group::sum_before(__popc(mask));
  for (; mask != 0; mask &= mask - 1) {
    const int expert = Group::expert(__ffs(mask) - 1);
    *place++ = {to_float(row[expert]), expert};
  }
}

inline constexpr int kNoRank = INT_MAX;

/// A lane's share of its group's list: entries lane(), lane() + kLanes, ..., and the rank of each
/// from 0.
template <int kSlots>
struct Share {
  Entry entry[kSlots];
  int rank[kSlots];
};

/// As they lie in the list.
template <class Group, int kSlots>
__device__ void read_share(const Entry* list, int count, Share<kSlots>& share) {
#pragma unroll
  for (int s = 0; s < kSlots; ++s) {
    const int i = Group::lane() + s * Group::kLanes;
    share.entry[s] = i < count ? list[i] : Entry{nanf(""), 0};
    share.rank[s] = i < count ? i : kNoRank;
  }
}

/// By the logit, then the index.
template <int kSlots>
__device__ void rank_pairs(const Entry* list, int count, Share<kSlots>& share) {
#pragma unroll
  for (int s = 0; s < kSlots; ++s)
    if (share.rank[s] != kNoRank) share.rank[s] = 0;
  for (int j = 0; j < count; ++j) {
    const Entry other = list[j];
#pragma unroll
    for (int s = 0; s < kSlots; ++s) {
      if (kSlots > 4 && share.rank[s] == kNoRank) break;
      if (comes_before(other, share.entry[s])) ++share.rank[s];
    }
  }
}

/// How many ranks the step-up passes: up to the largest whose statistic meets its critical logit.
template <class Group, int kSlots>
__device__ int step_up(const Share<kSlots>& share, const Tested& tested, const float* critical) {
  int passed = 0;
#pragma unroll
  for (int s = 0; s < kSlots; ++s) {
    if (kSlots > 4 && share.rank[s] == kNoRank) break;
    const bool meets =
        share.rank[s] != kNoRank && tested(share.entry[s].number) >= critical[share.rank[s]];
    if (meets) passed = ::max(passed, share.rank[s] + 1);
  }
  return Group::max(passed);
}

/// How many the step-down passes: all before the first that fails. Of `count` listed.
template <class Group, int kSlots>
__device__ int step_down(const Share<kSlots>& share, int count, const Tested& tested,
                         const float* critical) {
  int failed = count;
#pragma unroll
  for (int s = 0; s < kSlots; ++s) {
    if (kSlots > 4 && share.rank[s] == kNoRank) break;
    const bool fails =
        share.rank[s] != kNoRank && !(tested(share.entry[s].number) >= critical[share.rank[s]]);
    if (fails) failed = ::min(failed, share.rank[s]);
  }
  return Group::min(failed);
}

/// Takes the largest key out of the group's; kNoKey if there is none.
template <class Group, int kValues>
__device__ int take_largest(int (&keys)[kValues], int& expert) {
  int key = keys[0];
#pragma unroll
  for (int v = 1; v < kValues; ++v) key = ::max(key, keys[v]);
  key = Group::max(key);
  expert = INT_MAX;
#pragma unroll
  for (int v = kValues - 1; v >= 0; --v) {
    if (keys[v] == key) expert = ::min(expert, Group::expert(v));
  }
  expert = Group::min(expert);
#pragma unroll
  for (int v = 0; v < kValues; ++v) {
    if (Group::expert(v) == expert) keys[v] = kNoKey;
  }
  return key;
}

/// Writes the `want` largest in order; returns how many numbers there were. `want` may differ from
/// group to group.
template <class Group, int kValues>
__device__ int order_largest(int (&keys)[kValues], int want, Entry* list) {
  int num = 0, expert = 0;
  while (__any_sync(kWarp, num < want)) {
    const int key = take_largest<Group>(keys, expert);
    if (key == kNoKey) want = ::min(want, num);
    if (num < want) {
      if (Group::lane() == 0) list[num] = {logit_of(key), expert};
      ++num;
    }
  }
  return num;
}

}  // namespace bhroute::kernels::cuda
