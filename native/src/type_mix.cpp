#include "type_mix.h"

#include <strings.h>

#include <charconv>

#include "gguf.h"
#include "status.h"

namespace graft {

namespace {

// llama.cpp's numbers of the mixes, as in general.file_type.
enum FileType : uint32_t {
  kQ4_0 = 2, kQ5_0 = 8, kQ2_K = 10, kQ3_K_S = 11, kQ3_K_M = 12, kQ3_K_L = 13, kQ4_K_S = 14, kQ4_K_M = 15, kQ5_K_S = 16, kQ5_K_M = 17, kIQ4_NL = 25, kIQ4_XS = 30
};

struct Recipe {
  const char *name;
  gk_type base;
  uint32_t file_type;
};
// The first row with a base is what a file in that type alone is called; rows after it are mixes of the same base.
constexpr Recipe kRecipes[] = {
    {"F32", GK_F32, 0}, {"F16", GK_F16, 1}, {"BF16", GK_BF16, 32}, {"Q8_0", GK_Q8_0, 7}, {"Q4_0", GK_Q4_0, kQ4_0}, {"Q4_1", GK_Q4_1, 3}, {"Q5_0", GK_Q5_0, kQ5_0},
    {"Q5_1", GK_Q5_1, 9}, {"Q2_K", GK_Q2_K, kQ2_K}, {"Q3_K", GK_Q3_K, kQ3_K_M}, {"Q3_K_S", GK_Q3_K, kQ3_K_S}, {"Q3_K_M", GK_Q3_K, kQ3_K_M}, {"Q3_K_L", GK_Q3_K, kQ3_K_L},
    {"Q4_K", GK_Q4_K, kQ4_K_S}, {"Q4_K_S", GK_Q4_K, kQ4_K_S}, {"Q4_K_M", GK_Q4_K, kQ4_K_M}, {"Q5_K", GK_Q5_K, kQ5_K_S}, {"Q5_K_S", GK_Q5_K, kQ5_K_S},
    {"Q5_K_M", GK_Q5_K, kQ5_K_M}, {"Q6_K", GK_Q6_K, 18}, {"IQ4_NL", GK_IQ4_NL, kIQ4_NL}, {"IQ4_XS", GK_IQ4_XS, kIQ4_XS},
};

const Recipe *recipe_named(std::string_view name) {
  for (const Recipe &recipe : kRecipes)
    if (strcasecmp(recipe.name, std::string(name).c_str()) == 0) return &recipe;
  return nullptr;
}

bool has(std::string_view text, std::string_view part) { return text.find(part) != std::string_view::npos; }

// llama.cpp's use_more_bits: the first and the last eighth of the layers, and every third between.
bool more_bits(int32_t layer, int32_t layers) { return layer < layers / 8 || layer >= 7 * layers / 8 || (layer - layers / 8) % 3 == 2; }

int32_t layer_of(std::string_view tensor) {
  int32_t layer = 0;
  if (tensor.substr(0, 4) == "blk.") std::from_chars(tensor.data() + 4, tensor.data() + tensor.size(), layer);
  return layer;
}

gk_type value_type(uint32_t mix, gk_type base, int32_t layer, const MixModel &model) {
  const bool shared = model.heads / model.kv_heads >= 4;
  gk_type type = base;
  if (mix == kQ2_K) type = shared ? GK_Q4_K : GK_Q3_K;
  else if (mix == kQ3_K_M) type = layer < 2 ? GK_Q5_K : GK_Q4_K;
  else if (mix == kQ3_K_L) type = GK_Q5_K;
  else if ((mix == kIQ4_NL || mix == kIQ4_XS) && shared) type = GK_Q5_K;
  else if ((mix == kQ4_K_M || mix == kQ5_K_M) && more_bits(layer, model.layers)) type = GK_Q6_K;
  else if (mix == kQ4_K_S && layer < 4) type = GK_Q5_K;
  if (model.seventy && (type == GK_Q3_K || type == GK_Q4_K)) type = GK_Q5_K;
  return model.experts == 8 ? GK_Q8_0 : type;
}

gk_type down_type(uint32_t mix, gk_type base, int32_t layer, const MixModel &model) {
  const bool first_eighth = layer < model.layers / 8;
  switch (mix) {
    case kQ2_K: return GK_Q3_K;
    case kQ3_K_M: return layer < model.layers / 16 ? GK_Q5_K : GK_Q4_K;
    case kQ3_K_L: return GK_Q5_K;
    case kQ4_K_M: case kQ5_K_M: return more_bits(layer, model.layers) ? GK_Q6_K : base;
    case kIQ4_NL: case kIQ4_XS: return first_eighth && !model.importance ? GK_Q5_K : base;
    case kQ4_K_S: return first_eighth ? GK_Q5_K : base;
    case kQ4_0: return first_eighth && model.importance ? GK_Q4_1 : base;
    case kQ5_0: return first_eighth && model.importance ? GK_Q5_1 : base;
    default: return base;
  }
}

gk_type attention_output_type(uint32_t mix, gk_type base, const MixModel &model) {
  if (model.experts == 8) {
    const bool raised = mix == kQ2_K || mix == kQ3_K_S || mix == kQ3_K_M || mix == kQ4_K_S || mix == kQ4_K_M || mix == kIQ4_NL || mix == kIQ4_XS;
    return raised ? GK_Q5_K : base;
  }
  return mix == kQ2_K ? GK_Q3_K : mix == kQ3_K_M ? GK_Q4_K : mix == kQ3_K_L ? GK_Q5_K : base;
}

[[noreturn]] void refuse_name(std::string_view name, bool types_first) {
  std::string names = types_first ? "" : "Q4_K_M";
  if (!types_first)
    for (int32_t i = 0; i < GK_TYPE_LIMIT; i++)
      if (const gk_type_info *info = gk_type_get(i)) names += std::string(", ") + info->name;
  for (const Recipe &recipe : kRecipes)
    if (types_first || (type_named(recipe.name) == GK_TYPE_LIMIT && recipe.file_type != kQ4_K_M)) names += (names.empty() ? "" : ", ") + std::string(recipe.name);
  fail(GRAFT_USAGE, "unknown type '%.40s'; there are %s", std::string(name).c_str(), names.c_str());
}

}  // namespace

gk_type fitting_type(gk_type type, int64_t row) {
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

bool is_quantizable(std::string_view tensor, int32_t dimensions) {
  constexpr std::string_view end = "weight";
  if (dimensions < 2 || tensor.size() < end.size() || tensor.substr(tensor.size() - end.size()) != end) return false;
  for (const char *kept : {"_norm.weight", "ffn_gate_inp.weight", "position_embd.weight", "token_types.weight", "ssm_conv1d.weight", "time_mix_first.weight", "time_mix_w0.weight",
                           "time_mix_w1.weight", "time_mix_w2.weight", "time_mix_v0.weight", "time_mix_v1.weight", "time_mix_v2.weight", "time_mix_a0.weight", "time_mix_a1.weight",
                           "time_mix_a2.weight", "time_mix_g1.weight", "time_mix_g2.weight", "time_mix_decay_w1.weight", "time_mix_decay_w2.weight", "time_mix_lerp_fused.weight",
                           "attn_rel_b.weight"})
    if (has(tensor, kept)) return false;
  return true;
}

gk_type type_named(std::string_view name) {
  const std::string wanted(name);
  for (int32_t i = 0; i < GK_TYPE_LIMIT; i++) {
    const gk_type_info *info = gk_type_get(i);
    if (info != nullptr && strcasecmp(info->name, wanted.c_str()) == 0) return info->type;
  }
  return GK_TYPE_LIMIT;
}

MixModel MixModel::of(const Gguf &file) {
  MixModel model;
  const std::string architecture = file.get_string("general.architecture", "");
  // Some architectures have a number for each layer; llama.cpp looks at the first one.
  const auto first = [&](const std::string &key, int32_t otherwise) {
    const GgufValue *value = file.find(architecture + key);
    if (value == nullptr || value->type == GgufType::Array) return otherwise;
    const int64_t number = file.get_int(architecture + key, otherwise);
    return number < 1 || number > (1 << 24) ? otherwise : static_cast<int32_t>(number);
  };
  model.layers = first(".block_count", 1);
  model.heads = first(".attention.head_count", 1);
  model.kv_heads = first(".attention.head_count_kv", model.heads);
  model.experts = first(".expert_count", 0);
  model.tied = file.tensor("output.weight") == nullptr;
  model.seventy = model.layers == 80 && (architecture == "qwen2" || (architecture == "llama" && model.heads != model.kv_heads));
  return model;
}

TypeMix::TypeMix(std::string_view name) : base_(type_named(name)) {
  const Recipe *recipe = recipe_named(name);
  if (recipe == nullptr) refuse_name(name, false);
  by_tensor_ = base_ == GK_TYPE_LIMIT;
  base_ = recipe->base;
  file_type_ = recipe->file_type;
}

TypeMix TypeMix::of_file(std::string_view name, bool pure) {
  const Recipe *recipe = recipe_named(name);
  if (recipe == nullptr) refuse_name(name, true);
  for (const char *medium : {"Q3_K", "Q4_K", "Q5_K"})
    if (strcasecmp(recipe->name, medium) == 0) recipe = recipe_named(std::string(medium) + "_M");
  TypeMix mix;
  mix.base_ = recipe->base;
  mix.file_type_ = recipe->file_type;
  mix.by_tensor_ = !pure && gk_type_get(mix.base_)->block_size > 1;
  return mix;
}

gk_type TypeMix::choose(std::string_view tensor, int64_t row, const MixModel &model) const {
  if (tensor == "output.weight" || (model.tied && tensor == "token_embd.weight"))
    return row % gk_type_get(base_)->block_size != 0 || base_ == GK_Q8_0 ? GK_Q8_0 : GK_Q6_K;
  const int32_t layer = layer_of(tensor);
  if (has(tensor, "attn_v.weight")) return value_type(file_type_, base_, layer, model);
  if (has(tensor, "attn_k.weight")) return model.experts == 8 ? GK_Q8_0 : base_;
  if (has(tensor, "ffn_down")) return down_type(file_type_, base_, layer, model);
  if (has(tensor, "attn_output.weight")) return attention_output_type(file_type_, base_, model);
  if (has(tensor, "attn_qkv.weight")) {
    const bool third = file_type_ == kQ3_K_M || file_type_ == kQ3_K_L;
    return third ? GK_Q4_K : file_type_ == kQ4_K_M ? GK_Q5_K : file_type_ == kQ5_K_M ? GK_Q6_K : base_;
  }
  return base_;
}

gk_type TypeMix::type_of(std::string_view tensor, int64_t row, int32_t dimensions, const MixModel &model) const {
  if (dimensions < 2) return GK_F32;
  return fitting_type(by_tensor_ ? choose(tensor, row, model) : base_, row);
}

gk_type TypeMix::type_of(std::string_view tensor, int64_t row, int32_t dimensions, int32_t layers, bool tied) const {
  MixModel model;
  model.layers = layers;
  model.tied = tied;
  model.seventy = layers == 80;
  return type_of(tensor, row, dimensions, model);
}

}  // namespace graft
