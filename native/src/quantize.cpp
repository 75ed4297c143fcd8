#include "quantize.h"

#include <sys/statvfs.h>

#include <algorithm>
#include <cmath>
#include <cstdio>

#include "gguf_writer.h"
#include "graft/blocks.h"
#include "json_text.h"

namespace graft {
namespace {

constexpr int64_t kValuesAtOnce = int64_t(1) << 22;
constexpr uint64_t kBytesAtOnce = uint64_t(1) << 24;

// llama.cpp's order: what belongs to no layer first, then layer by layer, each by name.
bool comes_before(const GgufTensor *a, const GgufTensor *b) {
  int layer_a = -1, layer_b = -1;
  std::sscanf(a->name.c_str(), "blk.%d.", &layer_a);
  std::sscanf(b->name.c_str(), "blk.%d.", &layer_b);
  return layer_a != layer_b ? layer_a < layer_b : a->name < b->name;
}

// As ggml counts them: trailing ones are none.
int32_t real_dimensions(const GgufTensor &tensor) {
  int32_t dimensions = 4;
  while (dimensions > 1 && tensor.shape[dimensions - 1] == 1) dimensions--;
  return dimensions;
}

gk_type type_or_fail(const std::string &name, const char *flag) {
  const gk_type type = type_named(name);
  if (type == GK_TYPE_LIMIT) fail(GRAFT_USAGE, "%s: unknown type '%.40s'; a single type is needed, such as Q8_0, Q6_K or F16", flag, name.c_str());
  return type;
}

bool is_quantized(gk_type type) { return gk_type_get(type)->block_size > 1; }

}  // namespace

Quantizer::Quantizer(Runtime &runtime, const Gguf &file, const std::string &path, const QuantizeOptions &options)
    : runtime_(runtime), file_(file), path_(path), options_(options) {
  if (file.get_int("split.count", 1) > 1)
    fail(GRAFT_BAD_FILE, "%s: it is one of %lld parts of a model; join them first (llama-gguf-split --merge)", file.path().c_str(), (long long)file.get_int("split.count", 1));
  if (file.get_string("general.type", "model") != "model")
    fail(GRAFT_BAD_FILE, "%s: it holds no model but '%s'", file.path().c_str(), printable(file.get_string("general.type", ""), 40).c_str());
  plan();
}

void Quantizer::plan_tensor(const GgufTensor &tensor, const TypeMix &mix, const MixModel &model) {
  const int32_t dimensions = real_dimensions(tensor);
  Item item{&tensor, tensor.type, tensor.type, nullptr, 0};
  if (is_quantizable(tensor.name, dimensions)) {
    const bool embedding = tensor.name == "token_embd.weight", output = tensor.name == "output.weight" || (embedding && model.tied);
    const bool by_embedding = embedding && !options_.embedding_type.empty();
    const std::string type = by_embedding ? options_.embedding_type : output ? options_.output_type : "";
    const char *flag = by_embedding ? "--token-embedding-type" : "--output-tensor-type";
    if (!type.empty()) item.wanted = type_or_fail(type, flag);
    else item.wanted = mix.type_of(tensor.name, GK_SUPER, dimensions, model);
    item.to = type.empty() ? mix.type_of(tensor.name, tensor.shape[0], dimensions, model) : fitting_type(item.wanted, tensor.shape[0]);
  }
  if (options_.importance && item.to != tensor.type && is_quantized(item.to)) {
    item.importance = options_.importance->means(tensor.name);
    const size_t columns = size_t(tensor.shape[0]) * size_t(tensor.shape[2] * tensor.shape[3]);
    if (item.importance && item.importance->size() != columns) {
      if (tensor.name != "token_embd.weight")
        fail(GRAFT_USAGE, "the importance matrix has %zu columns for %s, which has %zu; it was made for another model", item.importance->size(), tensor.name.c_str(), columns);
      item.importance = nullptr;
    }
  }
  item.bytes = uint64_t(gk_type_bytes(item.to, tensor.elements()));
  total_ += tensor.bytes;
  items_.push_back(item);
}

void Quantizer::plan() {
  const TypeMix mix = TypeMix::of_file(options_.type, options_.pure);
  file_type_ = mix.file_type();
  MixModel model = MixModel::of(file_);
  model.importance = options_.importance != nullptr;
  std::vector<const GgufTensor *> tensors;
  for (const GgufTensor &tensor : file_.tensors()) tensors.push_back(&tensor);
  std::sort(tensors.begin(), tensors.end(), comes_before);
  for (const GgufTensor *tensor : tensors) plan_tensor(*tensor, mix, model);
  if (items_.empty()) fail(GRAFT_BAD_FILE, "%s: it has no tensors", file_.path().c_str());
}

void Quantizer::begin() {
  GgufWriter writer;
  for (const auto &[key, value] : file_.metadata())
    if (key != "general.quantization_version" && key != "general.file_type" && key.compare(0, 6, "split.") != 0) writer.copy(key, value);
  writer.set_uint32("general.quantization_version", 2);
  writer.set_uint32("general.file_type", file_type_);
  uint64_t needed = 0;
  for (const Item &item : items_) {
    writer.add_tensor(item.tensor->name, item.to, std::vector<int64_t>(item.tensor->shape, item.tensor->shape + item.tensor->dimensions), {});
    needed += item.bytes + GgufWriter::kAlignment;
  }
  const std::string header = writer.encode_header();
  needed += header.size();
  const size_t slash = path_.rfind('/');
  struct statvfs disk;
  if (::statvfs(slash == std::string::npos ? "." : path_.substr(0, slash + 1).c_str(), &disk) == 0 && uint64_t(disk.f_bavail) * disk.f_frsize < needed)
    fail(GRAFT_IO, "%s: the file will take %llu MiB, and the disk has %llu MiB free", path_.c_str(), (unsigned long long)(needed >> 20),
         (unsigned long long)((uint64_t(disk.f_bavail) * disk.f_frsize) >> 20));
  out_ = std::make_unique<AtomicFile>(path_);
  out_->write(header.data(), header.size());
}

void Quantizer::copy(const Item &item) {
  const uint8_t *from = static_cast<const uint8_t *>(item.tensor->data) + row_;
  const uint64_t bytes = std::min(kBytesAtOnce, item.tensor->bytes - uint64_t(row_));
  out_->write(from, bytes);
  file_.release(from, bytes);
  row_ += int64_t(bytes);
  done_ += bytes;
}

void Quantizer::refuse_row(const Item &item, int64_t row) const {
  const int64_t width = item.tensor->shape[0];
  std::vector<float> values(static_cast<size_t>(width));
  const uint8_t *data = static_cast<const uint8_t *>(item.tensor->data);
  gk_dequantize(runtime_.host(), item.tensor->type, data + row * gk_type_bytes(item.tensor->type, width), values.data(), width);
  for (int64_t c = 0; c < width; c++)
    if (!std::isfinite(values[size_t(c)]))
      fail(GRAFT_BAD_FILE, "%s: tensor %s holds %g in row %lld, column %lld; a model with such weights is broken; convert or download it again", file_.path().c_str(), item.tensor->name.c_str(),
           double(values[size_t(c)]), (long long)row, (long long)c);
  float largest = 0;
  for (const float value : values) largest = std::max(largest, std::fabs(value));
  fail(GRAFT_NOT_FINITE, "%s: tensor %s has values up to %g in row %lld, more than %s can hold; choose BF16 or F32 for it", file_.path().c_str(), item.tensor->name.c_str(),
       double(largest), (long long)row, gk_type_get(item.to)->name);
}

void Quantizer::convert(const Item &item) {
  const GgufTensor &tensor = *item.tensor;
  const int64_t width = tensor.shape[0], rows = tensor.elements() / width, per_part = tensor.shape[1];
  int64_t n = std::min(std::max<int64_t>(1, kValuesAtOnce / width), rows - row_);
  const float *importance = nullptr;
  if (item.importance) {                       // experts have their own columns
    n = std::min(n, per_part - row_ % per_part);
    importance = item.importance->data() + row_ / per_part * width;
  }
  const uint64_t row_bytes = uint64_t(gk_type_bytes(tensor.type, width));
  const uint8_t *from = static_cast<const uint8_t *>(tensor.data) + uint64_t(row_) * row_bytes;
  file_.prefetch(from + uint64_t(n) * row_bytes, std::min(uint64_t(n) * row_bytes, (uint64_t(rows) - uint64_t(row_ + n)) * row_bytes));
  blocks_.resize(size_t(gk_type_bytes(item.to, n * width)));
  int64_t bad = -1;
  check(gk_convert_rows(runtime_.host(), tensor.type, from, item.to, n, width, importance, blocks_.data(), &bad), "quantize");
  if (bad >= 0) refuse_row(item, row_ + bad);
  out_->write(blocks_.data(), blocks_.size());
  file_.release(from, uint64_t(n) * row_bytes);
  row_ += n;
  done_ += uint64_t(n) * row_bytes;
}

bool Quantizer::step() {
  if (finished_) return true;
  if (!out_) {
    if (item_ > 0) fail(GRAFT_USAGE, "this quantization has failed; open it again");
    begin();
  }
  try {
    const Item &item = items_[item_];
    const bool copied = item.to == item.tensor->type;
    copied ? copy(item) : convert(item);
    const int64_t all = copied ? int64_t(item.tensor->bytes) : item.tensor->elements() / item.tensor->shape[0];
    if (row_ >= all) {
      static const char zeros[GgufWriter::kAlignment] = {};
      const uint64_t over = out_->written() % GgufWriter::kAlignment;
      out_->write(zeros, over == 0 ? 0 : GgufWriter::kAlignment - over);
      item_++;
      row_ = 0;
    }
    if (item_ < items_.size()) return false;
    out_->commit();
  } catch (...) {
    out_.reset();
    item_ = items_.size();
    throw;
  }
  out_.reset();
  finished_ = true;
  return true;
}

std::string Quantizer::describe_json() const {
  JsonText json;
  int64_t parameters = 0, requantized = 0;
  uint64_t source = 0, bytes = 0;
  for (const Item &item : items_) {
    parameters += item.tensor->elements();
    requantized += is_quantized(item.tensor->type) && is_quantized(item.to) && item.to != item.tensor->type;
    source += item.tensor->bytes;
    bytes += item.bytes;
  }
  json.begin_object();
  json.field("type", options_.type);
  json.field("file_type", int64_t(file_type_));
  json.field("parameters", parameters);
  json.field("source_bytes", int64_t(source));
  json.field("bytes", int64_t(bytes));
  json.field("requantized", requantized);
  json.key("tensors");
  json.begin_array();
  for (const Item &item : items_) {
    json.begin_object();
    json.field("name", item.tensor->name);
    json.field("from", gk_type_get(item.tensor->type)->name);
    json.field("to", gk_type_get(item.to)->name);
    json.field("wanted", gk_type_get(item.wanted)->name);
    json.field("row", item.tensor->shape[0]);
    json.field("source_bytes", int64_t(item.tensor->bytes));
    json.field("bytes", int64_t(item.bytes));
    json.field("importance", int64_t(item.importance != nullptr));
    json.end_object();
  }
  json.end_array();
  json.end_object();
  return json.text();
}

}  // namespace graft
