#include "importance.h"

#include <cmath>
#include <cstring>

#include "atomic_file.h"
#include "gguf_writer.h"
#include "json_text.h"
#include "mapped_file.h"

namespace graft {
namespace {

constexpr const char *kSums = ".in_sum2", *kCounts = ".counts";

[[noreturn]] void bad(const std::string &path, const std::string &why) { throw Error{GRAFT_BAD_FILE, printable(path, 4096) + ": not an importance matrix: " + why}; }

// Little-endian numbers one after the other, never past the end.
class Bytes {
 public:
  Bytes(const std::string &path, const MappedFile &file) : path_(path), at_(file.data()), left_(file.size()) {}
  const uint8_t *take(uint64_t count, const char *what) {
    if (count > left_) bad(path_, std::string("the file ends within ") + what);
    const uint8_t *taken = at_;
    at_ += count;
    left_ -= count;
    return taken;
  }
  int32_t number(const char *what, int32_t low, int32_t high) {
    int32_t value;
    std::memcpy(&value, take(4, what), 4);
    if (value < low || value > high) bad(path_, std::string(what) + " is " + std::to_string(value));
    return value;
  }
  uint64_t left() const { return left_; }

 private:
  const std::string &path_;
  const uint8_t *at_;
  uint64_t left_;
};

void require_mean(const std::string &path, const std::string &name, float value) {
  if (!(value >= 0 && std::isfinite(value))) bad(path, "'" + printable(name) + "' holds " + std::to_string(value));
}

}  // namespace

Importance Importance::open(const std::string &path) {
  const std::unique_ptr<MappedFile> file = MappedFile::open(path);
  return file->size() >= 4 && std::memcmp(file->data(), "GGUF", 4) == 0 ? read_gguf(path) : read_dat(path);
}

Importance Importance::read_dat(const std::string &path) {
  const std::unique_ptr<MappedFile> file = MappedFile::open(path);
  Bytes bytes(path, *file);
  Importance matrix;
  const int32_t entries = bytes.number("the number of entries", 1, 1 << 20);
  for (int32_t i = 0; i < entries; i++) {
    const int32_t length = bytes.number("the length of a name", 1, 1 << 12);
    const std::string name(reinterpret_cast<const char *>(bytes.take(static_cast<uint64_t>(length), "a name")), static_cast<size_t>(length));
    const int32_t calls = bytes.number("a number of calls", 0, INT32_MAX), columns = bytes.number("a number of columns", 1, INT32_MAX);
    const uint8_t *values = bytes.take(static_cast<uint64_t>(columns) * 4, "its values");
    Entry &entry = matrix.entries_[name];
    if (!entry.means.empty()) bad(path, "'" + printable(name) + "' occurs twice");
    entry.tokens = calls;
    entry.means.resize(static_cast<size_t>(columns));
    std::memcpy(entry.means.data(), values, entry.means.size() * sizeof(float));
    for (float &value : entry.means) {
      if (calls > 0) value /= static_cast<float>(calls);   // as llama-quantize reads it
      require_mean(path, name, value);
    }
  }
  if (bytes.left() >= 4) matrix.batches_ = bytes.number("the number of chunks", 0, INT32_MAX);
  return matrix;
}

Importance Importance::read_gguf(const std::string &path) {
  const std::unique_ptr<Gguf> file = Gguf::open(path);
  if (file->get_string("general.type", "") != "imatrix") bad(path, "it is a GGUF whose general.type is not imatrix");
  Importance matrix;
  matrix.batches_ = file->get_int("imatrix.chunk_count", 0);
  for (const GgufTensor &sums : file->tensors()) {
    const size_t at = sums.name.size() < std::strlen(kSums) ? 0 : sums.name.size() - std::strlen(kSums);
    if (sums.name.compare(at, std::string::npos, kSums) != 0) continue;
    const std::string name = sums.name.substr(0, at);
    const GgufTensor *counts = file->tensor(name + kCounts);
    const int64_t parts = sums.shape[1] * sums.shape[2] * sums.shape[3];
    if (sums.type != GK_F32 || counts == nullptr || counts->type != GK_F32 || counts->elements() != parts) bad(path, "the counts of '" + printable(name) + "' are missing or misshapen");
    Entry &entry = matrix.entries_[name];
    entry.means.resize(static_cast<size_t>(sums.elements()));
    std::memcpy(entry.means.data(), sums.data, entry.means.size() * sizeof(float));
    for (int64_t part = 0; part < parts; part++) {
      float count;
      std::memcpy(&count, static_cast<const uint8_t *>(counts->data) + part * 4, 4);
      if (!(count >= 0 && count < 1e18f)) bad(path, "a count of '" + printable(name) + "' is not a number of tokens");
      entry.tokens += static_cast<int64_t>(count);
      for (int64_t c = 0; c < sums.shape[0]; c++) {
        float &value = entry.means[static_cast<size_t>(part * sums.shape[0] + c)];
        value = count > 0 ? value / count : 1;   // an expert that no token chose: all columns alike
        require_mean(path, name, value);
      }
    }
  }
  if (matrix.entries_.empty()) bad(path, "no tensor ends in " + std::string(kSums));
  return matrix;
}

void Importance::add(const Model &model, const std::string &weight, gk_act x, int64_t rows, int64_t k) {
  if (x.type != GK_F32) fail(GRAFT_USAGE, "an importance matrix is made of f32 scores: by a trainer that was opened for scoring only, and not while it rehearses");
  Entry &entry = entries_[weight];
  if (entry.sums.empty()) entry.sums.resize(static_cast<size_t>(k));
  if (entry.sums.size() != static_cast<size_t>(k)) fail(GRAFT_USAGE, "%s has %lld columns here and %zu in the matrix", weight.c_str(), (long long)k, entry.sums.size());
  entry.tokens += rows;
  entry.means.clear();
  constexpr int64_t kRows = 64;
  std::vector<float> host(static_cast<size_t>(std::min(rows, kRows) * k));
  double *sums = entry.sums.data();
  for (int64_t begin = 0; begin < rows; begin += kRows) {
    const int64_t n = std::min(kRows, rows - begin);
    check(model.ops().download(model.backend(), host.data(), gk_act_at(x, begin * k).data, n * k * int64_t(sizeof(float))), "download");
    for (int64_t r = 0; r < n; r++)
      for (int64_t c = 0; c < k; c++) sums[c] += double(host[static_cast<size_t>(r * k + c)]) * double(host[static_cast<size_t>(r * k + c)]);
  }
}

void Importance::count_batch(int64_t tokens) {
  batches_++;
  tokens_ += tokens;
}

const std::vector<float> *Importance::means(const std::string &weight) const {
  const auto found = entries_.find(weight);
  if (found == entries_.end()) return nullptr;
  const Entry &entry = found->second;
  if (entry.means.empty() && entry.tokens > 0)
    for (const double sum : entry.sums) entry.means.push_back(static_cast<float>(sum / double(entry.tokens)));
  for (const float mean : entry.means)
    if (!std::isfinite(mean)) fail(GRAFT_NOT_FINITE, "the importance of %s is not finite: an activation is too large, or the model's weights are broken", weight.c_str());
  return &entry.means;
}

void Importance::save(const std::string &path, const std::string &source) const {
  if (entries_.empty()) fail(GRAFT_USAGE, "an importance matrix without a single token cannot be written");
  const bool dat = path.size() >= 4 && path.compare(path.size() - 4, 4, ".dat") == 0;
  dat ? write_dat(path, source) : write_gguf(path, source);
}

void Importance::write_dat(const std::string &path, const std::string &source) const {
  AtomicFile file(path);
  const auto number = [&](int64_t value) {
    const int32_t narrow = static_cast<int32_t>(std::min<int64_t>(value, INT32_MAX));
    file.write(&narrow, 4);
  };
  number(static_cast<int64_t>(entries_.size()));
  const int64_t calls = std::max<int64_t>(batches_, 1);
  for (const auto &[name, entry] : entries_) {
    number(static_cast<int64_t>(name.size()));
    file.write(name.data(), name.size());
    std::vector<float> values = *means(name);
    number(calls);
    number(static_cast<int64_t>(values.size()));
    for (float &value : values) value *= static_cast<float>(calls);
    file.write(values.data(), values.size() * sizeof(float));
  }
  number(calls);
  number(static_cast<int64_t>(source.size()));
  file.write(source.data(), source.size());
  file.commit();
}

void Importance::write_gguf(const std::string &path, const std::string &source) const {
  GgufWriter writer;
  writer.set_string("general.type", "imatrix");
  writer.set_strings("imatrix.datasets", {source});
  writer.set_uint32("imatrix.chunk_count", static_cast<uint32_t>(std::max<int64_t>(batches_, 1)));
  writer.set_uint32("imatrix.chunk_size", static_cast<uint32_t>(std::max<int64_t>(tokens_ / std::max<int64_t>(batches_, 1), 1)));
  for (const auto &[name, entry] : entries_) {
    const std::vector<float> *values = means(name);
    const float count = static_cast<float>(std::max<int64_t>(entry.tokens, 1));
    writer.add_tensor(name + kSums, GK_F32, {static_cast<int64_t>(values->size()), 1}, [values, count](const GgufWriter::Sink &sink) {
      std::vector<float> sums = *values;
      for (float &value : sums) value *= count;
      sink(sums.data(), sums.size() * sizeof(float));
    });
    writer.add_tensor(name + kCounts, GK_F32, {1, 1}, [count](const GgufWriter::Sink &sink) { sink(&count, sizeof count); });
  }
  writer.write(path);
}

std::string Importance::describe_json() const {
  JsonText json;
  json.begin_object();
  json.field("batches", batches_);
  json.field("tokens", tokens_);
  json.key("entries");
  json.begin_array();
  for (const auto &[name, entry] : entries_) {
    double sum = 0, largest = 0;
    const std::vector<float> &values = *means(name);
    for (const float value : values) {
      sum += double(value);
      largest = std::max(largest, double(value));
    }
    json.begin_object();
    json.field("name", name);
    json.field("columns", int64_t(values.size()));
    json.field("tokens", entry.tokens);
    json.field("mean", values.empty() ? 0.0 : sum / double(values.size()));
    json.field("largest", largest);
    json.end_object();
  }
  json.end_array();
  json.end_object();
  return json.text();
}

}  // namespace graft
