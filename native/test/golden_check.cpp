// The oracle cases on any device: log-probabilities, and whole SFT and DPO runs, against what float64 autograd made of them.
//
//   golden_check [--device cpu|cuda] [--isa ISA] [--steps N] [--curve STEPS] [--json FILE] CASE-FOLDER...
//
// On cuda everything is done twice: in f32 (GRAFT_CUDA_F32=1) with the CPU's tolerances, and as training does it, in bf16. Each activation is off by 2^-8 of itself at most, without
// preference of sign; what comes out has passed about 7 products a layer, so values differ by u = 2^-8 sqrt(7 layers) of their size.
// --steps: only the first N steps of each run, and N + 1 rows scored, for slow devices.
// --curve: that many more steps of SFT, on this device and on the CPU, side by side.
#include <cmath>
#include <cstring>

#include "generator.h"
#include "json_reader.h"
#include "loss_preference.h"
#include "loss_sft.h"
#include "model_testing.h"

using namespace graft;
using namespace graft::testing;
using json_reader::Value;

namespace {

std::string device = "cpu", isa = "auto";
bool bf16 = false;
size_t most_steps = 1000;
std::FILE *json = nullptr;

struct Row { std::vector<int32_t> prompt, chosen, rejected; };

std::vector<int32_t> ids(const Value &v) {
  std::vector<int32_t> list;
  for (const Value &item : v.items) list.push_back(int32_t(item.number));
  return list;
}

std::vector<Row> read_rows(const std::string &path) {
  std::vector<Row> rows;
  for (const Value &line : json_reader::lines(path))
    rows.push_back({ids(line["prompt_ids"]), ids(line[line["chosen_ids"].present ? "chosen_ids" : "completion_ids"]), ids(line["rejected_ids"])});
  return rows;
}

// One case opened on a device.
struct Opened {
  Runtime runtime;
  Model model;
  std::unique_ptr<Adapter> adapter;
  Opened(const std::string &where, const std::string &folder)
      : runtime(where.c_str(), isa.c_str(), 2), model(runtime, folder + "/model.gguf"), adapter(Adapter::open(model, folder + "/adapter.gguf")) {}
};

// Segments laid end to end, targets their answers' tokens.
struct Packed {
  std::vector<int32_t> lengths, prefixes, tokens, rows, ids;
  void add(const std::vector<int32_t> &prompt, const std::vector<int32_t> &answer) {   // a whole sequence
    const int32_t begin = int32_t(tokens.size());
    tokens.insert(tokens.end(), prompt.begin(), prompt.end());
    tokens.insert(tokens.end(), answer.begin(), answer.end());
    lengths.push_back(int32_t(prompt.size() + answer.size()));
    prefixes.push_back(-1);
    for (size_t i = 0; i < answer.size(); i++) rows.push_back(begin + int32_t(prompt.size() + i) - 1), ids.push_back(answer[i]);
  }
  // Prompt once, both answers after it; a pair's first target is the prompt's last row, twice.
  void add_pair(const Row &row) {
    const int32_t begin = int32_t(tokens.size()), segment = int32_t(lengths.size()), last = begin + int32_t(row.prompt.size()) - 1;
    tokens.insert(tokens.end(), row.prompt.begin(), row.prompt.end());
    lengths.push_back(int32_t(row.prompt.size()));
    prefixes.push_back(-1);
    rows.insert(rows.end(), {last, last});
    ids.insert(ids.end(), {row.chosen[0], row.rejected[0]});
    for (const std::vector<int32_t> *answer : {&row.chosen, &row.rejected}) {
      const int32_t at = int32_t(tokens.size());
      tokens.insert(tokens.end(), answer->begin(), answer->end());
      lengths.push_back(int32_t(answer->size()));
      prefixes.push_back(segment);
      for (size_t i = 1; i < answer->size(); i++) rows.push_back(at + int32_t(i) - 1), ids.push_back((*answer)[i]);
    }
  }
  Batch batch(const Model &model) const {
    return make_batch(model.hyper().vocabulary, 1 << 20, 1 << 20, int32_t(lengths.size()), lengths.data(), prefixes.data(), tokens.data(), int64_t(rows.size()), rows.data(), ids.data());
  }
};

// Log-probabilities of a pair in the order chosen, rejected; the place of each among the targets of add_pair.
std::vector<size_t> pair_order(const Row &row) {
  std::vector<size_t> order{0};
  for (size_t i = 1; i < row.chosen.size(); i++) order.push_back(1 + i);
  order.push_back(1);
  for (size_t i = 1; i < row.rejected.size(); i++) order.push_back(row.chosen.size() + i);
  return order;
}

double tolerance_unit(const Model &model) { return std::ldexp(std::sqrt(7.0 * model.hyper().layers), -8); }

struct Report {
  std::string name;
  double worst = 0;   // of what is allowed
  void compare(const char *what, double got, double expected, double allowed) {
    close_to((name + " " + what).c_str(), got, expected, allowed);
    worst = std::max(worst, std::isfinite(got) ? std::fabs(got - expected) / allowed : INFINITY);
  }
  ~Report() {
    std::printf("%-56s %.3f of what is allowed%s\n", name.c_str(), worst, worst <= 1 ? "" : "  FAILED");
    if (json) std::fprintf(json, "{\"check\":\"%s\",\"of_allowed\":%.4g,\"passed\":%s}\n", name.c_str(), std::isfinite(worst) ? worst : 1e30, worst <= 1 ? "true" : "false");
  }
};

void scores(Opened &o, const std::string &name, const std::vector<Row> &rows, const Value &expected, bool with_adapter) {
  Report report{name + (with_adapter ? " score_adapter" : " score_base")};
  Trainer trainer(o.model, with_adapter ? o.adapter.get() : nullptr, TrainerOptions{false, 4096, 4096, Recompute::kNone, 0, 0});
  Packed packed;
  const size_t count = std::min(rows.size(), most_steps + 1);
  for (size_t r = 0; r < count; r++) packed.add(rows[r].prompt, rows[r].chosen);
  std::vector<float> logps(packed.rows.size());
  if (bf16) trainer.rehearse(packed.batch(o.model), logps.data());
  else trainer.forward(packed.batch(o.model), false, logps.data());
  size_t at = 0;
  for (size_t r = 0; r < count; r++)
    for (size_t i = 0; i < rows[r].chosen.size(); i++, at++) {
      const double wanted = expected.items[r].items[i].number;
      report.compare("logp", logps[at], wanted, bf16 ? 8 * tolerance_unit(o.model) : 2e-4 * (1 + std::fabs(wanted)));
    }
}

// The same as generation finds them: a prompt at once, then token after token over the cache.
void generated(Opened &o, const std::string &name, const std::vector<Row> &rows, const Value &expected) {
  Report report{name + " generated"};
  GeneratorOptions options;
  options.context = 1024;
  Generator generator(o.model, options);
  const int32_t adapter = generator.add_adapter(*o.adapter), sequence = 0, one = 1, keep = kLogits;
  for (size_t r = 0; r < std::min(rows.size(), std::min<size_t>(most_steps + 1, 4)); r++) {
    std::vector<int32_t> prompt = rows[r].prompt;
    const int32_t length = int32_t(prompt.size());
    generator.begin(sequence, 1, &adapter, nullptr, length, prompt.data(), length + int64_t(rows[r].chosen.size()), false);
    generator.append(1, &sequence, &length, prompt.data(), &keep);
    for (size_t i = 0; i < rows[r].chosen.size(); i++) {
      const double wanted = expected.items[r].items[i].number;
      report.compare("logp", generator.log_probability(sequence, rows[r].chosen[i], 0, nullptr, nullptr), wanted, bf16 ? 8 * tolerance_unit(o.model) : 2e-4 * (1 + std::fabs(wanted)));
      generator.append(1, &sequence, &one, &rows[r].chosen[i], &keep);
    }
    generator.end(sequence);
  }
}

double sft_step(Trainer &trainer, const Model &model, const std::vector<Row> &rows, size_t &next, int batch, int accumulation, double rate, double decay, double clip, double *norm) {
  std::vector<Packed> parts(static_cast<size_t>(accumulation));
  int64_t total = 0;
  for (Packed &part : parts)
    for (int i = 0; i < batch; i++) part.add(rows[next % rows.size()].prompt, rows[next % rows.size()].chosen), next++;
  for (const Packed &part : parts) total += int64_t(part.rows.size());
  double loss = 0;
  for (const Packed &part : parts) {
    std::vector<float> logps(part.rows.size()), weights(part.rows.size());
    trainer.forward(part.batch(model), true, logps.data());
    loss += sft_loss(int64_t(logps.size()), logps.data(), total, weights.data());
    trainer.backward(weights.data());
  }
  *norm = trainer.step(float(rate), float(decay), float(clip));
  return loss;
}

void sft_run(Opened &o, const std::string &name, const std::vector<Row> &rows, const Value &run) {
  Report report{name + " " + run["run"].text};
  const std::unique_ptr<Adapter> adapter = o.adapter->clone();
  const Recompute how = run["accum"].number > 1 ? Recompute::kOffload : Recompute::kNone;
  Trainer trainer(o.model, adapter.get(), TrainerOptions{true, 4096, 4096, how, 0, 42});
  size_t next = 0;
  for (size_t s = 0; s < std::min(most_steps, run["steps_log"].items.size()); s++) {
    const Value &step = run["steps_log"].items[s];
    double norm = 0;
    const double u = tolerance_unit(o.model), wanted = step["loss"].number;
    const double loss = sft_step(trainer, o.model, rows, next, int(run["bs"].number), int(run["accum"].number), step["learning_rate"].number, run["opt"]["wd"].or_else(0),
                                 run["opt"]["clip"].or_else(0), &norm);
    report.compare("loss", loss, wanted, (bf16 ? u : 2e-4) * wanted);
    report.compare("gradient norm", norm, step["grad_norm"].number, (bf16 ? 4 * u : 1e-3) * step["grad_norm"].number);
  }
}

void dpo_run(Opened &o, const std::string &name, const std::vector<Row> &rows, const Value &run) {
  Report report{name + " " + run["run"].text};
  const std::unique_ptr<Adapter> adapter = o.adapter->clone();
  Trainer trainer(o.model, adapter.get(), TrainerOptions{true, 4096, 4096, Recompute::kBlock, 0, 42});
  const PreferenceKind &kind = find_preference_kind("sigmoid");
  PreferenceOptions options = preference_defaults(kind);
  options.beta = run["beta"].number;
  const double u = tolerance_unit(o.model);
  // A row's reference, chosen and rejected in turn: by the adapter before it is trained, with training's numerics.
  std::vector<std::vector<float>> reference;
  for (size_t r = 0; r < std::min(rows.size(), most_steps * size_t(run["bs"].number)); r++) {
    const Row &row = rows[r];
    Packed packed;
    packed.add_pair(row);
    std::vector<float> logps(packed.rows.size()), ordered;
    trainer.rehearse(packed.batch(o.model), logps.data());
    for (const size_t at : pair_order(row)) ordered.push_back(logps[at]);
    reference.push_back(ordered);
  }
  size_t next = 0;
  for (size_t s = 0; s < std::min(most_steps, run["steps_log"].items.size()); s++) {
    const Value &step = run["steps_log"].items[s];
    double loss = 0, margin = 0;
    const int batch = int(run["bs"].number);
    Packed packed;
    std::vector<size_t> order;   // of all targets: pair after pair, chosen then rejected
    std::vector<float> references;
    std::vector<int32_t> lengths;
    for (int i = 0; i < batch; i++, next++) {
      const Row &row = rows[next % rows.size()];
      const size_t begin = packed.rows.size();
      packed.add_pair(row);
      for (const size_t at : pair_order(row)) order.push_back(begin + at);
      references.insert(references.end(), reference[next % rows.size()].begin(), reference[next % rows.size()].end());
      lengths.insert(lengths.end(), {int32_t(row.chosen.size()), int32_t(row.rejected.size())});
    }
    // Targets must ascend by row: they do within a pair but for the prompt's two, which come first.
    std::vector<float> logps(packed.rows.size()), ordered, weights(packed.rows.size()), by_target(packed.rows.size());
    trainer.forward(packed.batch(o.model), true, logps.data());
    for (const size_t at : order) ordered.push_back(logps[at]);
    std::vector<double> losses(static_cast<size_t>(batch)), rewards(static_cast<size_t>(2 * batch));
    double state[2] = {};
    preference_loss(kind, options, {batch, nullptr, lengths.data(), ordered.data(), references.data(), nullptr, batch, 0, false}, {state, weights.data(), losses.data(), rewards.data()});
    for (size_t i = 0; i < order.size(); i++) by_target[order[i]] = weights[i];
    trainer.backward(by_target.data());
    trainer.step(float(step["learning_rate"].number), float(run["opt"]["wd"].or_else(0)), float(run["opt"]["clip"].or_else(0)));
    for (int i = 0; i < batch; i++) loss += losses[size_t(i)] / batch, margin += (rewards[size_t(2 * i)] - rewards[size_t(2 * i + 1)]) / batch;
    // A margin is beta times a difference of sums of log-probabilities that started from the same bits: it moves with the training, whose steps differ by u.
    const double wanted = step["rewards/margins"].number;
    report.compare("loss", loss, step["loss"].number, bf16 ? 2 * u * (1 + std::fabs(wanted)) : 1e-4 * step["loss"].number + 1e-6);
    report.compare("margin", margin, wanted, bf16 ? 4 * u * (1 + std::fabs(wanted)) : 2e-4);
  }
}

// The same training here and on the CPU.
void curve(const std::string &folder, const std::string &name, const std::vector<Row> &rows, int steps) {
  Report report{name + " curve of " + std::to_string(steps) + " steps, its last tenth"};
  std::vector<double> losses[2];
  for (int side = 0; side < 2; side++) {
    Opened o(side ? device : "cpu", folder);
    Trainer trainer(o.model, o.adapter.get(), TrainerOptions{true, 4096, 4096, Recompute::kNone, 0, 42});
    size_t next = 0;
    for (int step = 0; step < steps; step++) {
      double norm;
      losses[side].push_back(sft_step(trainer, o.model, rows, next, 2, 1, 5e-4, 0, 1, &norm));
    }
  }
  double sums[2] = {};
  const int tail = std::max(1, steps / 10);
  for (int side = 0; side < 2; side++)
    for (int i = steps - tail; i < steps; i++) sums[side] += losses[side][size_t(i)] / tail;
  if (json) {
    std::fprintf(json, "{\"curve\":\"%s\",\"cpu\":[", name.c_str());
    for (size_t i = 0; i < losses[0].size(); i++) std::fprintf(json, "%s%.6g", i ? "," : "", losses[0][i]);
    std::fprintf(json, "],\"%s\":[", device.c_str());
    for (size_t i = 0; i < losses[1].size(); i++) std::fprintf(json, "%s%.6g", i ? "," : "", losses[1][i]);
    std::fprintf(json, "]}\n");
  }
  std::printf("%s: loss %.4f at first; mean of the last tenth %.5f on the CPU, %.5f here\n", name.c_str(), losses[0][0], sums[0], sums[1]);
  report.compare("loss", sums[1], sums[0], 0.05 * sums[0] + 0.01);
}

void check_case(const std::string &folder, int curve_steps) {
  const std::string name = folder.substr(folder.find_last_of('/') + 1);
  const Value expected = json_reader::open(folder + "/expected.json").value();
  const std::vector<Row> sft = read_rows(folder + "/sft.jsonl"), dpo = read_rows(folder + "/dpo.jsonl");
  const std::vector<bool> ways = device == "cpu" ? std::vector<bool>{false} : std::vector<bool>{false, true};
  for (const bool way : ways) {
    bf16 = way;
    if (device != "cpu") setenv("GRAFT_CUDA_F32", bf16 ? "0" : "1", 1);
    Opened o(device, folder);
    const std::string label = name + " on " + device + (device == "cpu" ? "" : bf16 ? " in bf16" : " in f32");
    scores(o, label, sft, expected["score_base"], false);
    scores(o, label, sft, expected["score_adapter"], true);
    generated(o, label, sft, expected["score_adapter"]);
    for (const Value &one : expected["runs"].items) {
      if (one["kind"].text == "sft") sft_run(o, label, sft, one);
      else if (one["kind"].text == "sigmoid") dpo_run(o, label, dpo, one);
    }
  }
  if (curve_steps > 0) curve(folder, name, sft, curve_steps);
}

}  // namespace

int main(int argc, char **argv) {
  int curve_steps = 0;
  for (int i = 1; i < argc; i++) {
    const std::string argument = argv[i];
    const bool last = i + 1 == argc;
    if (argument == "--device" && !last) device = argv[++i];
    else if (argument == "--isa" && !last) isa = argv[++i];
    else if (argument == "--steps" && !last) most_steps = size_t(std::max(1, std::atoi(argv[++i])));
    else if (argument == "--curve" && !last) curve_steps = std::atoi(argv[++i]);
    else if (argument == "--json" && !last) json = std::fopen(argv[++i], "w");
    else run(argument.c_str(), [&] { check_case(argument, curve_steps); });
  }
  if (json) std::fclose(json);
  return finish("golden_check");
}
