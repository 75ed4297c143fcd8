#include "batch.h"

#include "status.h"

namespace graft {

Batch make_batch(int32_t vocabulary, int64_t max_tokens, int64_t max_targets, int32_t n_segments, const int32_t *lengths, const int32_t *prefixes,
                 const int32_t *tokens, int64_t n_targets, const int32_t *target_rows, const int32_t *target_ids) {
  Batch batch;
  if (n_segments < 1) fail(GRAFT_USAGE, "a batch needs at least one segment, not %d", n_segments);
  int64_t total = 0;
  for (int32_t s = 0; s < n_segments; s++) {
    if (lengths[s] < 1) fail(GRAFT_USAGE, "segment %d has %d tokens; at least one is needed", s, lengths[s]);
    total += lengths[s];
    if (total > max_tokens) fail(GRAFT_USAGE, "the batch has more than the %lld tokens this trainer was opened for", (long long)max_tokens);
  }
  batch.segments.reserve(size_t(n_segments));
  batch.positions.reserve(size_t(total));
  int32_t begin = 0;
  for (int32_t s = 0; s < n_segments; s++) {
    gk_segment segment{begin, lengths[s], 0, 0, begin, lengths[s]};
    const int32_t prefix = prefixes ? prefixes[s] : -1;
    if (prefix >= 0) {
      if (prefix >= s || (prefixes[prefix] >= 0))
        fail(GRAFT_USAGE, "segment %d names %d as its prefix, which is not an earlier segment without a prefix of its own", s, prefix);
      segment.prefix_begin = batch.segments[size_t(prefix)].q_begin;
      segment.prefix_count = lengths[prefix];
    }
    for (int32_t i = 0; i < lengths[s]; i++) batch.positions.push_back(segment.prefix_count + i);
    batch.segments.push_back(segment);
    begin += lengths[s];
  }
  batch.tokens.assign(tokens, tokens + total);
  for (int64_t i = 0; i < total; i++)
    if (tokens[i] < 0 || tokens[i] >= vocabulary)
      fail(GRAFT_USAGE, "token %lld of the batch is %d; the vocabulary has ids 0 to %d", (long long)i, tokens[i], vocabulary - 1);
  if (n_targets < 0 || n_targets > max_targets)
    fail(GRAFT_USAGE, "the batch has %lld targets; this trainer was opened for at most %lld", (long long)n_targets, (long long)max_targets);
  for (int64_t i = 0; i < n_targets; i++) {
    if (target_rows[i] < 0 || target_rows[i] >= total || (i && target_rows[i] < target_rows[i - 1]))
      fail(GRAFT_USAGE, "target %lld names row %d; rows must ascend and lie in 0 to %lld", (long long)i, target_rows[i], (long long)total - 1);
    if (target_ids[i] < 0 || target_ids[i] >= vocabulary)
      fail(GRAFT_USAGE, "target %lld is id %d; the vocabulary has ids 0 to %d", (long long)i, target_ids[i], vocabulary - 1);
  }
  batch.target_rows.assign(target_rows, target_rows + n_targets);
  batch.target_ids.assign(target_ids, target_ids + n_targets);
  return batch;
}

}  // namespace graft
