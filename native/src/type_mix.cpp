#include "type_mix.h"

#include <strings.h>

#include <charconv>

#include "status.h"

namespace graft {

namespace {

bool ends_with(std::string_view text, std::string_view with) { return text.size() >= with.size() && text.substr(text.size() - with.size()) == with; }

// llama.cpp's use_more_bits: the first and the last eighth of the layers, and every third between.
bool more_bits(int32_t layer, int32_t layers) { return layer < layers / 8 || layer >= 7 * layers / 8 || (layer - layers / 8) % 3 == 2; }

int32_t layer_of(std::string_view tensor) {
  int32_t layer = 0;
  if (tensor.substr(0, 4) == "blk.") std::from_chars(tensor.data() + 4, tensor.data() + tensor.size(), layer);
  return layer;
}

// What llama-quantize takes for rows that are not a multiple of 256, and then of 32.
gk_type fitting(gk_type type, int64_t row) {
  if (row % gk_type_get(type)->block_size == 0) return type;
  gk_type other = GK_F16;
  switch (type) {
    case GK_Q2_K: case GK_Q3_K: case GK_IQ4_XS: other = GK_IQ4_NL; break;
    case GK_Q4_K: other = GK_Q5_0; break;
    case GK_Q5_K: other = GK_Q5_1; break;
    case GK_Q6_K: other = GK_Q8_0; break;
    default: break;
  }
  return row % gk_type_get(other)->block_size == 0 ? other : GK_F16;
}

}  // namespace

gk_type type_named(std::string_view name) {
  const std::string wanted(name);
  for (int32_t i = 0; i < GK_TYPE_LIMIT; i++) {
    const gk_type_info *info = gk_type_get(i);
    if (info != nullptr && strcasecmp(info->name, wanted.c_str()) == 0) return info->type;
  }
  return GK_TYPE_LIMIT;
}

TypeMix::TypeMix(std::string_view name) : base_(type_named(name)), by_tensor_(false) {
  if (base_ != GK_TYPE_LIMIT) return;
  by_tensor_ = strcasecmp(std::string(name).c_str(), "Q4_K_M") == 0;
  base_ = GK_Q4_K;
  if (by_tensor_) return;
  std::string names = "Q4_K_M";
  for (int32_t i = 0; i < GK_TYPE_LIMIT; i++)
    if (const gk_type_info *info = gk_type_get(i)) names += std::string(", ") + info->name;
  fail(GRAFT_USAGE, "unknown type '%.40s'; there are %s", std::string(name).c_str(), names.c_str());
}

gk_type TypeMix::type_of(std::string_view tensor, int64_t row, int32_t dimensions, int32_t layers, bool tied) const {
  if (dimensions < 2) return GK_F32;
  gk_type type = base_;
  if (by_tensor_) {
    if (tensor == (tied ? "token_embd.weight" : "output.weight")) return row % 256 == 0 ? GK_Q6_K : fitting(GK_Q8_0, row);
    const bool value = ends_with(tensor, "attn_v.weight");
    if ((value || ends_with(tensor, "ffn_down.weight")) && more_bits(layer_of(tensor), layers)) type = GK_Q6_K;
    else if (value && layers == 80) type = GK_Q5_K;             // 70B models: eight heads share each value head
  }
  return fitting(type, row);
}

uint32_t TypeMix::file_type() const {
  if (by_tensor_) return 15;
  switch (base_) {
    case GK_F32: return 0;    case GK_F16: return 1;    case GK_Q4_0: return 2;   case GK_Q4_1: return 3;   case GK_Q8_0: return 7;
    case GK_Q5_0: return 8;   case GK_Q5_1: return 9;   case GK_Q2_K: return 10;  case GK_Q3_K: return 12;  case GK_Q4_K: return 14;
    case GK_Q5_K: return 16;  case GK_Q6_K: return 18;  case GK_IQ4_NL: return 25; case GK_IQ4_XS: return 30; case GK_BF16: return 32;
    default: return 1024;     // "guessed"
  }
}

}  // namespace graft
