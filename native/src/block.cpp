#include "block.h"

#include <algorithm>

#include "linear_group.h"
#include "weights.h"

namespace graft {
namespace {

void norm_forward(const Pass &pass, const float *x, const float *weight, gk_act y, float *rstd) {
  const Hyperparameters &hyper = pass.model.hyper();
  check(pass.model.ops().rmsnorm_fwd(pass.model.backend(), gk_f32(x), weight, hyper.norm_eps, pass.rows, hyper.width, 1, hyper.width, y, rstd), "rmsnorm");
}

// Norm over each head of a [T, heads*D] tensor.
void head_norm_forward(const Pass &pass, gk_act x, const float *weight, int32_t heads, gk_act y, float *rstd) {
  const Hyperparameters &hyper = pass.model.hyper();
  const int64_t width = hyper.head_width;
  check(pass.model.ops().rmsnorm_fwd(pass.model.backend(), x, weight, hyper.norm_eps, pass.rows * heads, width, heads, heads * width, y, rstd), "rmsnorm");
}

// Where a norm's gradient goes; NULL when it is not trained.
float *norm_gradient(const Pass &pass, const float *weight, float *parameter_gradient) {
  const Weights *trained = pass.model.trained();
  return trained ? trained->gradient_of(weight, parameter_gradient) : nullptr;
}

// dx += the norm's part.
void norm_backward(const Pass &pass, gk_act dy, const float *x, const float *weight, const float *rstd, float *parameter_gradient, float *dx) {
  const int64_t width = pass.model.hyper().width;
  check(pass.model.ops().rmsnorm_bwd(pass.model.backend(), dy, gk_f32(x), weight, rstd, pass.rows, width, 1, width, gk_f32(dx), 1, norm_gradient(pass, weight, parameter_gradient)), "rmsnorm_bwd");
}

void head_norm_backward(const Pass &pass, gk_act x, const float *weight, const float *rstd, int32_t heads, float *parameter_gradient, gk_act dy) {
  const int64_t width = pass.model.hyper().head_width;
  check(pass.model.ops().rmsnorm_bwd(pass.model.backend(), dy, x, weight, rstd, pass.rows * heads, width, heads, heads * width, dy, 0,
                                     norm_gradient(pass, weight, parameter_gradient)), "rmsnorm_bwd");
}

void rotate(const Pass &pass, gk_act x, int32_t heads, int32_t direction) {
  const gk_rope rope = pass.model.rope();
  check(pass.model.ops().rope(pass.model.backend(), &rope, x, pass.positions, pass.rows, heads, pass.model.hyper().head_width, direction), "rope");
}

}  // namespace

void LowRank::declare(Workspace *workspace, int64_t rows, const int32_t *ranks, gk_type type) {
  stride_ = {};
  for (size_t t = 0; t < size_t(kTargets); t++) {
    int64_t &stride = stride_[size_t(kGroup[t])];
    offset_[t] = stride;
    stride += ranks[t];
  }
  for (size_t g = 0; g < size_t(kGroups); g++) {
    groups_[g] = {nullptr, type};
    if (stride_[g]) workspace->add(&groups_[g], rows * stride_[g], type);
  }
}

void LowRank::set_type(gk_type type) {
  for (gk_act &group : groups_) group.type = type;
}

void BlockTensors::declare(Workspace *workspace, const Model &model, int64_t rows, const int32_t *ranks, gk_type type) {
  const Hyperparameters &hyper = model.hyper();
  const bool head_norms = model.layer(0).query_norm != nullptr;
  workspace->add(&query, rows * hyper.query_width(), type);
  workspace->add(&key, rows * hyper.kv_width(), type);
  workspace->add(&value, rows * hyper.kv_width(), type);
  query_raw = key_raw = {nullptr, type};
  query_rstd = key_rstd = nullptr;
  if (head_norms) {
    workspace->add(&query_raw, rows * hyper.query_width(), type);
    workspace->add(&key_raw, rows * hyper.kv_width(), type);
    workspace->add(&query_rstd, rows * hyper.heads);
    workspace->add(&key_rstd, rows * hyper.kv_heads);
  }
  workspace->add(&attended, rows * hyper.query_width(), type);
  workspace->add(&lse, rows * hyper.heads);
  workspace->add(&mid, rows * hyper.width);
  workspace->add(&gate, rows * hyper.feed_forward, type);
  workspace->add(&up, rows * hyper.feed_forward, type);
  workspace->add(&attention_rstd, rows);
  workspace->add(&feed_forward_rstd, rows);
  hidden.declare(workspace, rows, ranks, type);
}

void BlockTensors::set_type(gk_type type) {
  for (gk_act *act : {&query, &key, &value, &query_raw, &key_raw, &attended, &gate, &up}) act->type = type;
  hidden.set_type(type);
}

void BlockScratch::declare(Workspace *workspace, const Model &model, int64_t rows, bool dropout, gk_type type) {
  const Hyperparameters &hyper = model.hyper();
  workspace->add(&normed, rows * hyper.width, type);
  workspace->add(&activated, rows * hyper.feed_forward, type);
  dropped = {nullptr, type};
  if (dropout) workspace->add(&dropped, rows * std::max<int64_t>({hyper.width, hyper.query_width(), hyper.feed_forward}), type);
}

void BlockGradients::declare(Workspace *workspace, const Model &model, int64_t rows, const int32_t *ranks, gk_type type) {
  const Hyperparameters &hyper = model.hyper();
  workspace->add(&dnormed, rows * hyper.width, type);
  workspace->add(&dactivated, rows * hyper.feed_forward, type);
  workspace->add(&dquery, rows * hyper.query_width(), type);
  workspace->add(&dkey, rows * hyper.kv_width(), type);
  workspace->add(&dvalue, rows * hyper.kv_width(), type);
  workspace->add(&dattended, rows * hyper.query_width(), type);
  dhidden.declare(workspace, rows, ranks, type);
}

void block_project(const Pass &pass, int32_t layer, const float *x, const BlockTensors &t, const BlockScratch &scratch) {
  const Hyperparameters &hyper = pass.model.hyper();
  const Layer &weights = pass.model.layer(layer);
  const bool head_norms = weights.query_norm != nullptr;
  const gk_act query = head_norms ? t.query_raw : t.query, key = head_norms ? t.key_raw : t.key;
  norm_forward(pass, x, weights.attention_norm, scratch.normed, t.attention_rstd);
  const GroupMember members[] = {{kQuery, query}, {kKey, key}, {kValue, t.value}};
  linear_group_forward(pass, layer, members, 3, scratch.normed, hyper.width, false, t.hidden, scratch.dropped);
  if (head_norms) {
    head_norm_forward(pass, query, weights.query_norm, hyper.heads, t.query, t.query_rstd);
    head_norm_forward(pass, key, weights.key_norm, hyper.kv_heads, t.key, t.key_rstd);
  }
  rotate(pass, t.query, hyper.heads, +1);
  rotate(pass, t.key, hyper.kv_heads, +1);
}

void block_finish(const Pass &pass, int32_t layer, const float *x, const BlockTensors &t, const BlockScratch &scratch, float *y) {
  const Hyperparameters &hyper = pass.model.hyper();
  const gk_ops &ops = pass.model.ops();
  gk_backend *backend = pass.model.backend();
  const int64_t residual_bytes = pass.rows * hyper.width * int64_t(sizeof(float));

  check(ops.copy(backend, t.mid, x, residual_bytes), "copy");
  const GroupMember output{kOutput, gk_f32(t.mid)};
  linear_group_forward(pass, layer, &output, 1, t.attended, hyper.query_width(), true, t.hidden, scratch.dropped);

  norm_forward(pass, t.mid, pass.model.layer(layer).feed_forward_norm, scratch.normed, t.feed_forward_rstd);
  const GroupMember members[] = {{kGate, t.gate}, {kUp, t.up}};
  linear_group_forward(pass, layer, members, 2, scratch.normed, hyper.width, false, t.hidden, scratch.dropped);
  check(ops.swiglu_fwd(backend, t.gate, t.up, pass.rows * hyper.feed_forward, scratch.activated), "swiglu");

  if (!y) return linear_hidden_forward(pass, layer, kDown, scratch.activated, hyper.feed_forward, t.hidden, scratch.dropped);
  check(ops.copy(backend, y, t.mid, residual_bytes), "copy");
  const GroupMember down{kDown, gk_f32(y)};
  linear_group_forward(pass, layer, &down, 1, scratch.activated, hyper.feed_forward, true, t.hidden, scratch.dropped);
}

void block_forward(const Pass &pass, const std::vector<gk_segment> &segments, int32_t layer, const float *x, const BlockTensors &t,
                   const BlockScratch &scratch, float *y) {
  block_project(pass, layer, x, t, scratch);
  const gk_attention attention = pass.model.attention(segments);
  check(pass.model.ops().attention_fwd(pass.model.backend(), &attention, t.query, t.key, t.value, t.attended, t.lse), "attention");
  block_finish(pass, layer, x, t, scratch, y);
}

void block_backward(const Pass &pass, const std::vector<gk_segment> &segments, int32_t layer, const float *x, const BlockTensors &t,
                    const BlockScratch &scratch, const BlockGradients &g, bool last, float *parameter_gradient, float *dx) {
  const Hyperparameters &hyper = pass.model.hyper();
  const Layer &weights = pass.model.layer(layer);
  const gk_ops &ops = pass.model.ops();
  gk_backend *backend = pass.model.backend();
  const int64_t rows = pass.rows, width = hyper.width;

  // fwd: y = mid + swiglu(gate, up)·Wdᵀ
  check(ops.swiglu_fwd(backend, t.gate, t.up, rows * hyper.feed_forward, scratch.activated), "swiglu");
  const GroupMember down{kDown, gk_f32(dx)};
  linear_group_backward(pass, layer, &down, 1, scratch.activated, hyper.feed_forward, t.hidden, g.dhidden, scratch.dropped, parameter_gradient, g.dactivated);
  check(ops.swiglu_bwd(backend, g.dactivated, t.gate, t.up, rows * hyper.feed_forward, t.gate, t.up), "swiglu_bwd");
  // fwd: gate, up = rmsnorm(mid)·Wᵀ
  norm_forward(pass, t.mid, weights.feed_forward_norm, scratch.normed, t.feed_forward_rstd);
  const GroupMember gate_up[] = {{kGate, t.gate}, {kUp, t.up}};
  linear_group_backward(pass, layer, gate_up, 2, scratch.normed, width, t.hidden, g.dhidden, scratch.dropped, parameter_gradient, g.dnormed);
  norm_backward(pass, g.dnormed, t.mid, weights.feed_forward_norm, t.feed_forward_rstd, parameter_gradient, dx);

  // fwd: mid = x + attended·Woᵀ
  const GroupMember output{kOutput, gk_f32(dx)};
  linear_group_backward(pass, layer, &output, 1, t.attended, hyper.query_width(), t.hidden, g.dhidden, scratch.dropped, parameter_gradient, g.dattended);
  check(ops.zero(backend, g.dkey.data, gk_type_bytes(g.dkey.type, rows * hyper.kv_width())), "zero");
  check(ops.zero(backend, g.dvalue.data, gk_type_bytes(g.dvalue.type, rows * hyper.kv_width())), "zero");
  const gk_attention attention = pass.model.attention(segments);
  check(ops.attention_bwd(backend, &attention, t.query, t.key, t.value, t.attended, t.lse, g.dattended, g.dquery, g.dkey, g.dvalue), "attention_bwd");
  // fwd: q, k = rope(norm(rmsnorm(x)·Wᵀ))
  rotate(pass, g.dquery, hyper.heads, -1);
  rotate(pass, g.dkey, hyper.kv_heads, -1);
  if (weights.query_norm) {
    head_norm_backward(pass, t.query_raw, weights.query_norm, t.query_rstd, hyper.heads, parameter_gradient, g.dquery);
    head_norm_backward(pass, t.key_raw, weights.key_norm, t.key_rstd, hyper.kv_heads, parameter_gradient, g.dkey);
  }
  norm_forward(pass, x, weights.attention_norm, scratch.normed, t.attention_rstd);
  const GroupMember projections[] = {{kQuery, g.dquery}, {kKey, g.dkey}, {kValue, g.dvalue}};
  linear_group_backward(pass, layer, projections, 3, scratch.normed, width, t.hidden, g.dhidden, scratch.dropped, parameter_gradient, last ? gk_act{} : g.dnormed);
  if (!last) norm_backward(pass, g.dnormed, x, weights.attention_norm, t.attention_rstd, parameter_gradient, dx);
}

}  // namespace graft
