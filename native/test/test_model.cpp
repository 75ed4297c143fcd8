// The graph against the plain model in double precision: every architecture, ways a file may differ, every isa; and files that are refused.
#include "model_testing.h"

using namespace graft;
using namespace graft::testing;

namespace {

struct Kind {
  const char *name;
  RandomModelSpec spec;
  std::function<void(GgufWriter &)> tweak;
};

RandomModelSpec spec(const char *architecture, const char *mix, int heads, int kv_heads, int head_width, bool tied) {
  RandomModelSpec s;
  s.architecture = architecture;
  s.layers = 2;
  s.width = 64;
  s.heads = heads;
  s.kv_heads = kv_heads;
  s.head_width = head_width;
  s.feed_forward = 96;
  s.vocabulary_size = 300;
  s.tied = tied;
  s.mix = mix;
  s.seed = 11;
  return s;
}

void add_rope_freqs(GgufWriter &writer, int half) {
  writer.add_tensor("rope_freqs.weight", GK_F32, {half}, [half](const GgufWriter::Sink &sink) {
    std::vector<float> factors;
    for (int i = 0; i < half; i++) factors.push_back(1 + 0.9f * float(i));
    sink(factors.data(), factors.size() * 4);
  });
}

std::vector<Kind> kinds() {
  const auto nothing = [](GgufWriter &) {};
  std::vector<Kind> all = {
      {"llama", spec("llama", "F32", 4, 2, 0, false), nothing},
      {"llama tied", spec("llama", "F32", 4, 4, 0, true), nothing},
      {"llama rope_freqs", spec("llama", "Q8_0", 4, 1, 0, true), [](GgufWriter &w) { add_rope_freqs(w, 8); }},
      {"llama linear scaling", spec("llama", "F16", 2, 1, 0, false),
       [](GgufWriter &w) { w.set_string("llama.rope.scaling.type", "linear"); w.set_float("llama.rope.scaling.factor", 4); }},
      {"qwen2", spec("qwen2", "F32", 4, 2, 0, false), nothing},
      {"qwen2 tied bf16", spec("qwen2", "BF16", 8, 2, 0, true), nothing},
      {"qwen3", spec("qwen3", "F32", 4, 2, 24, false), nothing},
      {"qwen3 wide heads", spec("qwen3", "Q8_0", 2, 1, 64, true), nothing},
  };
  return all;
}

void graph_equals_plain() {
  Folder folder;
  for (const Kind &kind : kinds()) {
    write_random_model(folder / "base.gguf", kind.spec);
    rewrite(folder / "base.gguf", folder / "model.gguf", kind.tweak);
    const std::unique_ptr<Gguf> file = Gguf::open(folder / "model.gguf");
    const std::vector<int32_t> tokens = random_tokens(37, 300, 5);
    for (const bool adapted : {false, true})
      for (const std::string &isa : isas()) {
        Runtime runtime("cpu", isa.c_str(), 2);
        Model model(runtime, folder / "model.gguf");
        std::unique_ptr<Adapter> adapter = adapted ? filled_adapter(model, 5, "all-linear", 3) : nullptr;
        PlainModel plain(*file);
        if (adapter) give_plain(plain, *adapter);
        const Vector expected = plain.logps(tokens);
        Trainer trainer(model, adapter.get(), options(false));
        std::vector<float> logps(expected.size());
        trainer.forward(Rows{{tokens}}.batch(trainer), false, logps.data());
        // A logit is a sum of products whose errors are independent; two layers and a head amplify them by a modest factor. Scores are
        // computed in f32 on every isa; only training forwards may use the amx tiles.
        const std::string what = std::string(kind.name) + " " + isa;
        for (size_t i = 0; i < expected.size(); i++) close_to(what.c_str(), logps[i], expected[i], 40 * unit_of("f32"));
        if (!adapter) continue;
        Trainer training(model, adapter.get(), options(true));
        training.forward(Rows{{tokens}}.batch(training), true, logps.data());
        for (size_t i = 0; i < expected.size(); i++) close_to((what + " training").c_str(), logps[i], expected[i], 40 * unit_of(isa));
      }
  }
}

void refused_files() {
  Folder folder;
  Runtime runtime("cpu", nullptr, 1);
  write_random_model(folder / "base.gguf", spec("llama", "F32", 4, 2, 0, false));
  const auto without = [](const char *key) { return [key](const std::string &name) { return name == key; }; };
  const auto keep = [](const std::string &) { return false; };
  struct Case {
    const char *name;
    std::function<bool(const std::string &)> skip;
    std::function<void(GgufWriter &)> tweak;
    const char *fragment;
  };
  const auto f32_tensor = [](GgufWriter &w, const char *name, std::vector<int64_t> shape) {
    int64_t count = 1;
    for (int64_t d : shape) count *= d;
    w.add_tensor(name, GK_F32, shape, [count](const GgufWriter::Sink &sink) {
      const std::vector<float> zeros(size_t(count), 0.0f);
      sink(zeros.data(), zeros.size() * 4);
    });
  };
  const Case cases[] = {
      {"architecture", without("general.architecture"), [](GgufWriter &w) { w.set_string("general.architecture", "gptneox"); }, "architecture \"gptneox\" is not supported"},
      {"adapter as model", keep, [](GgufWriter &w) { w.set_string("general.type", "adapter"); }, "is a LoRA adapter, not a model"},
      {"zero heads", without("llama.attention.head_count"), [](GgufWriter &w) { w.set_uint32("llama.attention.head_count", 0); }, "llama.attention.head_count is 0"},
      {"zero blocks", without("llama.block_count"), [](GgufWriter &w) { w.set_uint32("llama.block_count", 0); }, "llama.block_count is 0"},
      {"many blocks", without("llama.block_count"), [](GgufWriter &w) { w.set_uint32("llama.block_count", 4000000000u); }, "llama.block_count is 4000000000"},
      {"no blocks", without("llama.block_count"), [](GgufWriter &) {}, "llama.block_count"},
      {"uneven heads", without("llama.attention.head_count"), [](GgufWriter &w) { w.set_uint32("llama.attention.head_count", 3); }, "3 query heads cannot share 2"},
      {"experts", keep, [](GgufWriter &w) { w.set_uint32("llama.expert_count", 8); }, "mixture of experts"},
      {"yarn", keep, [](GgufWriter &w) { w.set_string("llama.rope.scaling.type", "yarn"); }, "rope scaling \"yarn\" is not supported"},
      {"missing tensor", without("blk.1.ffn_up.weight"), [](GgufWriter &) {}, "tensor blk.1.ffn_up.weight is missing"},
      {"wrong shape", without("blk.1.ffn_up.weight"), [&](GgufWriter &w) { f32_tensor(w, "blk.1.ffn_up.weight", {64, 95}); }, "blk.1.ffn_up.weight has shape 64 x 95; expected 64 x 96"},
      {"vocabulary", without("token_embd.weight"), [&](GgufWriter &w) { f32_tensor(w, "token_embd.weight", {64, 299}); }, "token_embd.weight has 299 rows but the tokenizer has 300"},
      {"unknown tensor", keep, [&](GgufWriter &w) { f32_tensor(w, "blk.0.attn_sinks.weight", {4}); }, "blk.0.attn_sinks.weight is not part of a llama model"},
      {"rope base", without("llama.rope.freq_base"), [](GgufWriter &w) { w.set_float("llama.rope.freq_base", -1); }, "llama.rope.freq_base is -1"},
  };
  for (const Case &c : cases) {
    rewrite(folder / "base.gguf", folder / "bad.gguf", c.tweak, c.skip);
    expect_error(c.name, GRAFT_BAD_FILE, c.fragment, [&] { Model model(runtime, folder / "bad.gguf"); });
  }
  rewrite(folder / "base.gguf", folder / "window.gguf", [](GgufWriter &w) { w.set_uint32("llama.attention.sliding_window", 16); });
  Model model(runtime, folder / "window.gguf");
  CHECK(model.describe_json().find("sliding window of 16") != std::string::npos);
}

}  // namespace

int main() {
  run("graph_equals_plain", graph_equals_plain);
  run("refused_files", refused_files);
  return finish("test_model");
}
