#include "generator.h"

#include <algorithm>
#include <cmath>
#include <cstring>

namespace graft {
namespace {

constexpr int64_t kHeadRows = 32;

// A step that comes again and again: see gk_ops::graph_begin. Ended when it goes out of scope, too.
class Region {
 public:
  Region(const Model &model, const std::vector<int64_t> &key) : model_(model), open_(!key.empty()) {
    if (open_) check(model.ops().graph_begin(model.backend(), key.data(), int64_t(key.size() * sizeof key[0])), "graph_begin");
  }
  void end() {
    if (open_) check(model_.ops().graph_end(model_.backend()), "graph_end");
    open_ = false;
  }
  ~Region() {
    if (open_) (void)model_.ops().graph_end(model_.backend());
  }

 private:
  const Model &model_;
  bool open_;
};

// Checked, with what is 0 filled in.
GeneratorOptions filled(const Model &model, GeneratorOptions o) {
  if (o.sequences < 1 || o.sequences > 4096) fail(GRAFT_USAGE, "a generator holds 1 to 4096 sequences, not %d", o.sequences);
  if (o.context < 1 || o.context > (1 << 24)) fail(GRAFT_USAGE, "a context of %d tokens is out of range (1 to %d)", o.context, 1 << 24);
  if (o.page_tokens == 0) o.page_tokens = 32;
  if (o.page_tokens < 1 || o.page_tokens > 4096) fail(GRAFT_USAGE, "a page holds 1 to 4096 tokens, not %d", o.page_tokens);
  if (o.pass_rows == 0) o.pass_rows = 512;
  if (o.pass_rows < 1 || o.pass_rows > (1 << 20)) fail(GRAFT_USAGE, "a pass has 1 to %d rows, not %d", 1 << 20, o.pass_rows);
  const int64_t rounded = (int64_t(o.context) + o.page_tokens - 1) / o.page_tokens * o.page_tokens;
  if (o.cache_tokens == 0) o.cache_tokens = o.sequences * rounded;
  if (o.cache_tokens < 1 || o.cache_tokens > INT32_MAX - o.page_tokens) fail(GRAFT_USAGE, "a cache of %lld tokens is out of range", (long long)o.cache_tokens);
  if (o.cache_type != GK_F32 && o.cache_type != GK_F16 && o.cache_type != GK_Q8_0)
    fail(GRAFT_USAGE, "a cache of type %d is not known; give F32 (%d), F16 (%d) or Q8_0 (%d)", o.cache_type, GK_F32, GK_F16, GK_Q8_0);
  const int32_t block = gk_type_get(o.cache_type)->block_size;
  if (model.hyper().head_width % block != 0)
    fail(GRAFT_USAGE, "heads of width %d cannot be kept in %s, whose blocks are %d wide; give F16", model.hyper().head_width, gk_type_get(o.cache_type)->name, block);
  return o;
}

}  // namespace

Generator::Generator(Model &model, const GeneratorOptions &options)
    : model_(model), options_(filled(model, options)), max_rows_(std::max(options_.pass_rows, options_.sequences)),
      table_(int32_t((options_.cache_tokens + options_.page_tokens - 1) / options_.page_tokens), options_.page_tokens), sequences_(size_t(options_.sequences)) {
  const Hyperparameters &hyper = model.hyper();
  const int64_t page_floats = (gk_type_bytes(gk_type(options_.cache_type), int64_t(options_.page_tokens) * hyper.kv_width()) + 3) / 4;
  keys_.resize(size_t(hyper.layers));
  values_.resize(size_t(hyper.layers));
  for (float *&keys : keys_) workspace_.add(&keys, table_.pages() * page_floats);
  for (float *&values : values_) workspace_.add(&values, table_.pages() * page_floats);
  const gk_type type = model.ops().activation_type(model.backend(), GK_FAST);
  precision_ = type == GK_F32 ? GK_PRECISE : GK_FAST;
  tensors_.declare(&workspace_, model, max_rows_, ranks_, type);
  scratch_.declare(&workspace_, model, max_rows_, false, type);
  for (float *&stream : streams_) workspace_.add(&stream, max_rows_ * hyper.width);
  workspace_.add(&head_rows_, kHeadRows * hyper.width);
  workspace_.add(&head_normed_, kHeadRows * hyper.width);
  workspace_.add(&head_rstd_, kHeadRows);
  workspace_.add(&head_logits_, kHeadRows * int64_t(hyper.vocabulary));
  workspace_.allocate(model.runtime(), "the KV cache");
}

int32_t Generator::add_adapter(const Adapter &adapter) {
  if (&adapter.model() != &model_) fail(GRAFT_USAGE, "the adapter was opened for another model than this generator's");
  int32_t ranks[kTargets];
  std::copy(ranks_, ranks_ + kTargets, ranks);
  for (const LoraTensor &tensor : adapter.tensors()) ranks[tensor.target] = std::max(ranks[tensor.target], tensor.rank);
  if (!std::equal(ranks, ranks + kTargets, ranks_)) make_room(ranks);
  adapters_.push_back(&adapter);
  return int32_t(adapters_.size()) - 1;
}

void Generator::make_room(const int32_t *ranks) {
  auto room = std::make_unique<Workspace>();
  LowRank hidden;
  hidden.declare(room.get(), max_rows_, ranks, tensors_.query.type);
  room->allocate(model_.runtime(), "the adapters' activations");
  hidden_ = std::move(room);
  tensors_.hidden = hidden;
  std::copy(ranks, ranks + kTargets, ranks_);
}

void Generator::remove_adapter(int32_t index) {
  check_group({{index, 1.0f}});
  for (size_t i = 0; i < sequences_.size(); i++)
    for (const auto &use : sequences_[i].adapters)
      if (use.first == index) fail(GRAFT_USAGE, "adapter %d is in use by sequence %zu; end that first", index, i);
  adapters_[size_t(index)] = nullptr;
}

void Generator::check_group(const PageTable::Group &group) const {
  for (const auto &[index, scale] : group) {
    if (index < 0 || index >= int64_t(adapters_.size())) fail(GRAFT_USAGE, "adapter %lld is out of range (%zu were added)", (long long)index, adapters_.size());
    if (!adapters_[size_t(index)]) fail(GRAFT_USAGE, "adapter %lld was removed", (long long)index);
    if (!std::isfinite(scale)) fail(GRAFT_USAGE, "the scale of adapter %lld must be a number, not %g", (long long)index, double(scale));
  }
  for (size_t i = 1; i < group.size(); i++)
    if (group[i].first == group[i - 1].first) fail(GRAFT_USAGE, "adapter %lld is named twice", (long long)group[i].first);
}

int32_t Generator::begin(int32_t index, int32_t n_adapters, const int32_t *adapters, const float *scales, int64_t n, const int32_t *tokens, int64_t most, bool reuse) {
  if (index < 0 || index >= options_.sequences) fail(GRAFT_USAGE, "sequence %d is out of range (0 to %d)", index, options_.sequences - 1);
  Sequence &sequence = sequences_[size_t(index)];
  if (sequence.begun) fail(GRAFT_USAGE, "sequence %d is at work; end it first", index);
  if (n < 1) fail(GRAFT_USAGE, "sequence %d has no tokens to begin with", index);
  for (int64_t i = 0; i < n; i++)
    if (tokens[i] < 0 || tokens[i] >= model_.hyper().vocabulary) fail(GRAFT_USAGE, "token %d is not in the vocabulary (ids 0 to %d)", tokens[i], model_.hyper().vocabulary - 1);
  if (most < n) fail(GRAFT_USAGE, "sequence %d begins with %lld tokens, more than the %lld it may come to", index, (long long)n, (long long)most);
  if (most > options_.context) fail(GRAFT_USAGE, "sequence %d would come to %lld tokens; the context is %d", index, (long long)most, options_.context);
  if (table_.pages_for(most) > table_.pages())
    fail(GRAFT_USAGE, "sequence %d would come to %lld tokens; the whole cache holds %lld", index, (long long)most, (long long)table_.pages() * table_.page_tokens());
  PageTable::Group group;
  for (int32_t i = 0; i < n_adapters; i++) group.emplace_back(adapters[i], scales ? scales[i] : 1.0f);
  std::sort(group.begin(), group.end());
  check_group(group);
  group.erase(std::remove_if(group.begin(), group.end(), [](const auto &use) { return use.second == 0; }), group.end());
  if (!table_.begin(&sequence.cached, reuse ? &group : nullptr, tokens, n, int32_t(most))) return -1;
  sequence.adapters = std::move(group);
  sequence.begun = true;
  sequence.prompt = n;
  return int32_t(sequence.cached.tokens.size());
}

void Generator::end(int32_t index) {
  if (index < 0 || index >= options_.sequences) fail(GRAFT_USAGE, "sequence %d is out of range (0 to %d)", index, options_.sequences - 1);
  Sequence &sequence = sequences_[size_t(index)];
  if (!sequence.begun) return;
  table_.end(&sequence.cached);
  sequence = Sequence();
}

const Generator::Sequence &Generator::sequence(int32_t index) const {
  if (index < 0 || index >= options_.sequences || !sequences_[size_t(index)].begun) fail(GRAFT_USAGE, "sequence %d is out of range or was not begun", index);
  if (sequences_[size_t(index)].failed) fail(GRAFT_USAGE, "sequence %d failed before; end it", index);
  return sequences_[size_t(index)];
}

void Generator::check_append(int32_t n, const int32_t *sequence_of, const int32_t *lengths, const int32_t *tokens, const int32_t *keep) const {
  std::vector<bool> seen(size_t(options_.sequences), false);
  if (n < 1) fail(GRAFT_USAGE, "nothing to append");
  for (int32_t i = 0; i < n; i++) {
    const Sequence &s = sequence(sequence_of[i]);
    if (seen[size_t(sequence_of[i])]) fail(GRAFT_USAGE, "sequence %d is named twice", sequence_of[i]);
    seen[size_t(sequence_of[i])] = true;
    if (lengths[i] < 1) fail(GRAFT_USAGE, "sequence %d is given %d tokens", sequence_of[i], lengths[i]);
    if (int64_t(s.cached.tokens.size()) + lengths[i] > s.cached.most)
      fail(GRAFT_USAGE, "sequence %d would hold %lld tokens; it was begun for %d", sequence_of[i], (long long)s.cached.tokens.size() + lengths[i], s.cached.most);
    for (int32_t j = 0; j < lengths[i]; j++, tokens++)
      if (*tokens < 0 || *tokens >= model_.hyper().vocabulary) fail(GRAFT_USAGE, "token %d is not in the vocabulary (ids 0 to %d)", *tokens, model_.hyper().vocabulary - 1);
    if (keep[i] < 0 || keep[i] >= kKeeps) fail(GRAFT_USAGE, "%d is not known as what to keep of sequence %d; give 0 to %d", keep[i], sequence_of[i], kKeeps - 1);
  }
}

void Generator::append(int32_t n, const int32_t *sequence_of, const int32_t *lengths, const int32_t *tokens, const int32_t *keep) {
  check_append(n, sequence_of, lengths, tokens, keep);
  std::vector<Piece> pieces;
  int64_t rows = 0;
  for (int32_t i = 0; i < n; i++) {
    int32_t left = lengths[i];
    while (left > 0) {
      const int32_t count = int32_t(std::min<int64_t>(left, max_rows_ - rows));
      const bool last = left == count;
      pieces.push_back({sequence_of[i], count, tokens, keep[i] == kLogits && !last ? kNothing : keep[i]});
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
  // Rows of the same adapters lie together, so that each adapter is one product.
  std::stable_sort(pieces.begin(), pieces.end(), [&](const Piece &a, const Piece &b) { return sequences_[size_t(a.sequence)].adapters < sequences_[size_t(b.sequence)].adapters; });
  for (const Piece &piece : pieces) {
    Sequence &s = sequences_[size_t(piece.sequence)];
    s.failed = true;
    s.logits.clear();
    table_.grow(&s.cached, piece.tokens, piece.count);
  }
  forward(pieces);
  for (const Piece &piece : pieces) {
    Sequence &s = sequences_[size_t(piece.sequence)];
    s.failed = false;
    table_.computed(&s.cached);
  }
}

// What makes two steps of decoding alike: as many sequences, of as many runs of 128 tokens, under the same adapters, and a table of the same size. Empty where prompts are read.
std::vector<int64_t> Generator::step_key(const Pass &pass, const std::vector<gk_paged_segment> &segments, int64_t pages) const {
  if (pass.rows != int64_t(segments.size())) return {};
  std::vector<int64_t> key{pass.rows, (pages + 255) / 256};   // the table is sent in steps of 256
  for (const gk_paged_segment &segment : segments) key.push_back((segment.k_count + 127) / 128);
  for (const AdapterSpan &span : pass.adapters) {
    int32_t scale;
    std::memcpy(&scale, &span.scale, sizeof scale);
    key.insert(key.end(), {int64_t(reinterpret_cast<intptr_t>(span.adapter)), scale, span.begin, span.count});
  }
  return key;
}

void Generator::forward(const std::vector<Piece> &pieces) {
  const Hyperparameters &hyper = model_.hyper();
  const gk_ops &ops = model_.ops();
  gk_backend *backend = model_.backend();
  const int32_t page_tokens = table_.page_tokens();
  std::vector<int32_t> tokens, positions, slots, pages;
  std::vector<gk_paged_segment> segments;
  Pass pass{model_, 0, nullptr, {}, 0, 0, 0};
  for (const Piece &piece : pieces) {
    const Sequence &s = sequences_[size_t(piece.sequence)];
    const int32_t begin = int32_t(tokens.size()), held = int32_t(s.cached.tokens.size());
    for (int32_t at = held - piece.count; at < held; at++) {
      positions.push_back(at);
      slots.push_back(s.cached.pages[size_t(at / page_tokens)] * page_tokens + at % page_tokens);
    }
    tokens.insert(tokens.end(), piece.tokens, piece.tokens + piece.count);
    segments.push_back({begin, piece.count, held, int32_t(pages.size())});
    pages.insert(pages.end(), s.cached.pages.begin(), s.cached.pages.end());
    for (const auto &[index, scale] : s.adapters) pass.add(adapters_[size_t(index)], scale, begin, piece.count);
  }
  // Of a row with several adapters the sum has one order, whatever the others have.
  const auto place = [&](const AdapterSpan &span) { return std::find(adapters_.begin(), adapters_.end(), span.adapter); };
  std::stable_sort(pass.adapters.begin(), pass.adapters.end(), [&](const AdapterSpan &a, const AdapterSpan &b) { return place(a) < place(b); });
  pass.rows = int64_t(tokens.size());
  pass.positions = positions.data();

  ops.set_precision(backend, precision_);
  Region region(model_, step_key(pass, segments, int64_t(pages.size())));
  check(ops.embed(backend, &model_.embedding(), tokens.data(), pass.rows, streams_[0]), "embed");
  const float scale = model_.attention({}).scale;
  const gk_paged_attention attention{{gk_type(options_.cache_type), page_tokens, hyper.kv_heads, hyper.head_width}, hyper.heads, scale, int32_t(segments.size()), segments.data(),
                                     pages.data()};
  for (int32_t layer = 0; layer < hyper.layers; layer++) {
    const float *x = streams_[layer % 2];
    float *keys = keys_[size_t(layer)], *values = values_[size_t(layer)];
    block_project(pass, layer, x, tensors_, scratch_);
    check(ops.pages_write(backend, &attention.pages, tensors_.key, slots.data(), pass.rows, keys), "pages_write");
    check(ops.pages_write(backend, &attention.pages, tensors_.value, slots.data(), pass.rows, values), "pages_write");
    check(ops.attention_paged(backend, &attention, tensors_.query, keys, values, tensors_.attended), "attention");
    block_finish(pass, layer, x, tensors_, scratch_, streams_[(layer + 1) % 2]);
  }
  region.end();
  keep_rows(pieces, streams_[hyper.layers % 2]);
}

void Generator::keep_rows(const std::vector<Piece> &pieces, const float *x) {
  const gk_ops &ops = model_.ops();
  gk_backend *backend = model_.backend();
  const int64_t width = model_.hyper().width, vocabulary = model_.hyper().vocabulary;
  for (const Keep keep : {kLogits, kPooled}) {
    std::vector<int32_t> rows, owners;
    int32_t end = 0;
    for (const Piece &piece : pieces) {
      end += piece.count;
      if (piece.keep != keep) continue;
      for (int32_t row = keep == kLogits ? end - 1 : end - piece.count; row < end; row++) {
        rows.push_back(row);
        owners.push_back(piece.sequence);
      }
    }
    std::vector<float> host(size_t(keep == kPooled ? kHeadRows * width : 0));
    for (size_t begin = 0; begin < rows.size(); begin += kHeadRows) {
      const int64_t n = std::min<int64_t>(kHeadRows, int64_t(rows.size() - begin));
      check(ops.gather_rows(backend, x, rows.data() + begin, n, width, head_rows_), "gather_rows");
      check(ops.rmsnorm_fwd(backend, gk_f32(head_rows_), model_.output_norm(), model_.hyper().norm_eps, n, width, 1, width, gk_f32(head_normed_), head_rstd_), "rmsnorm");
      if (keep == kPooled) {
        check(ops.download(backend, host.data(), head_normed_, n * width * int64_t(sizeof(float))), "download");
      } else {
        const gk_product product{model_.head(), gk_f32(head_logits_), vocabulary, 1.0f, 0};
        check(ops.matmul_fwd(backend, 1, &product, gk_f32(head_normed_), width, n, width), "matmul (head)");
      }
      for (int64_t i = 0; i < n; i++) {
        Sequence &s = sequences_[size_t(owners[begin + size_t(i)])];
        if (keep == kPooled) {
          s.pool.resize(size_t(width));
          for (int64_t c = 0; c < width; c++) s.pool[size_t(c)] += double(host[size_t(i * width + c)]);
          s.pooled++;
        } else {
          s.logits.resize(size_t(vocabulary));
          check(ops.download(backend, s.logits.data(), head_logits_ + i * vocabulary, vocabulary * int64_t(sizeof(float))), "download");
        }
      }
    }
  }
}

const std::vector<float> &Generator::logits(int32_t index) const {
  const Sequence &s = sequence(index);
  if (s.logits.empty()) fail(GRAFT_USAGE, "sequence %d has no logits; append tokens and keep them", index);
  return s.logits;
}

int32_t Generator::sample(int32_t index, const SamplerOptions &options, double random) const {
  const std::vector<float> &kept = logits(index);
  check_sampler(options, int32_t(kept.size()));
  if (!(random >= 0 && random < 1)) fail(GRAFT_USAGE, "the random number must be in [0,1), not %g", random);
  const Sequence &s = sequence(index);
  return sample_token(kept.data(), int32_t(kept.size()), options, {s.cached.tokens.data(), s.prompt, int64_t(s.cached.tokens.size())}, random);
}

float Generator::log_probability(int32_t index, int32_t token, int32_t n, int32_t *top_ids, float *top_logps) const {
  const std::vector<float> &kept = logits(index);
  if (token < 0 || token >= int32_t(kept.size())) fail(GRAFT_USAGE, "token %d is not in the vocabulary (ids 0 to %zu)", token, kept.size() - 1);
  if (n < 0 || n > int32_t(kept.size())) fail(GRAFT_USAGE, "the %d likeliest of %zu tokens are not to be had", n, kept.size());
  return graft::log_probability(kept.data(), int32_t(kept.size()), token, n, top_ids, top_logps);
}

void Generator::embedding(int32_t index, float *values, int64_t count) const {
  const Sequence &s = sequence(index);
  if (s.pooled == 0) fail(GRAFT_USAGE, "sequence %d has no pooled rows; append tokens and keep them", index);
  if (count != int64_t(s.pool.size())) fail(GRAFT_USAGE, "a hidden state has %zu numbers, not %lld", s.pool.size(), (long long)count);
  double squares = 0;
  for (double sum : s.pool) squares += sum * sum;
  if (!(squares > 0) || !std::isfinite(squares)) fail(GRAFT_NOT_FINITE, "the mean hidden state of sequence %d has no direction (its length is %g)", index, std::sqrt(squares) / double(s.pooled));
  const double inverse = 1 / std::sqrt(squares);  // of the sum; the mean's is the same direction
  for (int64_t i = 0; i < count; i++) values[i] = float(s.pool[size_t(i)] * inverse);
}

}  // namespace graft
