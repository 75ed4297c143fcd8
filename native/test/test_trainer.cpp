// Gradients of the whole model against central differences of the plain double-precision one; and what must not change a result: recomputing,
// packing, prefix sharing, saving and loading.
#include <algorithm>

#include "model_testing.h"

using namespace graft;
using namespace graft::testing;

namespace {

RandomModelSpec small(const char *architecture, const char *mix) {
  RandomModelSpec s;
  s.architecture = architecture;
  s.layers = 2;
  s.width = 32;
  s.heads = 4;
  s.kv_heads = 2;
  s.feed_forward = 64;
  s.vocabulary_size = 290;
  s.mix = mix;
  s.seed = 5;
  return s;
}

void gradients_equal_differences() {
  Folder folder;
  const Rows rows{{random_tokens(9, 290, 1), random_tokens(6, 290, 2), random_tokens(1, 290, 3)}};
  for (const char *architecture : {"llama", "qwen2", "qwen3"}) {
    write_random_model(folder / "model.gguf", small(architecture, "Q8_0"));
    const std::unique_ptr<Gguf> file = Gguf::open(folder / "model.gguf");
    for (const std::string &isa : isas()) {
      Runtime runtime(test_device(), isa.c_str(), 2);
      Model model(runtime, folder / "model.gguf");
      std::unique_ptr<Adapter> adapter = filled_adapter(model, 3, "all-linear", 9);
      Trainer trainer(model, adapter.get(), options(true));
      std::vector<float> logps;
      backward_through(trainer, rows, &logps);
      const std::vector<float> gradient = gradient_of(trainer);
      if (isa == "ref") {  // the oracle is slow; other levels are compared with ref's gradient below
        PlainModel plain(*file);
        give_plain(plain, *adapter);
        for (const LoraTensor &tensor : adapter->tensors())
          for (int matrix = 0; matrix < 2; matrix++) {
            Vector &values = matrix ? plain.lora[tensor.weight_name()].b : plain.lora[tensor.weight_name()].a;
            for (size_t i : {size_t(0), values.size() / 2, values.size() - 1}) {
              const double kept = values[i], h = 1e-4;
              values[i] = kept + h;
              const double above = mean_loss(plain, rows);
              values[i] = kept - h;
              const double below = mean_loss(plain, rows);
              values[i] = kept;
              const double expected = (above - below) / (2 * h);
              const double got = gradient[size_t(matrix ? tensor.b_offset : tensor.a_offset) + i];
              close_to((std::string(architecture) + " " + tensor.weight_name() + (matrix ? ".b" : ".a")).c_str(), got, expected, 1e-7 + 1e-4 * std::fabs(expected));
            }
          }
      }
      Runtime reference_runtime("cpu", "ref", 1);
      Model reference_model(reference_runtime, folder / "model.gguf");
      std::unique_ptr<Adapter> reference_adapter = filled_adapter(reference_model, 3, "all-linear", 9);
      Trainer reference(reference_model, reference_adapter.get(), options(true));
      std::vector<float> reference_logps;
      backward_through(reference, rows, &reference_logps);
      const std::vector<float> expected = gradient_of(reference);
      close_to((std::string(architecture) + " " + isa + " gradient").c_str(), relative_error(gradient, expected), 0, 20 * unit_of(isa));
    }
  }
}

// What a forward pass says of the distributions beside log p, whatever the kind of pass and however many chunks the head takes.
void statistics_of_targets() {
  Folder folder;
  for (const char *mix : {"F32", "Q8_0"}) {
    RandomModelSpec spec = small("llama", mix);
    spec.vocabulary_size = 5000;  // more than one of the kernel's blocks
    write_random_model(folder / "model.gguf", spec);
    const std::unique_ptr<Gguf> file = Gguf::open(folder / "model.gguf");
    const Rows rows{{random_tokens(9, 5000, 1), random_tokens(6, 5000, 2), random_tokens(560, 5000, 3)}};  // the head takes 512 targets at most at once
    PlainModel plain(*file);
    std::vector<PlainModel::Scores> expected;
    TrainerOptions large = options(true);
    large.max_tokens = large.max_targets = 600;
    for (const std::string &isa : isas()) {
      Runtime runtime(test_device(), isa.c_str(), 2);
      Model model(runtime, folder / "model.gguf");
      std::unique_ptr<Adapter> adapter = filled_adapter(model, 3, "all-linear", 9);
      give_plain(plain, *adapter);
      for (size_t i = expected.size(); i < rows.rows.size(); i++) expected.push_back(plain.score(rows.rows[i]));
      Trainer trainer(model, adapter.get(), large);
      const size_t n = size_t(rows.batch(trainer).targets());
      for (int kind = 0; kind < 3; kind++) {
        std::vector<float> bare(n), logps(n), means(n, NAN), squares(n, NAN);
        const auto pass = [&](float *out, float *mean, float *square) {
          if (kind == 2) return trainer.rehearse(rows.batch(trainer), out, mean, square);
          trainer.forward(rows.batch(trainer), kind == 1, out, mean, square);
        };
        pass(bare.data(), nullptr, nullptr);
        pass(logps.data(), means.data(), squares.data());
        CHECK(bare == logps);
        size_t at = 0;
        const std::string what = std::string(mix) + " " + isa + " kind " + std::to_string(kind);
        for (const PlainModel::Scores &row : expected)
          for (size_t i = 0; i < row.logps.size(); i++, at++) {
            close_to((what + " mean logit").c_str(), means[at], row.mean_logits[i], 40 * unit_of(isa));
            close_to((what + " log squares").c_str(), squares[at], row.log_squares[i], 40 * unit_of(isa));
          }
        CHECK(at == n);
      }
    }
  }
}

// Directional derivative of the trained loss itself, with dropout: the masks of forward and backward must be the same ones.
void dropout_gradient() {
  Folder folder;
  write_random_model(folder / "model.gguf", small("llama", "F32"));
  Runtime runtime(test_device(), "ref", 2);
  Model model(runtime, folder / "model.gguf");
  std::unique_ptr<Adapter> adapter = filled_adapter(model, 4, "all-linear", 2);
  const Rows rows{{random_tokens(40, 290, 8)}};
  for (const bool recompute : {false, true}) {
    Trainer trainer(model, adapter.get(), options(true, recompute, 0.3f));
    const auto loss_at = [&](const std::vector<float> &parameters) {
      check(model.ops().upload(model.backend(), adapter->parameters(), parameters.data(), adapter->parameter_floats() * 4), "upload");
      trainer.set_passes(41);
      std::vector<float> logps(39);
      trainer.forward(rows.batch(trainer), true, logps.data());
      double sum = 0;
      for (float logp : logps) sum -= double(logp) / 39;
      return sum;
    };
    std::vector<float> start(static_cast<size_t>(adapter->parameter_floats()));
    check(model.ops().download(model.backend(), start.data(), adapter->parameters(), adapter->parameter_floats() * 4), "download");
    const double base = loss_at(start);
    trainer.backward(std::vector<float>(39, -1.0f / 39).data());
    const std::vector<float> gradient = gradient_of(trainer);
    double squares = 0;
    for (float g : gradient) squares += double(g) * g;
    const double step = 2e-3 / std::sqrt(squares);
    std::vector<float> ahead = start, behind = start;
    for (size_t i = 0; i < start.size(); i++) {
      ahead[i] += float(step * gradient[i]);
      behind[i] -= float(step * gradient[i]);
    }
    const double slope = (loss_at(ahead) - loss_at(behind)) / (2 * step);
    close_to("slope along the gradient", slope / squares, 1, 5e-3);
    Trainer plain(model, adapter.get(), options(true));
    check(model.ops().upload(model.backend(), adapter->parameters(), start.data(), adapter->parameter_floats() * 4), "upload");
    std::vector<float> logps(39);
    plain.forward(rows.batch(plain), true, logps.data());
    double undropped = 0;
    for (float logp : logps) undropped -= double(logp) / 39;
    CHECK(std::fabs(undropped - base) > 1e-4);  // the mask does something
  }
}

void results_do_not_depend_on() {
  Folder folder;
  write_random_model(folder / "model.gguf", small("qwen3", "Q4_0"));
  Runtime runtime(test_device(), nullptr, 2);
  Model model(runtime, folder / "model.gguf");
  std::unique_ptr<Adapter> adapter = filled_adapter(model, 4, "attn_q,attn_v,ffn_down", 2);
  const std::vector<int32_t> first = random_tokens(20, 290, 1), second = random_tokens(33, 290, 2);
  const double tolerance = 40 * unit_of(isas().front());

  Trainer together(model, adapter.get(), options(true)), apart(model, adapter.get(), options(true)), recomputing(model, adapter.get(), options(true, true));
  std::vector<float> packed, one, two, again;
  backward_through(together, Rows{{first, second}}, &packed);
  backward_through(recomputing, Rows{{first, second}}, &again);
  CHECK(packed == again);
  CHECK(gradient_of(together) == gradient_of(recomputing));  // bit for bit

  Rows{{first}}.batch(apart);
  Batch batch = Rows{{first}}.batch(apart);
  one.resize(size_t(batch.targets()));
  apart.forward(std::move(batch), true, one.data());
  apart.backward(std::vector<float>(one.size(), -1.0f / float(packed.size())).data());
  batch = Rows{{second}}.batch(apart);
  two.resize(size_t(batch.targets()));
  apart.forward(std::move(batch), true, two.data());
  apart.backward(std::vector<float>(two.size(), -1.0f / float(packed.size())).data());
  one.insert(one.end(), two.begin(), two.end());
  for (size_t i = 0; i < packed.size(); i++) close_to("packed logp", packed[i], one[i], tolerance);
  const std::vector<float> a = gradient_of(together), b = gradient_of(apart);
  double largest = 0;
  for (float g : a) largest = std::max(largest, double(std::fabs(g)));
  for (size_t i = 0; i < a.size(); i++) close_to("packed gradient", a[i], b[i], tolerance * largest);

  // A prompt shared by two answers equals two whole rows.
  std::vector<int32_t> prompt(first.begin(), first.begin() + 12), yes(second.begin(), second.begin() + 7), no(second.begin() + 7, second.begin() + 18);
  const auto scored = [&](bool shared, std::vector<float> *logps) {
    Trainer trainer(model, adapter.get(), options(true));
    std::vector<int32_t> lengths, prefixes, tokens, rows, ids;
    const auto segment = [&](const std::vector<int32_t> &part, int32_t prefix) {
      lengths.push_back(int32_t(part.size()));
      prefixes.push_back(prefix);
      tokens.insert(tokens.end(), part.begin(), part.end());
    };
    std::vector<std::pair<int32_t, int32_t>> targets;
    if (shared) segment(prompt, -1);
    for (const std::vector<int32_t> &answer : {yes, no}) {
      if (!shared) {
        std::vector<int32_t> whole = prompt;
        whole.insert(whole.end(), answer.begin(), answer.end());
        segment(whole, -1);
      } else {
        segment(answer, 0);
      }
      const int32_t begin = int32_t(tokens.size() - answer.size());
      for (size_t i = 0; i < answer.size(); i++) targets.push_back({shared && i == 0 ? 11 : begin + int32_t(i) - 1, answer[i]});
    }
    std::vector<size_t> order(targets.size());
    for (size_t i = 0; i < order.size(); i++) order[i] = i;
    std::stable_sort(order.begin(), order.end(), [&](size_t x, size_t y) { return targets[x].first < targets[y].first; });
    for (size_t i : order) {
      rows.push_back(targets[i].first);
      ids.push_back(targets[i].second);
    }
    std::vector<float> sorted(targets.size()), weights(targets.size());
    trainer.forward(make_batch(290, 256, 256, int32_t(lengths.size()), lengths.data(), prefixes.data(), tokens.data(), int64_t(rows.size()), rows.data(), ids.data()), true, sorted.data());
    logps->resize(targets.size());
    for (size_t i = 0; i < order.size(); i++) {
      (*logps)[order[i]] = sorted[i];
      weights[i] = order[i] < yes.size() ? -0.1f : 0.05f;
    }
    trainer.backward(weights.data());
    return gradient_of(trainer);
  };
  std::vector<float> shared_logps, whole_logps;
  const std::vector<float> shared_gradient = scored(true, &shared_logps), whole_gradient = scored(false, &whole_logps);
  for (size_t i = 0; i < shared_logps.size(); i++) close_to("shared prefix logp", shared_logps[i], whole_logps[i], tolerance);
  largest = 0;
  for (float g : whole_gradient) largest = std::max(largest, double(std::fabs(g)));
  for (size_t i = 0; i < shared_gradient.size(); i++) close_to("shared prefix gradient", shared_gradient[i], whole_gradient[i], tolerance * largest);
}

void saved_state_continues() {
  Folder folder;
  write_random_model(folder / "model.gguf", small("llama", "Q8_0"));
  Runtime runtime(test_device(), nullptr, 2);
  Model model(runtime, folder / "model.gguf");
  const Rows rows{{random_tokens(30, 290, 4)}};
  std::vector<float> logps;
  const auto train = [&](Trainer &trainer, int steps) {
    for (int i = 0; i < steps; i++) {
      backward_through(trainer, rows, &logps);
      trainer.step(1e-2f, 0.01f, 1);
    }
  };
  std::unique_ptr<Adapter> unbroken = Adapter::create(model, 4, 8, false, "all-linear", 1);
  Trainer whole(model, unbroken.get(), options(true, false, 0.1f));
  train(whole, 3);
  whole.save(folder / "state.bin");
  train(whole, 3);
  const std::vector<float> expected = logps;
  std::unique_ptr<Adapter> resumed = Adapter::create(model, 4, 8, false, "all-linear", 99);
  Trainer second(model, resumed.get(), options(true, false, 0.1f));
  second.load(folder / "state.bin");
  train(second, 3);
  CHECK(logps == expected);
  CHECK(expected[0] < 0);

  std::ifstream in(folder / "state.bin", std::ios::binary);
  std::string bytes((std::istreambuf_iterator<char>(in)), {});
  const auto damaged = [&](const char *name, std::string content, const char *fragment) {
    std::ofstream(folder / "bad.bin", std::ios::binary) << content;
    expect_error(name, GRAFT_BAD_FILE, fragment, [&] { second.load(folder / "bad.bin"); });
  };
  damaged("cut", bytes.substr(0, bytes.size() - 9), "is damaged");
  damaged("short", bytes.substr(0, 20), "too short");
  std::string flipped = bytes;
  flipped[bytes.size() / 2] = char(flipped[bytes.size() / 2] ^ 4);
  damaged("flipped", flipped, "checksum");
  flipped = bytes;
  flipped[0] = 'X';
  damaged("magic", flipped, "is not a checkpoint");
  expect_error("missing", GRAFT_BAD_FILE, "nothing.bin", [&] { second.load(folder / "nothing.bin"); });
  std::unique_ptr<Adapter> other = Adapter::create(model, 5, 8, false, "all-linear", 99);
  Trainer third(model, other.get(), options(true));
  expect_error("other rank", GRAFT_BAD_FILE, "another shape", [&] { third.load(folder / "state.bin"); });
}

// What is announced is what is taken, dropout's buffer included.
void memory_is_what_is_taken() {
  Folder folder;
  write_random_model(folder / "model.gguf", small("llama", "Q8_0"));
  Runtime runtime(test_device(), nullptr, 1);
  Model model(runtime, folder / "model.gguf");
  const std::vector<Target> targets = parse_targets("all-linear");
  const auto bytes = [&](float dropout) { return Trainer::memory_bytes(model, 3, targets, options(true, false, dropout)); };
  CHECK(bytes(0.1f) == bytes(0.5f));
  // The widest input of a linear layer, 64, for each of 256 tokens.
  CHECK(bytes(0.1f) - bytes(0) == 256 * 64 * 4);
}

void wrong_use() {
  Folder folder;
  write_random_model(folder / "model.gguf", small("llama", "F32"));
  Runtime runtime(test_device(), nullptr, 1);
  Model model(runtime, folder / "model.gguf");
  std::unique_ptr<Adapter> adapter = Adapter::create(model, 2, 4, false, "attn_q", 1);
  Trainer trainer(model, adapter.get(), options(true));
  std::vector<float> logps(8, 0.0f);
  const std::vector<int32_t> lengths{4}, prefixes{-1}, ids{1, 2, 3, 290}, rows{0, 9};
  expect_error("id", GRAFT_USAGE, "token 3 of the batch is 290", [&] { make_batch(290, 10, 10, 1, lengths.data(), prefixes.data(), ids.data(), 0, nullptr, nullptr); });
  expect_error("row", GRAFT_USAGE, "target 1 names row 9", [&] { make_batch(300, 10, 10, 1, lengths.data(), prefixes.data(), ids.data(), 2, rows.data(), ids.data()); });
  expect_error("long", GRAFT_USAGE, "more than the 3 tokens", [&] { make_batch(300, 3, 10, 1, lengths.data(), prefixes.data(), ids.data(), 0, nullptr, nullptr); });
  expect_error("order", GRAFT_USAGE, "backward needs", [&] { trainer.backward(logps.data()); });
  std::vector<float> seven(7);
  trainer.forward(Rows{{random_tokens(8, 290, 1)}}.batch(trainer), false, seven.data());
  expect_error("after scoring", GRAFT_USAGE, "backward needs", [&] { trainer.backward(logps.data()); });
  trainer.forward(Rows{{random_tokens(8, 290, 1)}}.batch(trainer), true, seven.data());
  trainer.backward(std::vector<float>(7, NAN).data());
  expect_error("nan", GRAFT_NOT_FINITE, "NaN", [&] { trainer.step(1e-3f, 0, 1); });
  expect_error("rank", GRAFT_USAGE, "--lora-rank", [&] { Adapter::create(model, 0, 1, false, "attn_q", 1); });
  expect_error("target", GRAFT_USAGE, "unknown LoRA target \"attn_x\"", [&] { Adapter::create(model, 1, 1, false, "attn_x", 1); });
}

}  // namespace

int main() {
  run("gradients_equal_differences", gradients_equal_differences);
  run("statistics_of_targets", statistics_of_targets);
  run("dropout_gradient", dropout_gradient);
  run("results_do_not_depend_on", results_do_not_depend_on);
  run("saved_state_continues", saved_state_continues);
  run("memory_is_what_is_taken", memory_is_what_is_taken);
  run("wrong_use", wrong_use);
  return finish("test_trainer");
}
