// Which type each tensor of a quantized model gets.
#pragma once
#include <cstdint>
#include <string>
#include <string_view>

#include "graft/ops.h"

namespace graft {

class Gguf;

// A weight type by its name in any case ("Q8_0", "q4_K", "bf16"), or GK_TYPE_LIMIT.
gk_type type_named(std::string_view name);

// What llama-quantize's choices look at beside a tensor's name and shape.
struct MixModel {
  int32_t layers = 1, heads = 1, kv_heads = 1, experts = 0;
  bool tied = false;          // there is no output matrix
  bool importance = false;    // quantized under an importance matrix
  bool seventy = false;       // llama.cpp takes it for a 70B: eight heads share each value head
  // From general.architecture and its keys; throws GRAFT_BAD_FILE when one has another type.
  static MixModel of(const Gguf &file);
};

// One type for all matrices, or one of llama.cpp's mixes: Q2_K, Q3_K_S/M/L, Q4_K_S/M, Q5_K_S/M, Q6_K, and what it makes of a plain type.
class TypeMix {
 public:
  // A type's name: that type everywhere. A mix's name that is no type's ("Q4_K_M"): that mix. Throws GRAFT_USAGE with the names there are.
  explicit TypeMix(std::string_view name);
  // As llama-quantize reads its TYPE: Q2_K is the mix of that name, Q3_K, Q4_K and Q5_K are the _M mixes, and a plain quantized type still makes
  // the output matrix Q6_K. pure: the same type for all matrices.
  static TypeMix of_file(std::string_view name, bool pure);

  // The type of a tensor of the names llama.cpp uses ("blk.3.ffn_down.weight"). Vectors are F32. The choice is that of llama_tensor_get_type in
  // src/llama-quant.cpp (b4916, March 2025; falcon's own rules left out). Where a row is not a multiple of the block, its fallback, for any mix.
  // @param row     elements of a row (ne0)         @param dimensions  1 for vectors
  gk_type type_of(std::string_view tensor, int64_t row, int32_t dimensions, const MixModel &model) const;
  // For models whose heads do not share keys and values fourfold.
  gk_type type_of(std::string_view tensor, int64_t row, int32_t dimensions, int32_t layers, bool tied) const;

  // llama.cpp's number for general.file_type.
  uint32_t file_type() const { return file_type_; }
  gk_type base() const { return base_; }

 private:
  TypeMix() = default;
  gk_type choose(std::string_view tensor, int64_t row, const MixModel &model) const;
  gk_type base_ = GK_F32;
  uint32_t file_type_ = 0;
  bool by_tensor_ = false;
};

// Whether llama-quantize changes the type of such a tensor at all: matrices that end in "weight" but are no norms, positions, routers or
// convolutions.
bool is_quantizable(std::string_view tensor, int32_t dimensions);
// What it takes instead of `type` for rows that are not a multiple of its block (256, then 32): `type` itself where they are.
gk_type fitting_type(gk_type type, int64_t row);

}  // namespace graft
