#include "linear_group.h"

#include "importance.h"
#include "weights.h"

namespace graft {
namespace {

constexpr int kMostProducts = 2 * kTargets;

// Each (training pass, layer, target) has a mask of its own, reproducible in the backward.
uint64_t dropout_stream(const Pass &pass, int32_t layer, Target target) {
  return (pass.pass_number * uint64_t(pass.model.hyper().layers) + uint64_t(layer)) * kTargets + uint64_t(target);
}

// The one adapter over all rows, or NULL.
const Adapter *whole_adapter(const Pass &pass) {
  const bool whole = pass.adapters.size() == 1 && pass.adapters[0].begin == 0 && pass.adapters[0].count == pass.rows;
  return whole ? pass.adapters[0].adapter : nullptr;
}

// Does an adapter of any row touch the target?
bool touched(const Pass &pass, int32_t layer, Target target) {
  for (const AdapterSpan &span : pass.adapters)
    if (span.adapter->find(layer, target)) return true;
  return false;
}

// hidden = input·Aᵀ of each member that the span's adapter touches; one product where they share an input, which dropout forbids.
void down_project_apart(const Pass &pass, int32_t layer, const AdapterSpan &span, const GroupMember *members, int count, gk_act x, int64_t k, const LowRank &hidden,
                        gk_act dropped) {
  const gk_ops &ops = pass.model.ops();
  gk_backend *backend = pass.model.backend();
  const gk_act input = gk_act_at(x, span.begin * k);
  gk_product products[kMostProducts] = {};
  int group = 0;
  for (int i = 0; i < count; i++) {
    const LoraTensor *lora = span.adapter->find(layer, members[i].target);
    if (!lora) continue;
    const int64_t stride = hidden.stride(lora->target);
    products[group++] = {span.adapter->a(*lora), gk_act_at(hidden.of(lora->target), span.begin * stride), stride, 1.0f, 0};
    if (pass.dropout == 0) continue;
    check(ops.dropout(backend, input, pass.dropout, pass.dropout_seed, dropout_stream(pass, layer, lora->target), span.count * k, dropped, 0), "dropout");
    check(ops.matmul_fwd(backend, 1, products, dropped, k, span.count, k), "matmul");
    group = 0;
  }
  if (group) check(ops.matmul_fwd(backend, group, products, input, k, span.count, k), "matmul");
}

// y = or += s · hidden·Bᵀ of each member that the span's adapter touches.
void up_project(const Pass &pass, int32_t layer, const AdapterSpan &span, const GroupMember *members, int count, const LowRank &hidden, bool accumulate) {
  for (int i = 0; i < count; i++) {
    const LoraTensor *lora = span.adapter->find(layer, members[i].target);
    if (!lora) continue;
    const gk_product up{span.adapter->b(*lora), gk_act_at(members[i].y, span.begin * lora->n), lora->n, lora->scale * span.scale, accumulate ? 1 : 0};
    const int64_t stride = hidden.stride(lora->target);
    check(pass.model.ops().matmul_fwd(pass.model.backend(), 1, &up, gk_act_at(hidden.of(lora->target), span.begin * stride), stride, span.count, lora->rank), "matmul");
  }
}

}  // namespace

void linear_hidden_forward(const Pass &pass, int32_t layer, Target target, gk_act x, int64_t k, const LowRank &hidden, gk_act dropped) {
  const GroupMember member{target, {}};
  for (const AdapterSpan &span : pass.adapters) down_project_apart(pass, layer, span, &member, 1, x, k, hidden, dropped);
}

void linear_group_forward(const Pass &pass, int32_t layer, const GroupMember *members, int count, gk_act x, int64_t k, bool accumulate, const LowRank &hidden,
                          gk_act dropped) {
  const gk_ops &ops = pass.model.ops();
  gk_backend *backend = pass.model.backend();
  const Adapter *whole = whole_adapter(pass);
  gk_product products[kMostProducts] = {};
  int group = 0;
  for (int i = 0; pass.importance && i < count; i++)
    pass.importance->add(pass.model, "blk." + std::to_string(layer) + "." + name_of(members[i].target) + ".weight", x, pass.rows, k);
  // Where y is rounded, the small terms go first, whoever they are of: then the sum is rounded once, a row's bits do not depend on the adapters of others, and what is read again is read
  // where the large product writes it anyway.
  const bool small_first = !pass.adapters.empty() && members[0].y.type != GK_F32;
  const Adapter *joined = small_first || pass.dropout > 0 ? nullptr : whole;  // its A products join the base group, whose input is theirs
  for (int i = 0; i < count; i++) {
    const Linear &linear = pass.model.layer(layer).linear[members[i].target];
    const bool begun = small_first && touched(pass, layer, members[i].target);
    products[group++] = {linear.weight, members[i].y, linear.weight.n, 1.0f, accumulate || begun ? 1 : 0};
    if (begun && !accumulate && !whole) check(ops.zero(backend, members[i].y.data, gk_type_bytes(members[i].y.type, pass.rows * linear.weight.n)), "zero");
  }
  const auto low_rank = [&](bool add) {
    for (const AdapterSpan &span : pass.adapters) {  // hidden rows are used before the next span, which may cover the same rows
      if (!joined) down_project_apart(pass, layer, span, members, count, x, k, hidden, dropped);
      up_project(pass, layer, span, members, count, hidden, add);
    }
  };
  if (small_first) low_rank(accumulate || !whole);
  for (int i = 0; joined && i < count; i++)
    if (const LoraTensor *lora = joined->find(layer, members[i].target))
      products[group++] = {joined->a(*lora), hidden.of(lora->target), hidden.stride(lora->target), 1.0f, 0};
  check(ops.matmul_fwd(backend, group, products, x, k, pass.rows, k), "matmul");

  for (int i = 0; i < count; i++) {
    const Linear &linear = pass.model.layer(layer).linear[members[i].target];
    if (linear.bias) check(ops.add_bias(backend, members[i].y, linear.bias, pass.rows, linear.weight.n), "add_bias");
  }
  if (!small_first) low_rank(true);
}

namespace {

// fwd: y = x·Wᵀ + b
void weight_backward(const Pass &pass, const Linear &linear, gk_act dy, gk_act x, int64_t k, float *parameter_gradient) {
  const gk_ops &ops = pass.model.ops();
  const Weights &trained = *pass.model.trained();
  const int64_t n = linear.weight.n;
  check(ops.matmul_dw(pass.model.backend(), dy, n, x, k, pass.rows, n, k, 1.0f, trained.gradient_of(linear.weight.data, parameter_gradient)), "matmul_dw");
  if (linear.bias) check(ops.add_bias_bwd(pass.model.backend(), dy, pass.rows, n, trained.gradient_of(linear.bias, parameter_gradient)), "add_bias_bwd");
}

}  // namespace

void linear_group_backward(const Pass &pass, int32_t layer, const GroupMember *members, int count, gk_act x, int64_t k, const LowRank &hidden,
                           const LowRank &dhidden, gk_act dropped, float *parameter_gradient, gk_act dx) {
  const gk_ops &ops = pass.model.ops();
  gk_backend *backend = pass.model.backend();
  const Adapter *adapter = pass.adapters.empty() ? nullptr : pass.adapters[0].adapter;
  const int64_t m = pass.rows;
  const bool small_first = dx.type != GK_F32;   // as in the forward
  gk_product products[kMostProducts] = {};
  int group = 0;
  for (int i = 0; i < count; i++) {
    const Linear &linear = pass.model.layer(layer).linear[members[i].target];
    if (pass.model.trained()) weight_backward(pass, linear, members[i].y, x, k, parameter_gradient);
  }
  const auto base = [&] {
    for (int i = 0; i < count; i++) {
      const gk_weight &weight = pass.model.layer(layer).linear[members[i].target].weight;
      products[group++] = {weight, members[i].y, weight.n, 1.0f, 0};
    }
  };
  if (!small_first) base();
  for (int i = 0; adapter && i < count; i++) {
    const LoraTensor *lora = adapter->find(layer, members[i].target);
    if (!lora) continue;
    const gk_act dy = members[i].y, h = hidden.of(lora->target), dh = dhidden.of(lora->target);
    const int64_t stride = hidden.stride(lora->target);
    // fwd: h = d(x)·Aᵀ;  y += s · h·Bᵀ
    check(ops.matmul_dw(backend, dy, lora->n, h, stride, m, lora->n, lora->rank, lora->scale, parameter_gradient + lora->b_offset), "matmul_dw");
    const gk_product up{adapter->b(*lora), dy, lora->n, lora->scale, 0};
    check(ops.matmul_dx(backend, 1, &up, dh, stride, m, lora->rank, 0), "matmul_dx");
    gk_act input = x;
    if (pass.dropout > 0) {
      check(ops.dropout(backend, x, pass.dropout, pass.dropout_seed, dropout_stream(pass, layer, lora->target), m * k, dropped, 0), "dropout");
      input = dropped;
    }
    check(ops.matmul_dw(backend, dh, stride, input, k, m, lora->rank, k, 1.0f, parameter_gradient + lora->a_offset), "matmul_dw");
    if (pass.dropout == 0) products[group++] = {adapter->a(*lora), dh, stride, 1.0f, 0};
  }
  if (small_first) base();
  if (!dx.data) return;
  check(ops.matmul_dx(backend, group, products, dx, k, m, k, 0), "matmul_dx");
  for (int i = 0; adapter && pass.dropout > 0 && i < count; i++) {
    const LoraTensor *lora = adapter->find(layer, members[i].target);
    if (!lora) continue;
    const gk_product down{adapter->a(*lora), dhidden.of(lora->target), dhidden.stride(lora->target), 1.0f, 0};
    check(ops.matmul_dx(backend, 1, &down, dropped, k, m, k, 0), "matmul_dx");
    check(ops.dropout(backend, dropped, pass.dropout, pass.dropout_seed, dropout_stream(pass, layer, members[i].target), m * k, dx, 1), "dropout");
  }
}

}  // namespace graft
