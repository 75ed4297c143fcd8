// Every preference loss through a small model: the adapter's gradient against central differences of the independent statement over the plain
// double-precision model.
#include "preference_testing.h"

using namespace graft;
using namespace graft::testing;

namespace {

Preferences score(const PlainModel &plain, const std::vector<std::vector<int32_t>> &rows) {
  Preferences p;
  for (const std::vector<int32_t> &row : rows) {
    const PlainModel::Scores scores = plain.score(row);
    p.logps.emplace_back(scores.logps.begin(), scores.logps.end());
    p.alignment.emplace_back(scores.log_squares.begin(), scores.log_squares.end());
  }
  return p;
}

// Each kind's gradient by adapter values (WPO's weights, aligned with the model's own log Σ p², held constant as `exact` has them): the trainer's backward with the kind's weights against central differences of the statement over the plain model.
void gradients_through_a_model() {
  Folder folder;
  RandomModelSpec spec;
  spec.architecture = "llama";
  spec.layers = 2;
  spec.width = 32;
  spec.heads = 4;
  spec.kv_heads = 2;
  spec.feed_forward = 64;
  spec.vocabulary_size = 290;
  spec.mix = "F32";
  spec.seed = 5;
  write_random_model(folder / "model.gguf", spec);
  const std::unique_ptr<Gguf> file = Gguf::open(folder / "model.gguf");
  Runtime runtime("cpu", "ref", 2);
  Model model(runtime, folder / "model.gguf");
  std::unique_ptr<Adapter> adapter = filled_adapter(model, 3, "attn_q,attn_v,ffn_down", 9);
  const Rows rows{{random_tokens(6, 290, 1), random_tokens(4, 290, 2), random_tokens(3, 290, 3), random_tokens(5, 290, 4)}};
  PlainModel plain(*file);
  const std::vector<Tokens> reference = score(plain, rows.rows).logps;  // the bare base
  give_plain(plain, *adapter);
  Trainer trainer(model, adapter.get(), options(true));

  // What every kind needs: the statement's log-probabilities at each perturbed value, computed once.
  struct Probe {
    std::string name;
    size_t place;
    Preferences above, below;
  };
  const double h = 1e-4;
  std::vector<Probe> probes;
  for (const LoraTensor &tensor : adapter->tensors())
    for (int matrix = 0; matrix < 2; matrix++) {
      Vector &values = matrix ? plain.lora[tensor.weight_name()].b : plain.lora[tensor.weight_name()].a;
      const size_t i = values.size() / 2;
      const double kept = values[i];
      values[i] = kept + h;
      Preferences above = score(plain, rows.rows);
      values[i] = kept - h;
      Preferences below = score(plain, rows.rows);
      values[i] = kept;
      probes.push_back({tensor.weight_name() + (matrix ? ".b" : ".a"), size_t(matrix ? tensor.b_offset : tensor.a_offset) + i, above, below});
    }
  const Preferences exact = score(plain, rows.rows);

  double largest = 0;
  for (Case c : all_cases()) {
    std::vector<int32_t> labels;
    if (c.kind == "kto") labels = {1, 0, 0, 1};
    if (c.kind == "kto" || c.kind == "bco_pair") c.settings.shift = 0.25L;
    Batch batch = rows.batch(trainer);
    std::vector<float> logps(static_cast<size_t>(batch.targets())), log_squares(logps.size());
    trainer.forward(std::move(batch), true, logps.data(), nullptr, log_squares.data());
    Preferences p;
    size_t at = 0;
    for (const std::vector<int32_t> &row : rows.rows) {
      p.logps.emplace_back(logps.begin() + long(at), logps.begin() + long(at + row.size() - 1));
      p.alignment.emplace_back(log_squares.begin() + long(at), log_squares.begin() + long(at + row.size() - 1));
      at += row.size() - 1;
    }
    p.reference = reference;
    p.labels = labels;
    const Result result = compute(c.kind, c.settings, p, double(c.settings.shift), 1);
    trainer.backward(result.weights.data());
    const std::vector<float> gradient = gradient_of(trainer);
    trainer.step(0, 0, 0);  // a rate of 0: only forgets the gradient
    for (Probe &probe : probes) {
      for (Preferences *side : {&probe.above, &probe.below}) side->reference = reference, side->labels = labels;
      const double expected = double((statement(c.kind, c.settings, probe.above, exact) - statement(c.kind, c.settings, probe.below, exact)) / (2 * Real(h)));
      largest = std::max(largest, std::fabs(expected));
      // f32 through the model; the loss's slope itself moves with rounded log-probabilities, most where beta or the odds are large
      close_to((c.kind + " " + probe.name).c_str(), gradient[probe.place], expected, 2e-6 + 2e-4 * std::fabs(expected));
    }
  }
  CHECK(largest > 1e-2);
}

}  // namespace

int main() {
  run("through a model", gradients_through_a_model);
  return finish("test_loss_gradients");
}
