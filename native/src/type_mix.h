// Which type each tensor of a quantized model gets.
#pragma once
#include <cstdint>
#include <string>
#include <string_view>

#include "graft/ops.h"

namespace graft {

// A weight type by its name in any case ("Q8_0", "q4_K", "bf16"), or GK_TYPE_LIMIT.
gk_type type_named(std::string_view name);

// "Q4_K_M", or one type for all matrices.
class TypeMix {
 public:
  // Throws GRAFT_USAGE with the names there are.
  explicit TypeMix(std::string_view name);

  // The type of a tensor of the names llama.cpp uses ("blk.3.ffn_down.weight"). Vectors are F32. For Q4_K_M the choice of
  // llama-quantize (llama_tensor_get_type in src/llama-quant.cpp, March 2025): the output matrix (the embedding when tied) Q6_K, attn_v and
  // ffn_down Q6_K in about half of the layers, all else Q4_K. Where a row is not a multiple of the block, its fallback, for any mix.
  // @param row     elements of a row (ne0)         @param dimensions  1 for vectors
  // @param layers  of the model                   @param tied  there is no output matrix
  gk_type type_of(std::string_view tensor, int64_t row, int32_t dimensions, int32_t layers, bool tied) const;

  // llama.cpp's number for general.file_type.
  uint32_t file_type() const;

 private:
  gk_type base_;
  bool by_tensor_;
};

}  // namespace graft
