// What the model tests share: small models of every kind, adapters with something in them, rows of tokens.
#pragma once
#include <functional>
#include <sstream>

#include "gguf_testing.h"
#include "gguf_writer.h"
#include "lora.h"
#include "plain_model.h"
#include "random_model.h"
#include "trainer.h"

namespace graft::testing {

using gguf_testing::expect_error;
using gguf_testing::finish;
using gguf_testing::Folder;
using gguf_testing::run;

// Every comparison of numbers goes through here: a NaN fails.
inline void close_to(const char *what, double got, double expected, double tolerance) {
  gguf_testing::checks++;
  if (!(std::fabs(got - expected) <= tolerance)) {
    gguf_testing::failures++;
    std::printf("%s: got %.9g, expected %.9g within %.2g\n", what, got, expected, tolerance);
  }
}

// Where the models of a test run: GRAFT_TEST_DEVICE, else the CPU. On a GPU in f32 (GRAFT_CUDA_F32=1), which is what the tolerances are for.
inline const char *test_device() {
  const char *device = std::getenv("GRAFT_TEST_DEVICE");
  return device && *device ? device : "cpu";
}

// So many rounds on the CPU; on an emulated GPU, where everything is slow, a hundredth.
inline int few(int rounds) { return std::string(test_device()) == "cpu" ? rounds : std::max(4, rounds / 100); }

inline std::vector<std::string> isas() {
  if (std::string(test_device()) != "cpu") return {"auto"};
  std::vector<std::string> names;
  std::stringstream list(gk_cpu_isas());
  for (std::string name; std::getline(list, name, ',');) names.push_back(name);
  return names;
}

// Rounding of one dot product, relative: f32, or the two bf16 halves of the amx products.
inline double unit_of(const std::string &isa) { return isa == "amx" ? 1.0 / (1 << 16) : 1.0 / (1 << 22); }

inline uint32_t next_random(uint32_t &state) {
  state = state * 1664525u + 1013904223u;
  return state >> 8;
}

inline std::vector<int32_t> random_tokens(int count, int vocabulary, uint32_t seed) {
  std::vector<int32_t> tokens;
  for (int i = 0; i < count; i++) tokens.push_back(int32_t(next_random(seed) % uint32_t(vocabulary)));
  return tokens;
}

// Copies a GGUF, letting `tweak` add keys or tensors and `skip` leave tensors out.
inline void rewrite(const std::string &from, const std::string &to, const std::function<void(GgufWriter &)> &tweak,
                    const std::function<bool(const std::string &)> &skip = [](const std::string &) { return false; }) {
  const std::unique_ptr<Gguf> file = Gguf::open(from);
  GgufWriter writer;
  for (const auto &[key, value] : file->metadata())
    if (!skip(key)) writer.copy(key, value);
  for (const GgufTensor &tensor : file->tensors())
    if (!skip(tensor.name))
      writer.add_tensor(tensor.name, tensor.type, std::vector<int64_t>(tensor.shape, tensor.shape + tensor.dimensions),
                        [&tensor](const GgufWriter::Sink &sink) { sink(tensor.data, tensor.bytes); });
  tweak(writer);
  writer.write(to);
}

// An adapter whose B is not zero, so that gradients of A and B both exist.
inline std::unique_ptr<Adapter> filled_adapter(Model &model, int rank, const std::string &targets, uint32_t seed) {
  std::unique_ptr<Adapter> adapter = Adapter::create(model, rank, float(2 * rank), false, targets, seed);
  std::vector<float> host(static_cast<size_t>(adapter->parameter_floats()));
  check(model.ops().download(model.backend(), host.data(), adapter->parameters(), adapter->parameter_floats() * 4), "download");
  for (const LoraTensor &tensor : adapter->tensors())
    for (int64_t i = 0; i < tensor.b_count(); i++) host[size_t(tensor.b_offset + i)] = (float(next_random(seed) % 2001) - 1000) * 1e-4f;
  check(model.ops().upload(model.backend(), adapter->parameters(), host.data(), adapter->parameter_floats() * 4), "upload");
  return adapter;
}

inline void give_plain(PlainModel &plain, const Adapter &adapter) {
  const Model &model = adapter.model();
  std::vector<float> host(static_cast<size_t>(adapter.parameter_floats()));
  check(model.ops().download(model.backend(), host.data(), adapter.parameters(), adapter.parameter_floats() * 4), "download");
  for (const LoraTensor &tensor : adapter.tensors()) {
    PlainModel::Lora &lora = plain.lora[tensor.weight_name()];
    lora.rank = tensor.rank;
    lora.a.assign(host.begin() + tensor.a_offset, host.begin() + tensor.a_offset + tensor.a_count());
    lora.b.assign(host.begin() + tensor.b_offset, host.begin() + tensor.b_offset + tensor.b_count());
    plain.lora_scale = tensor.scale;
  }
}

// Rows end to end; every token after the first of its row is a target.
struct Rows {
  std::vector<std::vector<int32_t>> rows;
  Batch batch(const Trainer &trainer) const {
    std::vector<int32_t> lengths, prefixes, tokens, target_rows, target_ids;
    for (const std::vector<int32_t> &row : rows) {
      const int32_t begin = int32_t(tokens.size());
      lengths.push_back(int32_t(row.size()));
      prefixes.push_back(-1);
      tokens.insert(tokens.end(), row.begin(), row.end());
      for (size_t i = 0; i + 1 < row.size(); i++) {
        target_rows.push_back(begin + int32_t(i));
        target_ids.push_back(row[i + 1]);
      }
    }
    return make_batch(trainer.model().hyper().vocabulary, trainer.options().max_tokens, trainer.options().max_targets, int32_t(lengths.size()), lengths.data(),
                      prefixes.data(), tokens.data(), int64_t(target_rows.size()), target_rows.data(), target_ids.data());
  }
};

inline TrainerOptions options(bool trainable, bool recompute = false, float dropout = 0) {
  TrainerOptions options;
  options.trainable = trainable;
  options.max_tokens = 256;
  options.max_targets = 256;
  options.recompute = recompute ? Recompute::kBlock : Recompute::kNone;
  options.dropout = dropout;
  options.seed = 7;
  return options;
}

// Forward and backward of the mean negative log-likelihood; its value.
inline double backward_through(Trainer &trainer, const Rows &rows, std::vector<float> *logps) {
  Batch batch = rows.batch(trainer);
  const size_t n = size_t(batch.targets());
  logps->resize(n);
  trainer.forward(std::move(batch), true, logps->data());
  trainer.backward(std::vector<float>(n, -1.0f / float(n)).data());
  double sum = 0;
  for (float logp : *logps) sum -= double(logp);
  return sum / double(n);
}

inline double mean_loss(const PlainModel &plain, const Rows &rows) {
  double sum = 0;
  size_t count = 0;
  for (const std::vector<int32_t> &row : rows.rows)
    for (double logp : plain.logps(row)) {
      sum -= logp;
      count++;
    }
  return sum / double(count);
}

// |got - expected| / |expected| over all elements.
inline double relative_error(const std::vector<float> &got, const std::vector<float> &expected) {
  double norm = 0, error = 0;
  for (size_t i = 0; i < expected.size(); i++) {
    norm += double(expected[i]) * expected[i];
    error += (double(got[i]) - expected[i]) * (double(got[i]) - expected[i]);
  }
  return std::sqrt(error / norm);
}

inline std::vector<float> gradient_of(Trainer &trainer) {
  std::vector<float> host(static_cast<size_t>(trainer.optimizer().count()));
  check(trainer.model().ops().download(trainer.model().backend(), host.data(), trainer.optimizer().gradient(), trainer.optimizer().count() * 4), "download");
  return host;
}

}  // namespace graft::testing
