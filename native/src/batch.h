// One packed batch: segments laid end to end, without padding, and the (row, id) pairs to be predicted.
#pragma once
#include <cstdint>
#include <vector>

#include "graft/ops.h"

namespace graft {

struct Batch {
  std::vector<int32_t> tokens;          // [T]
  std::vector<int32_t> positions;       // [T], running on from the prefix
  std::vector<gk_segment> segments;
  std::vector<int32_t> target_rows;     // [n], ascending
  std::vector<int32_t> target_ids;      // [n]
  int64_t rows() const { return int64_t(tokens.size()); }
  int64_t targets() const { return int64_t(target_rows.size()); }
};

// Checks everything (see graft_trainer_forward) and throws GRAFT_USAGE naming the segment, token or target that is wrong.
Batch make_batch(int32_t vocabulary, int64_t max_tokens, int64_t max_targets, int32_t n_segments, const int32_t *lengths, const int32_t *prefixes,
                 const int32_t *tokens, int64_t n_targets, const int32_t *target_rows, const int32_t *target_ids);

}  // namespace graft
