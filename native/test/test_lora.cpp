// Adapter files: what is written is read back, by any maker; what does not fit is refused by name.
#include "model_testing.h"

using namespace graft;
using namespace graft::testing;

namespace {

RandomModelSpec small(const char *architecture = "llama") {
  RandomModelSpec s;
  s.architecture = architecture;
  s.layers = 2;
  s.width = 32;
  s.heads = 4;
  s.kv_heads = 2;
  s.feed_forward = 64;
  s.vocabulary_size = 290;
  return s;
}

std::vector<float> values_of(const Adapter &adapter) {
  std::vector<float> host(static_cast<size_t>(adapter.parameter_floats()));
  check(adapter.model().ops().download(adapter.model().backend(), host.data(), adapter.parameters(), adapter.parameter_floats() * 4), "download");
  return host;
}

struct Maker {
  Folder folder;
  Runtime runtime{"cpu", nullptr, 1};
  std::unique_ptr<Model> model;
  Maker() {
    write_random_model(folder / "model.gguf", small());
    model = std::make_unique<Model>(runtime, folder / "model.gguf");
  }
};

void add(GgufWriter &writer, const std::string &name, gk_type type, std::vector<int64_t> shape, float value) {
  int64_t count = 1;
  for (int64_t d : shape) count *= d;
  writer.add_tensor(name, type, shape, [=](const GgufWriter::Sink &sink) {
    for (int64_t i = 0; i < count; i++) {
      uint32_t bits;
      const float item = value * float(i % 7 - 3);
      std::memcpy(&bits, &item, 4);
      if (type == GK_F32) sink(&bits, 4);
      if (type == GK_BF16) {
        const uint16_t half = uint16_t(bits >> 16);
        sink(&half, 2);
      }
    }
  });
}

GgufWriter header(const char *architecture = "llama", float alpha = 8) {
  GgufWriter writer;
  writer.set_string("general.type", "adapter");
  writer.set_string("general.architecture", architecture);
  writer.set_string("adapter.type", "lora");
  writer.set_float("adapter.lora.alpha", alpha);
  return writer;
}

void round_trip() {
  Maker maker;
  std::unique_ptr<Adapter> adapter = filled_adapter(*maker.model, 3, "attn_q,ffn_down", 4);
  adapter->save(maker.folder / "a.gguf", "mine");
  std::unique_ptr<Adapter> back = Adapter::open(*maker.model, maker.folder / "a.gguf");
  CHECK(values_of(*adapter) == values_of(*back));
  CHECK(back->tensors().size() == 4);
  CHECK(back->tensors()[0].scale == adapter->tensors()[0].scale);
  std::unique_ptr<Adapter> copy = back->clone();
  CHECK(values_of(*copy) == values_of(*back));
  CHECK(copy->parameters() != back->parameters());
  // rsLoRA is alpha · sqrt(rank) in a file that divides by rank.
  std::unique_ptr<Adapter> rs = Adapter::create(*maker.model, 16, 8, true, "attn_q", 1);
  close_to("rslora scale", rs->tensors()[0].scale, 8 / 4.0, 1e-6);
  rs->save(maker.folder / "rs.gguf", "");
  close_to("rslora scale, read back", Adapter::open(*maker.model, maker.folder / "rs.gguf")->tensors()[0].scale, 8 / 4.0, 1e-6);
  // A matrices differ from one another, and B starts at zero.
  const std::vector<float> fresh = values_of(*rs);
  CHECK(fresh[size_t(rs->tensors()[0].a_offset)] != fresh[size_t(rs->tensors()[1].a_offset)]);
  for (const LoraTensor &tensor : rs->tensors())
    for (int64_t i = 0; i < tensor.b_count(); i++) CHECK(fresh[size_t(tensor.b_offset + i)] == 0);
  expect_error("folder", GRAFT_IO, "no/such", [&] { rs->save(maker.folder / "no/such/a.gguf", ""); });
}

void files_of_others() {
  Maker maker;
  GgufWriter writer = header("llama", 0);  // alpha 0: llama.cpp applies a scale of 1
  add(writer, "blk.1.attn_k.weight.lora_b", GK_BF16, {2, 16}, 0.5f);
  add(writer, "blk.1.attn_k.weight.lora_a", GK_F32, {32, 2}, 0.25f);
  add(writer, "blk.0.ffn_up.weight.lora_a", GK_F32, {32, 5}, 0.25f);
  add(writer, "blk.0.ffn_up.weight.lora_b", GK_F32, {5, 64}, 0.25f);
  writer.write(maker.folder / "o.gguf");
  std::unique_ptr<Adapter> adapter = Adapter::open(*maker.model, maker.folder / "o.gguf");
  CHECK(adapter->tensors().size() == 2);
  CHECK(adapter->find(1, kKey) && adapter->find(1, kKey)->rank == 2 && adapter->find(1, kKey)->scale == 1);
  CHECK(adapter->find(0, kUp) && adapter->find(0, kUp)->rank == 5);
  CHECK(!adapter->find(0, kKey));
  CHECK(values_of(*adapter)[size_t(adapter->find(1, kKey)->b_offset)] == -1.5f);
  CHECK(adapter->first_layer() == 0);
}

void refused() {
  Maker maker;
  const auto expect = [&](const char *name, GgufWriter &writer, const char *fragment) {
    writer.write(maker.folder / "bad.gguf");
    expect_error(name, GRAFT_BAD_FILE, fragment, [&] { Adapter::open(*maker.model, maker.folder / "bad.gguf"); });
  };
  GgufWriter empty = header();
  expect("empty", empty, "holds no LoRA tensors");
  GgufWriter other = header("qwen2");
  add(other, "blk.0.attn_q.weight.lora_a", GK_F32, {32, 2}, 1);
  expect("architecture", other, "was made for a qwen2 model");
  GgufWriter shape = header();
  add(shape, "blk.0.attn_q.weight.lora_a", GK_F32, {48, 2}, 1);
  add(shape, "blk.0.attn_q.weight.lora_b", GK_F32, {2, 32}, 1);
  expect("shape", shape, "do not fit a 32 x 32 weight");
  GgufWriter ranks = header();
  add(ranks, "blk.0.attn_q.weight.lora_a", GK_F32, {32, 2}, 1);
  add(ranks, "blk.0.attn_q.weight.lora_b", GK_F32, {3, 32}, 1);
  expect("ranks", ranks, "do not fit");
  GgufWriter half = header();
  add(half, "blk.0.attn_q.weight.lora_a", GK_F32, {32, 2}, 1);
  expect("half", half, "lora_b is missing");
  GgufWriter layer = header();
  add(layer, "blk.7.attn_q.weight.lora_a", GK_F32, {32, 2}, 1);
  add(layer, "blk.7.attn_q.weight.lora_b", GK_F32, {2, 32}, 1);
  expect("layer", layer, "adapts blk.7.attn_q.weight");
  GgufWriter head = header();
  add(head, "output.weight.lora_a", GK_F32, {32, 2}, 1);
  add(head, "output.weight.lora_b", GK_F32, {2, 290}, 1);
  expect("head", head, "adapts output.weight");
  GgufWriter stray = header();
  add(stray, "token_embd.weight", GK_F32, {32, 290}, 1);
  expect("stray", stray, "token_embd.weight is neither");
  GgufWriter nan = header();
  add(nan, "blk.0.attn_q.weight.lora_a", GK_F32, {32, 2}, NAN);
  add(nan, "blk.0.attn_q.weight.lora_b", GK_F32, {2, 32}, 1);
  expect("nan", nan, "NaN or infinity");
  expect_error("a model", GRAFT_BAD_FILE, "is not an adapter", [&] { Adapter::open(*maker.model, maker.folder / "model.gguf"); });
}

}  // namespace

int main() {
  run("round_trip", round_trip);
  run("files_of_others", files_of_others);
  run("refused", refused);
  return finish("test_lora");
}
