#include "generator.h"

#include <algorithm>
#include <cmath>

namespace graft {
namespace {

constexpr int64_t kPassRows = 512;
constexpr int64_t kHeadRows = 32;

}  // namespace

Generator::Generator(Model &model, std::vector<Adapter *> adapters, int32_t sequences, int32_t context)
    : model_(model), adapters_(std::move(adapters)), sequences_(sequences), context_(context) {
  const Hyperparameters &hyper = model.hyper();
  if (sequences < 1 || sequences > 4096) fail(GRAFT_USAGE, "a generator holds 1 to 4096 sequences, not %d", sequences);
  if (context < 1 || context > (1 << 24) || int64_t(sequences) * context > INT32_MAX) fail(GRAFT_USAGE, "a context of %d tokens for %d sequences is out of range", context, sequences);
  max_rows_ = std::max<int64_t>(sequences, std::min<int64_t>(kPassRows, int64_t(sequences) * context));
  int32_t ranks[kTargets] = {};
  for (const Adapter *adapter : adapters_)
    for (const LoraTensor &tensor : adapter->tensors()) ranks[tensor.target] = std::max(ranks[tensor.target], tensor.rank);
  keys_.resize(size_t(hyper.layers));
  values_.resize(size_t(hyper.layers));
  for (float *&keys : keys_) workspace_.add(&keys, int64_t(sequences) * context * hyper.kv_width());
  for (float *&values : values_) workspace_.add(&values, int64_t(sequences) * context * hyper.kv_width());
  tensors_.declare(&workspace_, model, max_rows_, ranks);
  scratch_.declare(&workspace_, model, max_rows_, false);
  for (float *&stream : streams_) workspace_.add(&stream, max_rows_ * hyper.width);
  workspace_.add(&head_rows_, kHeadRows * hyper.width);
  workspace_.add(&head_normed_, kHeadRows * hyper.width);
  workspace_.add(&head_rstd_, kHeadRows);
  workspace_.add(&head_logits_, kHeadRows * int64_t(hyper.vocabulary));
  workspace_.allocate(model.runtime(), "the KV cache");
  used_.assign(size_t(sequences), 0);
  logits_.resize(size_t(sequences));
}

void Generator::append(int32_t n, const int32_t *sequence_of, const int32_t *adapter_of, const int32_t *lengths, const int32_t *tokens) {
  std::vector<bool> seen(size_t(sequences_), false);
  int64_t total = 0;
  if (n < 1) fail(GRAFT_USAGE, "nothing to append");
  for (int32_t i = 0; i < n; i++) {
    const int32_t sequence = sequence_of[i], adapter = adapter_of[i];
    if (sequence < 0 || sequence >= sequences_ || seen[size_t(sequence)]) fail(GRAFT_USAGE, "sequence %d is out of range or named twice", sequence);
    seen[size_t(sequence)] = true;
    if (adapter < -1 || adapter >= int32_t(adapters_.size())) fail(GRAFT_USAGE, "adapter %d is out of range", adapter);
    if (lengths[i] < 1) fail(GRAFT_USAGE, "sequence %d is given %d tokens", sequence, lengths[i]);
    if (int64_t(used_[size_t(sequence)]) + lengths[i] > context_)
      fail(GRAFT_USAGE, "sequence %d would hold %lld tokens; its context is %d", sequence, (long long)used_[size_t(sequence)] + lengths[i], context_);
    for (int32_t j = 0; j < lengths[i]; j++)
      if (tokens[total + j] < 0 || tokens[total + j] >= model_.hyper().vocabulary)
        fail(GRAFT_USAGE, "token %d is not in the vocabulary (ids 0 to %d)", tokens[total + j], model_.hyper().vocabulary - 1);
    total += lengths[i];
  }
  // Split into passes of at most max_rows_ rows.
  std::vector<Piece> pieces;
  int64_t rows = 0;
  for (int32_t i = 0; i < n; i++) {
    int32_t left = lengths[i];
    while (left > 0) {
      const int32_t count = int32_t(std::min<int64_t>(left, max_rows_ - rows));
      pieces.push_back({sequence_of[i], adapter_of[i], count, tokens, left == count});
      tokens += count;
      left -= count;
      rows += count;
      if (rows == max_rows_) {
        run(std::move(pieces));
        pieces.clear();
        rows = 0;
      }
    }
  }
  if (!pieces.empty()) run(std::move(pieces));
}

void Generator::run(std::vector<Piece> pieces) {
  const Hyperparameters &hyper = model_.hyper();
  const gk_ops &ops = model_.ops();
  gk_backend *backend = model_.backend();
  // Rows of one adapter lie together, so that each adapter is one product.
  std::stable_sort(pieces.begin(), pieces.end(), [](const Piece &a, const Piece &b) { return a.adapter < b.adapter; });
  std::vector<int32_t> tokens, positions;
  std::vector<gk_segment> segments;
  Pass pass{model_, 0, nullptr, {}, 0, 0, 0};
  for (const Piece &piece : pieces) {
    const int32_t begin = int32_t(tokens.size()), past = used_[size_t(piece.sequence)];
    for (int32_t i = 0; i < piece.count; i++) positions.push_back(past + i);
    tokens.insert(tokens.end(), piece.tokens, piece.tokens + piece.count);
    segments.push_back({begin, piece.count, 0, 0, piece.sequence * context_, past + piece.count});
    if (piece.adapter < 0) continue;
    const Adapter *adapter = adapters_[size_t(piece.adapter)];
    if (!pass.adapters.empty() && pass.adapters.back().adapter == adapter) pass.adapters.back().count += piece.count;
    else pass.adapters.push_back({adapter, begin, piece.count});
  }
  pass.rows = int64_t(tokens.size());
  pass.positions = positions.data();

  ops.set_precision(backend, GK_PRECISE);
  check(ops.embed(backend, &model_.embedding(), tokens.data(), pass.rows, streams_[0]), "embed");
  const gk_attention attention = model_.attention(segments);
  const int64_t kv_width = hyper.kv_width();
  for (int32_t layer = 0; layer < hyper.layers; layer++) {
    const float *x = streams_[layer % 2];
    block_project(pass, layer, x, tensors_, scratch_);
    for (const gk_segment &segment : segments) {
      const int64_t cache_row = int64_t(segment.k_begin) + segment.k_count - segment.q_count, bytes = segment.q_count * kv_width * int64_t(sizeof(float));
      check(ops.copy(backend, keys_[size_t(layer)] + cache_row * kv_width, tensors_.key + segment.q_begin * kv_width, bytes), "copy");
      check(ops.copy(backend, values_[size_t(layer)] + cache_row * kv_width, tensors_.value + segment.q_begin * kv_width, bytes), "copy");
    }
    check(ops.attention_fwd(backend, &attention, tensors_.query, keys_[size_t(layer)], values_[size_t(layer)], tensors_.attended, nullptr), "attention");
    block_finish(pass, layer, x, tensors_, scratch_, streams_[(layer + 1) % 2]);
  }
  for (const Piece &piece : pieces) used_[size_t(piece.sequence)] += piece.count;
  keep_logits(pieces, streams_[hyper.layers % 2]);
}

void Generator::keep_logits(const std::vector<Piece> &pieces, const float *x) {
  const gk_ops &ops = model_.ops();
  gk_backend *backend = model_.backend();
  const int64_t width = model_.hyper().width, vocabulary = model_.hyper().vocabulary;
  std::vector<int32_t> rows, owners;
  int32_t end = 0;
  for (const Piece &piece : pieces) {
    end += piece.count;
    if (!piece.finishes) continue;
    rows.push_back(end - 1);
    owners.push_back(piece.sequence);
  }
  for (size_t begin = 0; begin < rows.size(); begin += kHeadRows) {
    const int64_t n = std::min<int64_t>(kHeadRows, int64_t(rows.size() - begin));
    check(ops.gather_rows(backend, x, rows.data() + begin, n, width, head_rows_), "gather_rows");
    check(ops.rmsnorm_fwd(backend, head_rows_, model_.output_norm(), model_.hyper().norm_eps, n, width, 1, width, head_normed_, head_rstd_), "rmsnorm");
    const gk_product product{model_.head(), head_logits_, vocabulary, 1.0f, 0};
    check(ops.matmul_fwd(backend, 1, &product, head_normed_, width, n, width), "matmul (head)");
    for (int64_t i = 0; i < n; i++) {
      std::vector<float> &logits = logits_[size_t(owners[begin + size_t(i)])];
      logits.resize(size_t(vocabulary));
      check(ops.download(backend, logits.data(), head_logits_ + i * vocabulary, vocabulary * int64_t(sizeof(float))), "download");
    }
  }
}

int32_t Generator::sample(int32_t sequence, const SamplerOptions &options, float *logp) const {
  if (sequence < 0 || sequence >= sequences_) fail(GRAFT_USAGE, "sequence %d is out of range", sequence);
  const std::vector<float> &logits = logits_[size_t(sequence)];
  if (logits.empty()) fail(GRAFT_USAGE, "sequence %d has no logits; append tokens first", sequence);
  if (!(options.temperature >= 0) || !std::isfinite(options.temperature)) fail(GRAFT_USAGE, "--temperature must be a number of at least 0, not %g", double(options.temperature));
  if (options.top_k < 0) fail(GRAFT_USAGE, "--top-k must be at least 0 (0: off), not %d", options.top_k);
  if (!(options.top_p > 0 && options.top_p <= 1)) fail(GRAFT_USAGE, "--top-p must be above 0 and at most 1, not %g", double(options.top_p));
  if (!(options.min_p >= 0 && options.min_p <= 1)) fail(GRAFT_USAGE, "--min-p must be between 0 and 1, not %g", double(options.min_p));
  if (!(options.random >= 0 && options.random < 1)) fail(GRAFT_USAGE, "the random number must be in [0,1), not %g", options.random);
  return sample_token(logits.data(), int32_t(logits.size()), options, logp);
}

void Generator::truncate(int32_t sequence, int32_t keep) {
  if (sequence < 0 || sequence >= sequences_) fail(GRAFT_USAGE, "sequence %d is out of range", sequence);
  if (keep < 0 || keep > used_[size_t(sequence)]) fail(GRAFT_USAGE, "sequence %d has %d tokens; %d cannot be kept", sequence, used_[size_t(sequence)], keep);
  used_[size_t(sequence)] = keep;
  logits_[size_t(sequence)].clear();
}

}  // namespace graft
