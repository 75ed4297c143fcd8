// Generation: the training graph's blocks with a KV cache, several sequences and several adapters in one batch.
#pragma once
#include <vector>

#include "block.h"
#include "sampler.h"

namespace graft {

class Generator {
 public:
  // See graft_generator_open. Throws GRAFT_OUT_OF_MEMORY.
  Generator(Model &model, std::vector<Adapter *> adapters, int32_t sequences, int32_t context);
  void append(int32_t n, const int32_t *sequence_of, const int32_t *adapter_of, const int32_t *lengths, const int32_t *tokens);
  int32_t sample(int32_t sequence, const SamplerOptions &options, float *logp) const;
  void truncate(int32_t sequence, int32_t keep);
  const Model &model() const { return model_; }

 private:
  // A run of one sequence's tokens within one pass.
  struct Piece {
    int32_t sequence, adapter, count;
    const int32_t *tokens;
    bool finishes;   // the last of its append: its last row's logits are kept
  };
  void run(std::vector<Piece> pieces);
  void keep_logits(const std::vector<Piece> &pieces, const float *x);

  Model &model_;
  std::vector<Adapter *> adapters_;
  int32_t sequences_, context_;
  int64_t max_rows_;                        // rows of one pass; longer prompts go in several
  Workspace workspace_;
  std::vector<float *> keys_, values_;      // per layer [sequences*context, G*D]
  BlockTensors tensors_{};
  BlockScratch scratch_{};
  float *streams_[2] = {nullptr, nullptr};  // [max_rows,C]
  float *head_rows_ = nullptr, *head_normed_ = nullptr, *head_rstd_ = nullptr, *head_logits_ = nullptr;
  std::vector<int32_t> used_;               // tokens in each sequence
  std::vector<std::vector<float>> logits_;  // per sequence, empty until appended to
};

}  // namespace graft
