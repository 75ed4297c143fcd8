// Generation: the training graph's blocks over a paged KV cache, many sequences and adapters in one batch.
#pragma once
#include <memory>
#include <vector>

#include "block.h"
#include "page_table.h"
#include "sampler.h"

namespace graft {

struct GeneratorOptions {
  int32_t sequences = 1;     // at once
  int32_t context = 0;       // most tokens of each
  int64_t cache_tokens = 0;  // tokens of all together; 0: sequences * context
  int32_t cache_type = GK_F32;
  int32_t page_tokens = 0;   // 0: 32
  int32_t pass_rows = 0;     // most tokens computed together, raised to `sequences`; 0: 512
};

// What is kept of the tokens of an append.
enum Keep { kNothing, kLogits, kPooled, kKeeps };

class Generator {
 public:
  // See graft_generator_open and its like. Throw Error.
  Generator(Model &model, const GeneratorOptions &options);
  const Model &model() const { return model_; }
  const PageTable &pages() const { return table_; }
  int32_t add_adapter(const Adapter &adapter);
  void remove_adapter(int32_t index);
  // Tokens adopted, or -1 when there is no room now.
  int32_t begin(int32_t sequence, int32_t n_adapters, const int32_t *adapters, const float *scales, int64_t n, const int32_t *tokens, int64_t most, bool reuse);
  void append(int32_t n, const int32_t *sequence_of, const int32_t *lengths, const int32_t *tokens, const int32_t *keep);
  int32_t sample(int32_t sequence, const SamplerOptions &options, double random) const;
  float log_probability(int32_t sequence, int32_t token, int32_t n, int32_t *top_ids, float *top_logps) const;
  void embedding(int32_t sequence, float *values, int64_t count) const;
  void end(int32_t sequence);

 private:
  struct Sequence {
    bool begun = false, failed = false;
    PageTable::Group adapters;  // in order of their indices
    PageTable::Sequence cached;
    int64_t prompt = 0;
    std::vector<float> logits;  // after its last token, or empty
    std::vector<double> pool;   // sum of final hidden states
    int64_t pooled = 0;
  };
  // A run of one sequence's tokens within one pass.
  struct Piece {
    int32_t sequence, count;
    const int32_t *tokens;
    int32_t keep;
  };
  void check_group(const PageTable::Group &group) const;
  void check_append(int32_t n, const int32_t *sequence_of, const int32_t *lengths, const int32_t *tokens, const int32_t *keep) const;
  void run(std::vector<Piece> pieces);
  std::vector<int64_t> step_key(const Pass &pass, const std::vector<gk_paged_segment> &segments, int64_t pages) const;
  void forward(const std::vector<Piece> &pieces);
  void keep_rows(const std::vector<Piece> &pieces, const float *x);
  const Sequence &sequence(int32_t index) const;
  const std::vector<float> &logits(int32_t sequence) const;
  void make_room(const int32_t *ranks);

  Model &model_;
  GeneratorOptions options_;
  gk_precision precision_ = GK_PRECISE;     // a GPU generates as it trains, in bf16
  int64_t max_rows_;                        // of one pass; more go in several
  PageTable table_;
  std::vector<const Adapter *> adapters_;   // NULL: removed
  std::vector<Sequence> sequences_;
  Workspace workspace_;
  std::unique_ptr<Workspace> hidden_;       // low-rank rows of all adapters' largest ranks
  int32_t ranks_[kTargets] = {};
  std::vector<float *> keys_, values_;      // per layer, pages of options_.cache_type
  BlockTensors tensors_{};
  BlockScratch scratch_{};
  float *streams_[2] = {nullptr, nullptr};  // [max_rows,C]
  float *head_rows_ = nullptr, *head_normed_ = nullptr, *head_rstd_ = nullptr, *head_logits_ = nullptr;
};

}  // namespace graft
