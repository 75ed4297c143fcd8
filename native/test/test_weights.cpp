// Training of all weights: gradients against central differences of the plain double-precision model, instruction sets against the reference,
// files, checkpoints, weight decay, and that the model is its old self afterwards.
#include <algorithm>

#include "model_testing.h"

using namespace graft;
using namespace graft::testing;

namespace {

RandomModelSpec small(const char *architecture, bool tied, const char *mix = "F32") {
  RandomModelSpec s;
  s.architecture = architecture;
  s.layers = 2;
  s.width = 32;
  s.heads = 4;
  s.kv_heads = 2;
  s.feed_forward = 64;
  s.vocabulary_size = 290;
  s.tied = tied;
  s.mix = mix;
  s.seed = 5;
  return s;
}

struct Trained {
  Runtime runtime;
  Model model;
  std::unique_ptr<Weights> weights;
  std::unique_ptr<Trainer> trainer;
  Trained(const char *isa, const std::string &path, const TrainerOptions &options) : runtime("cpu", isa, 2), model(runtime, path), weights(Weights::open(model)) {
    trainer = std::make_unique<Trainer>(model, nullptr, weights.get(), options);
  }
  std::vector<float> values() {
    std::vector<float> host(size_t(weights->parameter_floats()));
    check(model.ops().download(model.backend(), host.data(), weights->parameters(), weights->parameter_floats() * 4), "download");
    return host;
  }
};

void gradients_equal_differences() {
  Folder folder;
  const Rows rows{{random_tokens(9, 290, 1), random_tokens(6, 290, 2), random_tokens(1, 290, 3)}};
  for (const char *architecture : {"llama", "qwen2", "qwen3"})
    for (const bool tied : {false, true}) {
      write_random_model(folder / "model.gguf", small(architecture, tied));
      const std::unique_ptr<Gguf> file = Gguf::open(folder / "model.gguf");
      PlainModel plain(*file);
      std::vector<float> logps, expected;
      const std::vector<std::string> levels = isas();
      for (size_t level = levels.size(); level-- > 0;) {  // ref comes first
        const std::string &isa = levels[level];
        for (const bool recompute : {false, true}) {
          Trained t(isa.c_str(), folder / "model.gguf", options(true, recompute));
          backward_through(*t.trainer, rows, &logps);
          const std::vector<float> gradient = gradient_of(*t.trainer);
          const std::string label = std::string(architecture) + (tied ? " tied " : " ") + isa;
          if (!expected.empty()) {
            close_to((label + " gradient").c_str(), relative_error(gradient, expected), 0, 20 * unit_of(isa));
            continue;
          }
          expected = gradient;
          for (const GgufTensor &tensor : file->tensors()) {
            int64_t offset, count;
            t.weights->locate(tensor.name, &offset, &count);
            Vector &values = plain.weight(tensor.name);
            CHECK(int64_t(values.size()) == count);
            // Elements at the ends, in the middle, and for tables the row of a token that occurs.
            const size_t used = size_t(rows.rows[0][3]) * 32 + 5;
            for (size_t i : {size_t(0), values.size() / 2, values.size() - 1, std::min(used, values.size() - 1)}) {
              const double kept = values[i], h = 1e-4;
              values[i] = kept + h;
              const double above = mean_loss(plain, rows);
              values[i] = kept - h;
              const double below = mean_loss(plain, rows);
              values[i] = kept;
              const double difference = (above - below) / (2 * h);
              close_to((label + " " + tensor.name).c_str(), gradient[size_t(offset) + i], difference, 1e-7 + 1e-4 * std::fabs(difference));
            }
          }
        }
      }
    }
}

// A head too large for all logits at once is gone through again in the backward: the same gradient as target by target.
void head_in_chunks() {
  Folder folder;
  RandomModelSpec spec = small("llama", true);
  spec.layers = 1;
  spec.vocabulary_size = 300000;  // 115 rows of logits in 132 MiB: chunks of 96
  write_random_model(folder / "model.gguf", spec);
  const std::vector<int32_t> row = random_tokens(201, 300000, 4);
  const std::string isa = isas().front();
  std::vector<float> logps;
  Trained whole(isa.c_str(), folder / "model.gguf", options(true));
  std::vector<float> weights(200);
  for (size_t i = 0; i < weights.size(); i++) weights[i] = -float(1 + i % 7) / 800;
  logps.resize(200);
  whole.trainer->forward(Rows{{row}}.batch(*whole.trainer), true, logps.data());
  whole.trainer->backward(weights.data());
  const std::vector<float> together = gradient_of(*whole.trainer);
  Trained parts(isa.c_str(), folder / "model.gguf", options(true));
  const int32_t length = 200, none = -1;
  for (int32_t begin = 0; begin < 200; begin += 50) {
    std::vector<int32_t> target_rows;
    for (int32_t i = 0; i < 50; i++) target_rows.push_back(begin + i);
    Batch batch = make_batch(300000, 256, 256, 1, &length, &none, row.data(), 50, target_rows.data(), row.data() + begin + 1);
    std::vector<float> part(50);
    parts.trainer->forward(std::move(batch), true, part.data());
    for (int i = 0; i < 50; i++) close_to("logp", part[size_t(i)], logps[size_t(begin + i)], 1e-5 * (1 + std::fabs(part[size_t(i)])));
    parts.trainer->backward(weights.data() + begin);
  }
  close_to("gradient in chunks", relative_error(together, gradient_of(*parts.trainer)), 0, 40 * unit_of(isa));
}

std::vector<float> scores(Model &model, const Rows &rows) {
  Trainer scorer(model, nullptr, options(false));
  Batch batch = rows.batch(scorer);
  std::vector<float> logps(size_t(batch.targets()));
  scorer.forward(std::move(batch), false, logps.data());
  return logps;
}

void files() {
  Folder folder;
  const Rows rows{{random_tokens(30, 290, 8)}};
  const std::string isa = isas().front();
  for (const char *mix : {"F32", "F16", "BF16"}) {
    write_random_model(folder / "model.gguf", small("qwen2", false, mix));
    Runtime runtime(test_device(), isa.c_str(), 2);
    Model model(runtime, folder / "model.gguf");
    const std::vector<float> before = scores(model, rows);
    {
      std::unique_ptr<Weights> weights = Weights::open(model);
      CHECK(scores(model, rows) == before);
      expect_error("twice", GRAFT_USAGE, "already", [&] { Weights::open(model); });
      weights->save(folder / "same.gguf", "", "");
      CHECK(gguf_testing::read_file(folder / "same.gguf") == gguf_testing::read_file(folder / "model.gguf"));  // nothing learnt, nothing changed
      Trainer trainer(model, nullptr, weights.get(), options(true));
      std::vector<float> logps;
      double first = 0, last = 0;
      for (int step = 0; step < 12; step++) {
        const double loss = backward_through(trainer, rows, &logps);
        if (step == 0) first = loss;
        last = loss;
        trainer.step(3e-3f, 0, 1);
      }
      CHECK(last < 0.5 * first);
      const std::vector<float> tuned = scores(model, rows);
      weights->save(folder / "f32.gguf", "F32", "tuned");
      weights->save(folder / "q8_0.gguf", "q8_0", "");
      weights->save(folder / "as-it-was.gguf", "", "");
      Model exact(runtime, folder / "f32.gguf");
      CHECK(scores(exact, rows) == tuned);
      CHECK(exact.hyper().name == "tuned");
      for (const char *other : {"q8_0.gguf", "as-it-was.gguf"}) {
        Model rounded(runtime, folder / other);
        const std::vector<float> got = scores(rounded, rows);
        double worst = 0;
        for (size_t i = 0; i < got.size(); i++) worst = std::max(worst, double(std::fabs(got[i] - tuned[i])));
        close_to(other, worst, 0, 0.3);
        CHECK(rounded.embedding().type == (other[0] == 'q' ? GK_Q8_0 : model.file().tensor("token_embd.weight")->type));
      }
      expect_error("type", GRAFT_USAGE, "Q8_0", [&] { weights->save(folder / "x.gguf", "Q4_K", ""); });
      const float nan = NAN;
      check(model.ops().upload(model.backend(), weights->parameters() + 40, &nan, 4), "upload");
      expect_error("nan", GRAFT_NOT_FINITE, "token_embd.weight", [&] { weights->save(folder / "f32.gguf", "", ""); });
      Model intact(runtime, folder / "f32.gguf");
      CHECK(scores(intact, rows) == tuned);  // the failed write left the file alone
    }
    CHECK(scores(model, rows) == before);  // the model is the file's again
  }
}

void checkpoints_are_exact() {
  Folder folder;
  write_random_model(folder / "model.gguf", small("llama", true));
  const Rows rows{{random_tokens(20, 290, 8), random_tokens(11, 290, 9)}};
  const std::string isa = isas().front();
  std::vector<float> logps;
  Trained unbroken(isa.c_str(), folder / "model.gguf", options(true));
  for (int step = 0; step < 6; step++) {
    if (step == 3) unbroken.trainer->save(folder / "state.bin");
    backward_through(*unbroken.trainer, rows, &logps);
    unbroken.trainer->step(1e-3f, 0.1f, 1);
  }
  Trained resumed(isa.c_str(), folder / "model.gguf", options(true));
  resumed.trainer->load(folder / "state.bin");
  for (int step = 3; step < 6; step++) {
    backward_through(*resumed.trainer, rows, &logps);
    resumed.trainer->step(1e-3f, 0.1f, 1);
  }
  CHECK(resumed.values() == unbroken.values());
  write_random_model(folder / "untied.gguf", small("llama", false));
  Trained other(isa.c_str(), folder / "untied.gguf", options(true));
  expect_error("other shape", GRAFT_BAD_FILE, "another shape", [&] { other.trainer->load(folder / "state.bin"); });
  Runtime runtime(test_device(), isa.c_str(), 1);
  Model model(runtime, folder / "model.gguf");
  std::unique_ptr<Adapter> adapter = filled_adapter(model, 3, "all-linear", 9);
  Trainer lora(model, adapter.get(), options(true));
  expect_error("an adapter's", GRAFT_BAD_FILE, "another shape", [&] { lora.load(folder / "state.bin"); });
}

// With a zero gradient AdamW changes nothing but what decay does: matrices shrink, norms and biases stay.
void decay_spares_norms_and_biases() {
  Folder folder;
  write_random_model(folder / "model.gguf", small("qwen2", false));
  Trained t(isas().front().c_str(), folder / "model.gguf", options(true));
  const std::vector<float> before = t.values();
  t.trainer->step(0.1f, 0.5f, 0);
  const std::vector<float> after = t.values();
  for (const GgufTensor &tensor : t.model.file().tensors()) {
    int64_t offset, count;
    t.weights->locate(tensor.name, &offset, &count);
    const double factor = tensor.dimensions > 1 ? 0.95 : 1;
    for (int64_t i = offset; i < offset + count; i++) close_to(tensor.name.c_str(), after[size_t(i)], factor * before[size_t(i)], 1e-6);
  }
}

void what_cannot_be() {
  Folder folder;
  write_random_model(folder / "model.gguf", small("llama", false, "Q8_0"));
  Runtime runtime(test_device(), isas().front().c_str(), 1);
  Model quantized(runtime, folder / "model.gguf");
  expect_error("quantized", GRAFT_USAGE, "F32, F16 or BF16", [&] { Weights::open(quantized); });
  expect_error("quantized, estimate", GRAFT_USAGE, "F32, F16 or BF16", [&] { Trainer::memory_bytes_of_weights(quantized, options(true)); });
  write_random_model(folder / "plain.gguf", small("llama", false));
  Model model(runtime, folder / "plain.gguf");
  std::unique_ptr<Adapter> adapter = filled_adapter(model, 3, "all-linear", 9);
  std::unique_ptr<Weights> weights = Weights::open(model);
  expect_error("both", GRAFT_USAGE, "not both", [&] { Trainer(model, adapter.get(), weights.get(), options(true)); });
  expect_error("adapter meanwhile", GRAFT_USAGE, "while all weights", [&] { Trainer(model, adapter.get(), options(true)); });
  expect_error("dropout", GRAFT_USAGE, "dropout", [&] { Trainer(model, nullptr, weights.get(), options(true, false, 0.1f)); });
  expect_error("no such tensor", GRAFT_USAGE, "blk.9", [&] {
    int64_t offset, count;
    weights->locate("blk.9.attn_q.weight", &offset, &count);
  });
  const Trainer trainer(model, nullptr, weights.get(), options(true));
  const int64_t estimate = Trainer::memory_bytes_of_weights(model, options(true));
  CHECK(estimate > 4 * weights->parameter_floats() * 4);
}

}  // namespace

int main() {
  run("gradients_equal_differences", gradients_equal_differences);
  run("head_in_chunks", head_in_chunks);
  run("files", files);
  run("checkpoints_are_exact", checkpoints_are_exact);
  run("decay_spares_norms_and_biases", decay_spares_norms_and_biases);
  run("what_cannot_be", what_cannot_be);
  return finish("test_weights");
}
