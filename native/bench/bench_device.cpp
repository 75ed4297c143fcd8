// SFT and DPO steps of a Llama-shaped model on a device, as shares of what the device was measured to do in the same run.
//
//   bench_device [--device cuda|cpu] [--layers 32] [--width 4096] [--heads 32] [--kv-heads 8] [--feed-forward 14336] [--vocabulary 128256] [--type Q4_K_M] [--rank 16]
//                [--steps 5] [--folder DIR] [--case NAME]... [--gain NAME]... [--json FILE]
//
// Cases: sft-1x4096, sft-8x512, dpo-1x1024+128, sft-1x2048-recompute and sft-1x16384-offload (their memory is the point), and tiny-sft, tiny-dpo for a try on a CPU. Tokens are counted as a user
// counts them: each prompt and answer once. FLOP: 4 for each weight of the products and token (the head: and target): forward, and backward to the activations.
// --gain: a case that was run is run once more with GRAFT_CUDA_OVERLAP=0, and the two medians are compared.
// The model is random, and kept in DIR for the next run. A step is a forward, a backward and an update; the best of the steps after two is given beside the median.
#include <sys/stat.h>

#include <algorithm>
#include <chrono>
#include <cmath>
#include <cstdlib>
#include <cstring>

#include "loss_preference.h"
#include "loss_sft.h"
#include "peak.h"
#include "random_model.h"
#include "trainer.h"

using namespace graft;

namespace {

struct Case { const char *name; int pairs; std::vector<int32_t> lengths; int prompt, answer; Recompute recompute; };
const Case kCases[] = {
    {"sft-1x4096", 0, {4096}, 0, 0, Recompute::kNone},
    {"sft-8x512", 0, {512, 512, 512, 512, 512, 512, 512, 512}, 0, 0, Recompute::kNone},
    {"dpo-1x1024+128", 1, {}, 1024, 128, Recompute::kNone},
    {"dpo-4x1024+128", 4, {}, 1024, 128, Recompute::kNone},
    {"sft-1x2048-recompute", 0, {2048}, 0, 0, Recompute::kBlock},
    {"sft-1x16384-offload", 0, {16384}, 0, 0, Recompute::kOffload},
    {"tiny-sft", 0, {32, 16}, 0, 0, Recompute::kNone},
    {"tiny-dpo", 2, {}, 24, 8, Recompute::kNone},
};

struct Options {
  std::string device = "cuda", folder = ".", type = "Q4_K_M";
  std::vector<std::string> cases, gains;
  int layers = 32, width = 4096, heads = 32, kv_heads = 8, feed_forward = 14336, vocabulary = 128256, rank = 16, steps = 5;
  std::FILE *json = nullptr;
};

double now() { return std::chrono::duration<double>(std::chrono::steady_clock::now().time_since_epoch()).count(); }

std::string model_file(const Options &o) {
  const std::string path = o.folder + "/bench-" + std::to_string(o.layers) + "x" + std::to_string(o.width) + "x" + std::to_string(o.feed_forward) + "-" + std::to_string(o.vocabulary) + "-" + o.type + ".gguf";
  struct stat found{};
  if (stat(path.c_str(), &found) == 0) return path;
  std::printf("writing %s\n", path.c_str());
  RandomModelSpec spec;
  spec.layers = o.layers, spec.width = o.width, spec.heads = o.heads, spec.kv_heads = o.kv_heads, spec.feed_forward = o.feed_forward, spec.vocabulary_size = o.vocabulary;
  spec.context_length = 8192, spec.mix = o.type, spec.seed = 42, spec.name = "bench";
  write_random_model(path, spec);
  return path;
}

struct Packed {
  std::vector<int32_t> lengths, prefixes, tokens, rows, ids;
  int64_t counted = 0;
  int32_t segment(int32_t n, int32_t prefix, uint32_t &state, int vocabulary) {
    const int32_t begin = int32_t(tokens.size());
    for (int32_t i = 0; i < n; i++) tokens.push_back(int32_t(((state = state * 1664525u + 1013904223u) >> 8) % uint32_t(vocabulary)));
    lengths.push_back(n), prefixes.push_back(prefix);
    counted += n;
    return begin;
  }
  void target(int32_t row, int32_t id) { rows.push_back(row), ids.push_back(id); }
};

Packed pack(const Case &c, int vocabulary) {
  Packed p;
  uint32_t state = 7;
  for (const int32_t n : c.lengths) {
    const int32_t begin = p.segment(n, -1, state, vocabulary);
    for (int32_t i = 0; i + 1 < n; i++) p.target(begin + i, p.tokens[size_t(begin + i + 1)]);
  }
  for (int i = 0; i < c.pairs; i++) {
    const int32_t prompt = p.segment(c.prompt, -1, state, vocabulary), shared = int32_t(p.lengths.size()) - 1;
    int32_t answers[2];
    for (int32_t &answer : answers) answer = p.segment(c.answer, shared, state, vocabulary);
    for (const int32_t answer : answers) p.target(prompt + c.prompt - 1, p.tokens[size_t(answer)]);
    for (const int32_t answer : answers)
      for (int32_t j = 1; j < c.answer; j++) p.target(answer + j - 1, p.tokens[size_t(answer + j)]);
  }
  return p;
}

// The median seconds of a step.
double run_case(const Options &o, const Case &c, Runtime &runtime, Model &model, const Peak &peak, const char *how) {
  const Packed p = pack(c, model.hyper().vocabulary);
  const int64_t targets = int64_t(p.rows.size());
  std::unique_ptr<Adapter> adapter = Adapter::create(model, o.rank, float(2 * o.rank), false, "all-linear", 42);
  Trainer trainer(model, adapter.get(), TrainerOptions{true, int64_t(p.tokens.size()), targets, c.recompute, 0, 42});
  const auto batch = [&] {
    return make_batch(model.hyper().vocabulary, int64_t(p.tokens.size()), targets, int32_t(p.lengths.size()), p.lengths.data(), p.prefixes.data(), p.tokens.data(), targets, p.rows.data(), p.ids.data());
  };
  std::vector<float> logps(static_cast<size_t>(targets)), weights(static_cast<size_t>(targets));
  std::vector<double> seconds, reference_seconds;
  double loss = 0;
  for (int step = 0; step < o.steps + 2; step++) {
    const double begin = now();
    double after_reference = begin;
    std::vector<float> reference(static_cast<size_t>(targets), 0.0f);
    if (c.pairs) {   // a run computes these once and keeps them; here they are timed apart
      trainer.rehearse(batch(), reference.data());
      after_reference = now();
    }
    trainer.forward(batch(), true, logps.data());
    if (!c.pairs) {
      loss = sft_loss(targets, logps.data(), targets, weights.data());
    } else {   // d loss / d logp: one weight for all of a chosen answer, its negative for the rejected one
      loss = 0;
      size_t at = 0;
      for (int i = 0; i < c.pairs; i++) {
        double margin = 0;
        const size_t n = size_t(2 * c.answer);
        const auto chosen = [&](size_t t) { return t == 0 || (t >= 2 && t < size_t(c.answer) + 1); };
        for (size_t t = 0; t < n; t++) margin += (chosen(t) ? 1 : -1) * (double(logps[at + t]) - reference[at + t]);
        loss += std::log1p(std::exp(-0.1 * margin)) / c.pairs;
        const float weight = float(-0.1 / (1 + std::exp(0.1 * margin)) / c.pairs);
        for (size_t t = 0; t < n; t++) weights[at + t] = chosen(t) ? weight : -weight;
        at += n;
      }
    }
    trainer.backward(weights.data());
    trainer.step(1e-4f, 0, 1);
    if (step >= 2) seconds.push_back(now() - after_reference), reference_seconds.push_back(after_reference - begin);
  }
  if (!std::isfinite(loss)) fail(GRAFT_NOT_FINITE, "%s: the loss is %g", c.name, loss);
  std::sort(seconds.begin(), seconds.end());
  std::sort(reference_seconds.begin(), reference_seconds.end());
  const double median = seconds[seconds.size() / 2], best = seconds[0], rate = double(p.counted) / median;
  const double head = double(model.hyper().vocabulary) * model.hyper().width, weights_before = model.flops_per_token() / 2 - head;
  const double flops = 4 * (weights_before * double(p.counted) + head * double(targets)) / median;
  const DeviceMemory memory = runtime.memory();
  std::printf("%-22s %6lld tokens  %9.4f s a step (best %.4f)  %9.1f tokens/s  %6.1f TFLOP/s  %5.1f%% of the product peak  %6.2f GiB%s  loss %.3f\n", (std::string(c.name) + how).c_str(), (long long)p.counted, median, best, rate,
              flops / 1e12, 100 * flops / peak.fma_flops, double(memory.peak) / (1 << 30), c.pairs ? (", reference " + std::to_string(reference_seconds[reference_seconds.size() / 2]) + " s").c_str() : "", loss);
  if (o.json)
    std::fprintf(o.json, "{\"case\":\"%s%s\",\"tokens\":%lld,\"seconds_per_step\":%.6g,\"best_seconds\":%.6g,\"tokens_per_second\":%.6g,\"flops\":%.6g,\"share_of_peak\":%.4g,\"peak_bytes\":%lld,\"reference_seconds\":%.6g,\"loss\":%.6g}\n",
                 c.name, how, (long long)p.counted, median, best, rate, flops, flops / peak.fma_flops, (long long)memory.peak, c.pairs ? reference_seconds[reference_seconds.size() / 2] : 0.0, loss);
  std::fflush(stdout);
  return median;
}

double run_or_tell(const Options &o, const Case &c, Runtime &runtime, Model &model, const Peak &peak, const char *how, int *failed) {
  double seconds = 0;
  try {
    seconds = run_case(o, c, runtime, model, peak, how);
  } catch (const Error &error) {
    *failed = 1;
    std::printf("%-22s FAILED: %s\n", (std::string(c.name) + how).c_str(), error.message.c_str());
  }
  if (o.json) std::fflush(o.json);
  return seconds;
}

bool named(const std::vector<std::string> &names, const Case &c) { return std::find(names.begin(), names.end(), c.name) != names.end(); }

int bench(const Options &o) {
  int failed = 0;
  Peak peak;
  std::vector<double> seconds;
  {
    Runtime runtime(o.device.c_str(), "auto", 0);
    std::printf("%s\n", runtime.ops().describe(runtime.backend()));
    peak = measure_peak(runtime);
    std::printf("products %.1f TFLOP/s, copies %.0f GB/s, reads %.0f GB/s\n", peak.fma_flops / 1e12, peak.copy_bytes / 1e9, peak.read_bytes / 1e9);
    if (o.json) std::fprintf(o.json, "{\"device\":\"%s\",\"product_flops\":%.6g,\"copy_bytes\":%.6g,\"read_bytes\":%.6g}\n", runtime.ops().describe(runtime.backend()), peak.fma_flops, peak.copy_bytes, peak.read_bytes);
    const double begin = now();
    Model model(runtime, model_file(o));
    std::printf("model on the device after %.1f s, %.2f GiB\n", now() - begin, double(runtime.memory().used) / (1 << 30));
    for (const Case &c : kCases) seconds.push_back(named(o.cases, c) ? run_or_tell(o, c, runtime, model, peak, "", &failed) : 0);
  }
  if (o.gains.empty()) return failed;
  setenv("GRAFT_CUDA_OVERLAP", "0", 1);   // read when a device is opened
  Runtime runtime(o.device.c_str(), "auto", 0);
  Model model(runtime, model_file(o));
  for (size_t i = 0; i < seconds.size(); i++) {
    const Case &c = kCases[i];
    if (!named(o.gains, c) || !(seconds[i] > 0)) continue;
    const double without = run_or_tell(o, c, runtime, model, peak, " no overlap", &failed);
    if (!(without > 0)) continue;
    std::printf("%-22s dequantization beside products: %.4f s a step with, %.4f without, %.1f%% less\n", c.name, seconds[i], without, 100 * (1 - seconds[i] / without));
    if (o.json) std::fprintf(o.json, "{\"overlap\":\"%s\",\"seconds_with\":%.6g,\"seconds_without\":%.6g}\n", c.name, seconds[i], without);
    std::fflush(stdout);
  }
  return failed;
}

}  // namespace

int main(int argc, char **argv) {
  Options o;
  for (int i = 1; i + 1 < argc; i += 2) {
    const std::string name = argv[i], value = argv[i + 1];
    const std::pair<const char *, int *> numbers[] = {{"--layers", &o.layers}, {"--width", &o.width}, {"--heads", &o.heads}, {"--kv-heads", &o.kv_heads}, {"--feed-forward", &o.feed_forward},
                                                      {"--vocabulary", &o.vocabulary}, {"--rank", &o.rank}, {"--steps", &o.steps}};
    bool known = false;
    for (const auto &[flag, number] : numbers)
      if (name == flag) *number = std::max(1, std::atoi(value.c_str())), known = true;
    if (name == "--device") o.device = value, known = true;
    if (name == "--folder") o.folder = value, known = true;
    if (name == "--type") o.type = value, known = true;
    if (name == "--case") o.cases.push_back(value), known = true;
    if (name == "--gain") o.gains.push_back(value), known = true;
    if (name == "--json") known = (o.json = std::fopen(value.c_str(), "w")) != nullptr;
    if (!known) return std::fprintf(stderr, "bench_device: %s %s is not understood\n", argv[i], argv[i + 1]), 2;
  }
  if (o.cases.empty()) o.cases = {"sft-1x4096", "sft-8x512", "dpo-1x1024+128", "dpo-4x1024+128", "sft-1x2048-recompute"};
  int code = 1;
  try {
    code = bench(o);
  } catch (const Error &error) {
    std::fprintf(stderr, "bench_device: %s\n", error.message.c_str());
  }
  if (o.json) std::fclose(o.json);
  return code;
}
