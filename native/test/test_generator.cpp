// Generation is the training graph over a paged cache: its log-probabilities equal those of a whole forward, however the tokens are handed over, whatever runs beside,
// and wherever the beginning came from.
#include "generator.h"
#include "model_testing.h"

using namespace graft;
using namespace graft::testing;

namespace {

const SamplerOptions kGreedy{};
constexpr double kTolerance = 40.0 / (1 << 22);

RandomModelSpec small(const char *architecture, const char *mix) {
  RandomModelSpec s;
  s.architecture = architecture;
  s.layers = 3;
  s.width = 64;
  s.heads = 4;
  s.kv_heads = 2;
  s.head_width = 32;
  s.feed_forward = 96;
  s.vocabulary_size = 300;
  s.mix = mix;
  return s;
}

GeneratorOptions holding(int32_t sequences, int32_t context, int64_t cache_tokens = 0, int32_t type = GK_F32, int32_t page_tokens = 8, int32_t pass_rows = 0) {
  return {sequences, context, cache_tokens, type, page_tokens, pass_rows};
}

int32_t begin(Generator &g, int32_t sequence, const std::vector<int32_t> &adapters, const std::vector<int32_t> &tokens, int64_t most, bool reuse = true,
              const float *scales = nullptr) {
  return g.begin(sequence, int32_t(adapters.size()), adapters.data(), scales, int64_t(tokens.size()), tokens.data(), most, reuse);
}

void append(Generator &g, int32_t sequence, const std::vector<int32_t> &tokens, size_t from, int32_t keep = kLogits) {
  const int32_t count = int32_t(tokens.size() - from);
  g.append(1, &sequence, &count, tokens.data() + from, &keep);
}

// All log-probabilities after a sequence's last token, by id.
std::vector<float> distribution(const Generator &g, int32_t sequence, int32_t v = 300) {
  std::vector<int32_t> ids(static_cast<size_t>(v));
  std::vector<float> logps(static_cast<size_t>(v)), by_id(static_cast<size_t>(v));
  g.log_probability(sequence, 0, v, ids.data(), logps.data());
  for (size_t i = 0; i < ids.size(); i++) by_id[size_t(ids[i])] = logps[i];
  return by_id;
}

void same(const char *what, const std::vector<float> &got, const std::vector<float> &expected, double tolerance) {
  for (size_t i = 0; i < expected.size(); i++) close_to(what, got[i], expected[i], tolerance);
}

// The distribution after a row by a whole forward of the training graph.
std::vector<float> whole_forward(Model &model, Adapter *adapter, std::vector<int32_t> row) {
  Trainer trainer(model, adapter, options(false));
  row.push_back(0);
  std::vector<float> logps(row.size() - 1), last(300);
  trainer.forward(Rows{{row}}.batch(trainer), false, logps.data());
  trainer.distributions(int64_t(row.size()) - 2, 1, last.data());
  return last;
}

void equals_forward() {
  Folder folder;
  write_random_model(folder / "model.gguf", small("qwen3", "Q8_0"));
  for (const std::string &isa : isas()) {
    Runtime runtime(test_device(), isa.c_str(), 2);
    Model model(runtime, folder / "model.gguf");
    std::unique_ptr<Adapter> one = filled_adapter(model, 4, "all-linear", 1), two = filled_adapter(model, 9, "attn_q,ffn_down", 2);
    Adapter *const adapters[] = {nullptr, one.get(), two.get()};
    Generator generator(model, holding(3, 64));
    CHECK(generator.add_adapter(*one) == 0);
    CHECK(generator.add_adapter(*two) == 1);
    std::vector<std::vector<int32_t>> rows = {random_tokens(21, 300, 1), random_tokens(30, 300, 2), random_tokens(11, 300, 3)};
    // Sequence i uses adapter i - 1, given in the order 2, 0, 1: first all but five tokens, then those one by one, beside a sequence that gets several.
    const int32_t order[] = {2, 0, 1}, keep[] = {kLogits, kLogits, kLogits};
    std::vector<int32_t> lengths, tokens;
    for (int32_t i : order) {
      CHECK(begin(generator, i, i ? std::vector<int32_t>{i - 1} : std::vector<int32_t>{}, rows[size_t(i)], 40) == 0);
      lengths.push_back(int32_t(rows[size_t(i)].size()) - 5);
      tokens.insert(tokens.end(), rows[size_t(i)].begin(), rows[size_t(i)].end() - 5);
    }
    generator.append(3, order, lengths.data(), tokens.data(), keep);
    for (int step = 0; step <= 5; step++) {
      for (int i = 0; i < 3; i++) {
        const std::vector<int32_t> seen(rows[size_t(i)].begin(), rows[size_t(i)].end() - 5 + step);
        same(("cached " + isa).c_str(), distribution(generator, i), whole_forward(model, adapters[i], seen), kTolerance);
      }
      if (step == 5) break;
      std::vector<int32_t> next, ones(3, 1);
      for (int32_t i : order) next.push_back(rows[size_t(i)][rows[size_t(i)].size() - 5 + size_t(step)]);
      generator.append(3, order, ones.data(), next.data(), keep);
    }
  }
}

void long_prompt_in_passes() {
  Folder folder;
  RandomModelSpec s = small("llama", "F32");
  write_random_model(folder / "model.gguf", s);
  Runtime runtime(test_device(), nullptr, 2);
  Model model(runtime, folder / "model.gguf");
  const std::vector<int32_t> tokens = random_tokens(250, 300, 3);
  for (const int32_t rows : {512, 100, 7}) {
    Generator generator(model, holding(1, 300, 0, GK_F32, 32, rows));
    begin(generator, 0, {}, tokens, 300);
    append(generator, 0, tokens, 0);
    same("in passes", distribution(generator, 0), whole_forward(model, nullptr, tokens), kTolerance);
  }
}

void reuse_and_eviction() {
  Folder folder;
  write_random_model(folder / "model.gguf", small("llama", "F32"));
  Runtime runtime(test_device(), nullptr, 2);
  Model model(runtime, folder / "model.gguf");
  std::unique_ptr<Adapter> adapter = filled_adapter(model, 4, "all-linear", 1);
  Generator g(model, holding(3, 64, 80));  // ten pages of eight
  g.add_adapter(*adapter);
  std::vector<int32_t> first = random_tokens(29, 300, 1), second = first, whole(first.begin(), first.begin() + 24);
  for (size_t i = 20; i < second.size(); i++) second[i] = (second[i] + 1) % 300;
  CHECK(begin(g, 0, {}, first, 32) == 0);
  append(g, 0, first, 0);
  const std::vector<float> expected = distribution(g, 0);
  CHECK(g.pages().used() == 4);
  // While it runs, another may have its full pages; one with an adapter, or of a group of its own, may not.
  CHECK(begin(g, 1, {}, second, 32) == 16);
  append(g, 1, second, 16);
  same("shared beginning", distribution(g, 1), whole_forward(model, nullptr, second), kTolerance);
  CHECK(g.pages().used() == 6);
  CHECK(begin(g, 2, {0}, second, 40) == -1);  // five pages for it; four are left
  g.end(1);
  CHECK(begin(g, 2, {0}, second, 32) == 0);
  append(g, 2, second, 0);
  same("an adapter", distribution(g, 2), whole_forward(model, adapter.get(), second), kTolerance);
  g.end(2);
  g.end(0);
  CHECK(g.pages().used() == 0);
  // Kept: three pages of the first, one of the second that differs, three of the adapter's.
  CHECK(g.pages().kept() == 7);
  CHECK(begin(g, 0, {}, first, 32) == 24);
  append(g, 0, first, 24);
  same("from the cache", distribution(g, 0), expected, kTolerance);
  g.end(0);
  CHECK(begin(g, 0, {}, whole, 32) == 16);  // one token at least is always computed
  append(g, 0, whole, 16);
  same("whole pages", distribution(g, 0), whole_forward(model, nullptr, whole), kTolerance);
  g.end(0);
  CHECK(begin(g, 0, {}, first, 32, false) == 0);
  g.end(0);
  // Pressure: the longest unused goes, deepest pages first.
  const std::vector<int32_t> other = random_tokens(60, 300, 9);
  CHECK(begin(g, 0, {}, other, 64) == 0);
  append(g, 0, other, 0);
  same("under pressure", distribution(g, 0), whole_forward(model, nullptr, other), kTolerance);
  CHECK(g.pages().used() == 8);
  CHECK(g.pages().kept() == 2);
  CHECK(begin(g, 1, {}, first, 30) == -1);
  g.end(0);
  CHECK(begin(g, 1, {}, first, 30) == 16);  // the two that were used last
  append(g, 1, first, 16);
  same("after pressure", distribution(g, 1), expected, kTolerance);
  g.end(1);
  for (int round = 0; round < few(300); round++) {  // nothing is lost or grows
    const std::vector<int32_t> row = random_tokens(10 + round % 41, 300, uint32_t(round % 17));
    const int32_t reused = begin(g, round % 3, round % 2 ? std::vector<int32_t>{0} : std::vector<int32_t>{}, row, int64_t(row.size()) + 3);
    CHECK(reused >= 0);
    append(g, round % 3, row, size_t(reused), kNothing);
    CHECK(g.pages().used() + g.pages().kept() <= 10);
    g.end(round % 3);
    CHECK(g.pages().used() == 0);
  }
}

// Two sequences that compute the same beginning side by side end up with one set of pages.
void side_by_side() {
  Folder folder;
  write_random_model(folder / "model.gguf", small("llama", "F32"));
  Runtime runtime(test_device(), nullptr, 2);
  Model model(runtime, folder / "model.gguf");
  Generator g(model, holding(2, 64));
  const std::vector<int32_t> row = random_tokens(20, 300, 1);
  std::vector<int32_t> both = row;
  both.insert(both.end(), row.begin(), row.end());
  begin(g, 0, {}, row, 24);
  begin(g, 1, {}, row, 24);
  const int32_t sequences[] = {0, 1}, lengths[] = {20, 20}, keep[] = {kLogits, kLogits};
  g.append(2, sequences, lengths, both.data(), keep);
  CHECK(g.pages().used() == 4);
  g.end(0);
  append(g, 1, {7}, 0);
  std::vector<int32_t> longer = row;
  longer.push_back(7);
  same("side by side", distribution(g, 1), whole_forward(model, nullptr, longer), kTolerance);
}

void cache_types() {
  Folder folder;
  write_random_model(folder / "model.gguf", small("llama", "F32"));
  Runtime runtime(test_device(), nullptr, 2);
  Model model(runtime, folder / "model.gguf");
  const std::vector<int32_t> row = random_tokens(40, 300, 1);
  const std::vector<float> expected = whole_forward(model, nullptr, row);
  double last = 0;
  for (const int32_t type : {GK_F16, GK_Q8_0}) {
    Generator g(model, holding(1, 64, 0, type));
    begin(g, 0, {}, row, 40);
    append(g, 0, row, 0);
    const double error = relative_error(distribution(g, 0), expected);
    // three layers, each adding errors of the order of the type's rounding (2^-11, 2^-8) to the residual stream
    CHECK(error > last && error < (type == GK_F16 ? 3 * 0x1p-11 : 3 * 0x1p-8));
    last = error;
  }
}

// An adapter set is the sum of its adapters: y += s1·B1 A1 x + s2·B2 A2 x, which one adapter with both side by side gives too.
void adapters_add_up() {
  Folder folder;
  write_random_model(folder / "model.gguf", small("llama", "F32"));
  Runtime runtime(test_device(), nullptr, 2);
  Model model(runtime, folder / "model.gguf");
  std::unique_ptr<Adapter> one = filled_adapter(model, 4, "all-linear", 1), two = filled_adapter(model, 9, "attn_q,ffn_down", 2), sum = Adapter::create(model, 13, 13, false, "all-linear", 1);
  std::vector<float> a(static_cast<size_t>(one->parameter_floats())), b(static_cast<size_t>(two->parameter_floats())), both(static_cast<size_t>(sum->parameter_floats()), 0.0f);
  check(model.ops().download(model.backend(), a.data(), one->parameters(), one->parameter_floats() * 4), "download");
  check(model.ops().download(model.backend(), b.data(), two->parameters(), two->parameter_floats() * 4), "download");
  const float scales[] = {0.5f, -1.5f};
  for (const LoraTensor &to : sum->tensors()) {
    int64_t rank = 0;
    for (int which = 0; which < 2; which++) {
      const LoraTensor *from = (which ? two : one)->find(to.layer, to.target);
      const std::vector<float> &host = which ? b : a;
      if (!from) continue;
      for (int64_t r = 0; r < from->rank; r++, rank++) {
        for (int64_t k = 0; k < to.k; k++) both[size_t(to.a_offset + rank * to.k + k)] = host[size_t(from->a_offset + r * to.k + k)];
        for (int64_t n = 0; n < to.n; n++) both[size_t(to.b_offset + n * to.rank + rank)] = host[size_t(from->b_offset + n * from->rank + r)] * from->scale * scales[which];
      }
    }
  }
  check(model.ops().upload(model.backend(), sum->parameters(), both.data(), sum->parameter_floats() * 4), "upload");
  Generator g(model, holding(4, 64));
  g.add_adapter(*one);
  g.add_adapter(*two);
  g.add_adapter(*sum);
  const std::vector<int32_t> row = random_tokens(20, 300, 4);
  const float swapped[] = {-1.5f, 0.5f}, off[] = {0.5f, 0};
  begin(g, 0, {0, 1}, row, 30, true, scales);
  begin(g, 1, {2}, row, 30);
  begin(g, 2, {1, 0}, row, 30, true, swapped);
  begin(g, 3, {0, 1}, row, 30, true, off);
  std::vector<int32_t> all;
  for (int i = 0; i < 4; i++) all.insert(all.end(), row.begin(), row.end());
  const int32_t sequences[] = {3, 1, 0, 2}, lengths[] = {20, 20, 20, 20}, keep[] = {1, 1, 1, 1};
  g.append(4, sequences, lengths, all.data(), keep);
  same("adapter sum", distribution(g, 0), distribution(g, 1), kTolerance);
  same("either order", distribution(g, 2), distribution(g, 0), 0);
  CHECK(relative_error(distribution(g, 3), distribution(g, 0)) > 1e-3);
  // One of a larger rank comes while others are at work.
  std::unique_ptr<Adapter> wide = filled_adapter(model, 40, "all-linear", 3);
  CHECK(g.add_adapter(*wide) == 3);
  g.end(3);
  begin(g, 3, {3}, row, 30);
  append(g, 3, row, 0);
  same("a wider one", distribution(g, 3), whole_forward(model, wide.get(), row), kTolerance);
}

void embeddings() {
  Folder folder;
  write_random_model(folder / "model.gguf", small("llama", "F32"));
  Runtime runtime(test_device(), nullptr, 2);
  Model model(runtime, folder / "model.gguf");
  Generator g(model, holding(2, 128, 0, GK_F32, 8, 50));
  const std::vector<int32_t> row = random_tokens(71, 300, 4);
  std::vector<float> at_once(64), by_token(64), other(64);
  begin(g, 0, {}, row, 71, false);
  append(g, 0, row, 0, kPooled);
  g.embedding(0, at_once.data(), 64);
  begin(g, 1, {}, row, 71, false);
  for (size_t i = 0; i < row.size(); i++) {
    const std::vector<int32_t> head(row.begin(), row.begin() + int64_t(i) + 1);
    append(g, 1, head, i, kPooled);
  }
  g.embedding(1, by_token.data(), 64);
  double length = 0;
  for (float x : at_once) length += double(x) * x;
  close_to("length", length, 1, 1e-6);
  same("embedding", by_token, at_once, 1e-5);
  g.end(1);
  begin(g, 1, {}, {row[0]}, 1, false);
  append(g, 1, {row[0]}, 0, kPooled);
  g.embedding(1, other.data(), 64);
  CHECK(relative_error(other, at_once) > 0.01);
}

int64_t resident_bytes() {
  std::FILE *file = std::fopen("/proc/self/statm", "r");
  long long all = 0, resident = 0;
  if (!file || std::fscanf(file, "%lld %lld", &all, &resident) != 2) resident = 0;
  if (file) std::fclose(file);
  return resident * 4096;
}

// Sequences of many beginnings, adapters that come and go, more adapter sets than pages: what is resident after the first rounds stays.
void memory_stays() {
  Folder folder;
  write_random_model(folder / "model.gguf", small("llama", "Q8_0"));
  Runtime runtime(test_device(), nullptr, 1);
  Model model(runtime, folder / "model.gguf");
  Generator g(model, holding(4, 32, 96));
  int64_t before = 0;
  const int rounds = few(1200);
  for (int round = 0; round < rounds; round++) {
    if (round == rounds / 4) before = resident_bytes();
    std::unique_ptr<Adapter> adapter = filled_adapter(model, 3 + round % 5, "attn_q,ffn_down", uint32_t(round));
    const int32_t index = g.add_adapter(*adapter);
    CHECK(index == round);
    const std::vector<int32_t> row = random_tokens(10 + round % 13, 300, uint32_t(round));
    const float scale = 1 + float(round) * 1e-3f;
    const int32_t reused = begin(g, round % 4, {index}, row, 30, true, &scale);
    append(g, round % 4, row, size_t(reused));
    const int32_t next = g.sample(round % 4, kGreedy, 0);
    append(g, round % 4, {next}, 0, round % 2 ? kPooled : kLogits);
    g.end(round % 4);
    g.remove_adapter(index);
  }
#if !defined(__SANITIZE_ADDRESS__)  // which keeps what is freed for a while
  if (rounds > 100) CHECK(resident_bytes() - before < int64_t(1) << 20);
#endif
}

void refusals() {
  Folder folder;
  write_random_model(folder / "model.gguf", small("llama", "F32"));
  Runtime runtime(test_device(), nullptr, 1);
  Model model(runtime, folder / "model.gguf"), twin(runtime, folder / "model.gguf");
  std::unique_ptr<Adapter> adapter = filled_adapter(model, 4, "all-linear", 1), stranger = filled_adapter(twin, 4, "all-linear", 1);
  Generator g(model, holding(2, 64, 40));
  const auto refused = [](const char *what, const char *text, const std::function<void()> &body) { expect_error(what, GRAFT_USAGE, text, body); };
  refused("another model", "another model", [&] { g.add_adapter(*stranger); });
  g.add_adapter(*adapter);
  refused("adapter", "adapter 1 is out of range", [&] { begin(g, 0, {1}, {1}, 2); });
  refused("adapter", "adapter -1 is out of range", [&] { begin(g, 0, {-1}, {1}, 2); });
  refused("twice", "named twice", [&] { begin(g, 0, {0, 0}, {1}, 2); });
  const float nan = NAN;
  refused("scale", "scale of adapter 0", [&] { begin(g, 0, {0}, {1}, 2, true, &nan); });
  refused("sequence", "sequence 2 is out of range", [&] { begin(g, 2, {}, {1}, 2); });
  refused("no tokens", "no tokens", [&] { begin(g, 0, {}, {}, 2); });
  refused("token", "token 300 is not in the vocabulary (ids 0 to 299)", [&] { begin(g, 0, {}, {300}, 2); });
  refused("most", "begins with 2 tokens, more than the 1", [&] { begin(g, 0, {}, {1, 2}, 1); });
  refused("context", "would come to 65 tokens; the context is 64", [&] { begin(g, 0, {}, {1, 2}, 65); });
  refused("cache", "would come to 41 tokens; the whole cache holds 40", [&] { begin(g, 0, {}, {1, 2}, 41); });
  refused("not begun", "was not begun", [&] { append(g, 0, {1}, 0); });
  begin(g, 0, {0}, {1, 2}, 3);
  refused("again", "at work", [&] { begin(g, 0, {}, {1, 2}, 3); });
  refused("no logits", "no logits", [&] { g.sample(0, kGreedy, 0); });
  refused("overflow", "would hold 4 tokens; it was begun for 3", [&] { append(g, 0, {1, 2, 3, 4}, 0); });
  refused("id", "token -1", [&] { append(g, 0, {-1}, 0); });
  refused("keep", "9 is not known", [&] { append(g, 0, {1}, 0, 9); });
  const int32_t twice[] = {0, 0}, ones[] = {1, 1}, tokens[] = {1, 1}, keep[] = {1, 1};
  refused("named twice", "named twice", [&] { g.append(2, twice, ones, tokens, keep); });
  append(g, 0, {1, 2}, 0);
  refused("random", "random number", [&] { g.sample(0, kGreedy, 1); });
  refused("top", "301 likeliest", [&] { g.log_probability(0, 0, 301, nullptr, nullptr); });
  refused("no pool", "no pooled rows", [&] { g.embedding(0, nullptr, 64); });
  refused("in use", "in use by sequence 0", [&] { g.remove_adapter(0); });
  g.end(0);
  g.end(0);
  g.remove_adapter(0);
  refused("removed", "adapter 0 was removed", [&] { begin(g, 0, {0}, {1}, 2); });
  refused("removed", "adapter 0 was removed", [&] { g.remove_adapter(0); });
  CHECK(g.add_adapter(*adapter) == 1);
  refused("sequences", "1 to 4096 sequences", [&] { Generator(model, holding(0, 8)); });
  refused("context", "out of range", [&] { Generator(model, holding(1, 0)); });
  refused("type", "type 2 is not known", [&] { Generator(model, holding(1, 8, 0, GK_Q4_0)); });
}

}  // namespace

int main() {
  run("equals_forward", equals_forward);
  run("long_prompt_in_passes", long_prompt_in_passes);
  run("reuse_and_eviction", reuse_and_eviction);
  run("side_by_side", side_by_side);
  run("cache_types", cache_types);
  run("adapters_add_up", adapters_add_up);
  run("embeddings", embeddings);
  run("memory_stays", memory_stays);
  run("refusals", refusals);
  return finish("test_generator");
}
