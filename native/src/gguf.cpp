// Reads a GGUF header and checks every number in it against the bytes that are there, before it is used or memory is taken for it.
//
// Refused beyond what the format forbids, because something downstream breaks on it: version 1 (32-bit counts, unused since 2023), nested arrays
// (llama.cpp has none), tensor names of 64 bytes and more (llama.cpp's limit), zero dimensions, overlapping tensors, alignment below 8 or above
// 1 MiB, bools other than 0 and 1 (the format calls them invalid; llama.cpp takes any), tensor types that no kernel here reads, and parts of a
// split model. Tolerated: gaps between tensors, bytes after the last one, any key or name that is not UTF-8.
#include "gguf.h"

#include <algorithm>
#include <cmath>
#include <cstdio>
#include <cstring>
#include <limits>

#include "mapped_file.h"

namespace graft {

namespace {

static_assert(__BYTE_ORDER__ == __ORDER_LITTLE_ENDIAN__, "GGUF values are read in place, as little-endian");

constexpr uint64_t kMaxKeyBytes = 65535, kMaxNameBytes = 63, kMaxAlignment = 1 << 20;
constexpr uint64_t kStringStride = 32;        // one offset is kept for so many strings of an array
constexpr const char *kTruncated = "the file is truncated or damaged; download or convert it again";

template <class T> T load(const uint8_t *from) {
  T value;
  std::memcpy(&value, from, sizeof value);
  return value;
}

// Bytes of one item of a fixed size; 0 for strings and arrays.
uint64_t size_of(GgufType type) {
  static const uint8_t sizes[] = {1, 1, 2, 2, 4, 4, 4, 1, 0, 0, 8, 8, 8};
  return sizes[static_cast<uint32_t>(type)];
}

// ggml's names of the types that gk_type_get does not know (ggml.h, enum ggml_type).
const char *foreign_type_name(uint32_t type) {
  switch (type) {
    case 4: return "Q4_2";       case 5: return "Q4_3";       case 9: return "Q8_1";       case 15: return "Q8_K";
    case 16: return "IQ2_XXS";   case 17: return "IQ2_XS";    case 18: return "IQ3_XXS";   case 19: return "IQ1_S";
    case 21: return "IQ3_S";     case 22: return "IQ2_S";     case 24: return "I8";        case 25: return "I16";
    case 26: return "I32";       case 27: return "I64";       case 28: return "F64";       case 29: return "IQ1_M";
    case 31: return "Q4_0_4_4";  case 32: return "Q4_0_4_8";  case 33: return "Q4_0_8_8";  case 34: return "TQ1_0";
    case 35: return "TQ2_0";     case 36: return "IQ4_NL_4_4"; case 37: return "IQ4_NL_4_8"; case 38: return "IQ4_NL_8_8";
    case 39: return "MXFP4";
    default: return nullptr;
  }
}

std::string quoted(std::string_view name) { return "'" + printable(name) + "'"; }
std::string number(uint64_t value) { return std::to_string(value); }

std::string hex(uint32_t value) {
  char text[16];
  std::snprintf(text, sizeof text, "0x%08x", value);
  return text;
}

[[noreturn]] void bad_file(const std::string &path, const std::string &why) { throw Error{GRAFT_BAD_FILE, printable(path, 4096) + ": " + why}; }

std::string describe_type(const GgufValue &value) {
  return value.type == GgufType::Array ? std::string("an array of ") + name_of(value.element) : std::string(name_of(value.type));
}

}  // namespace

class GgufParser {
 public:
  explicit GgufParser(Gguf &gguf) : gguf_(gguf), data_(gguf.file_->data()), size_(gguf.file_->size()) {}
  void parse();

 private:
  [[noreturn]] void bad(const std::string &why) const { bad_file(gguf_.path_, why); }
  uint64_t left() const { return size_ - at_; }
  const uint8_t *take(uint64_t bytes, const std::string &what) {
    if (bytes > left()) bad("ends inside " + what + " (" + number(bytes) + " bytes wanted at byte " + number(at_) + " of " + number(size_) + "): " + kTruncated);
    const uint8_t *from = data_ + at_;
    at_ += bytes;
    return from;
  }
  uint32_t u32(const std::string &what) { return load<uint32_t>(take(4, what)); }
  uint64_t u64(const std::string &what) { return load<uint64_t>(take(8, what)); }
  std::string_view string(const std::string &what) {
    const uint64_t bytes = u64("the length of " + what);
    if (bytes > left()) bad(what + " claims " + number(bytes) + " bytes, but only " + number(left()) + " are left: " + kTruncated);
    return {reinterpret_cast<const char *>(take(bytes, what)), static_cast<size_t>(bytes)};
  }
  void check_magic();
  void read_metadata(uint64_t count);
  GgufValue read_value(std::string_view key);
  void read_array(std::string_view key, GgufValue &value);
  void check_bools(std::string_view key, const GgufValue &value) const;
  void check_alignment();
  void check_split() const;
  void read_tensors(uint64_t count);
  GgufTensor read_tensor(uint64_t index);
  void place_tensors();

  Gguf &gguf_;
  const uint8_t *data_;
  uint64_t size_, at_ = 0;
};

void GgufParser::parse() {
  check_magic();
  const uint32_t version = u32("the version");
  if (version != 2 && version != 3) {
    if (version != 0 && (version & 0xffff) == 0) bad("is a big-endian GGUF (version word " + hex(version) + "); only little-endian files are read: convert it with gguf-py's gguf_convert_endian.py");
    bad("has GGUF version " + number(version) + "; versions 2 and 3 are read" + (version < 2 ? ": convert it again with a current llama.cpp" : ": this file is newer than this program"));
  }
  gguf_.version_ = version;
  const uint64_t tensors = u64("the number of tensors"), keys = u64("the number of metadata keys");
  // A key takes at least 8 bytes and its value 4 + 1; a tensor entry 8 + 4 + 8 + 4 + 8.
  if (keys > left() / 13) bad("claims " + number(keys) + " metadata keys, more than its " + number(size_) + " bytes can hold: " + kTruncated);
  if (tensors > left() / 32) bad("claims " + number(tensors) + " tensors, more than its " + number(size_) + " bytes can hold: " + kTruncated);
  read_metadata(keys);
  check_split();
  check_alignment();
  read_tensors(tensors);
  place_tensors();
}

void GgufParser::check_magic() {
  const std::string_view head(reinterpret_cast<const char *>(data_), static_cast<size_t>(std::min<uint64_t>(size_, 64)));
  const auto starts = [&](std::string_view with) { return head.substr(0, with.size()) == with; };
  if (starts("GGUF")) {
    at_ = 4;
    return;
  }
  const char *convert = "convert it with llama.cpp's convert_hf_to_gguf.py";
  if (size_ < 4 && std::string_view("GGUF").substr(0, head.size()) == head) bad(std::string("ends inside the magic number: ") + kTruncated);
  if (head.size() > 8 && head[8] == '{' && load<uint64_t>(data_) < (uint64_t{1} << 32)) bad(std::string("is a safetensors file, not GGUF: ") + convert);
  if (starts(std::string_view("PK\x03\x04", 4))) bad(std::string("is a zip archive (PyTorch saves models so), not GGUF: unpack it, or ") + convert);
  if (starts("\x80\x02") || starts("\x80\x03") || starts("\x80\x04") || starts("\x80\x05")) bad(std::string("is a Python pickle, not GGUF: ") + convert);
  if (starts("lmgg") || starts("fmgg") || starts("tjgg") || starts("algg"))
    bad("is a GGML file from before GGUF (2023): get the model again as GGUF, or convert it with an old llama.cpp's convert_llama_ggml_to_gguf.py");
  if (starts("version https://git-lfs")) bad("is a Git LFS pointer, not the model itself: run git lfs pull");
  if (starts("<!DOCTYPE") || starts("<!doctype") || starts("<html")) bad("is a web page, not a model: the download went wrong");
  if (starts("\x1f\x8b")) bad("is compressed with gzip: unpack it first");
  std::string first;
  for (size_t i = 0; i < std::min<size_t>(4, head.size()); i++) {
    char text[8];
    std::snprintf(text, sizeof text, " %02x", static_cast<unsigned>(data_[i]));
    first += text;
  }
  bad("is not a GGUF file (it begins with the bytes" + first + ", not 'GGUF')");
}

void GgufParser::read_metadata(uint64_t count) {
  for (uint64_t i = 0; i < count; i++) {
    const std::string_view key = string("the name of metadata key " + number(i));
    if (key.empty()) bad("metadata key " + number(i) + " has an empty name");
    if (key.size() > kMaxKeyBytes) bad("the name of metadata key " + number(i) + " has " + number(key.size()) + " bytes; at most " + number(kMaxKeyBytes) + " are allowed");
    if (!gguf_.metadata_index_.emplace(std::string(key), i).second) bad("metadata key " + quoted(key) + " occurs twice");
    const GgufValue value = read_value(key);
    gguf_.metadata_.emplace_back(std::string(key), value);
  }
}

GgufValue GgufParser::read_value(std::string_view key) {
  const std::string what = "metadata key " + quoted(key);
  const uint32_t type = u32("the type of " + what);
  if (type > static_cast<uint32_t>(GgufType::F64)) bad(what + " has the unknown value type " + number(type));
  GgufValue value{static_cast<GgufType>(type), static_cast<GgufType>(type), 1, nullptr, 0, 0};
  if (value.type == GgufType::Array) {
    read_array(key, value);
  } else if (value.type == GgufType::String) {
    value.data = data_ + at_;
    value.bytes = 8 + string("the text of " + what).size();
  } else {
    value.bytes = size_of(value.type);
    value.data = take(value.bytes, what);
  }
  if (value.element == GgufType::Bool) check_bools(key, value);
  return value;
}

void GgufParser::read_array(std::string_view key, GgufValue &value) {
  const std::string what = "array " + quoted(key);
  const uint32_t element = u32("the element type of " + what);
  if (element > static_cast<uint32_t>(GgufType::F64)) bad(what + " has the unknown element type " + number(element));
  value.element = static_cast<GgufType>(element);
  if (value.element == GgufType::Array) bad(what + " holds arrays; nested arrays are not supported");
  value.count = u64("the length of " + what);
  const bool strings = value.element == GgufType::String;
  if (value.count > left() / (strings ? 8 : size_of(value.element)))
    bad(what + " claims " + number(value.count) + " items, but only " + number(left()) + " bytes are left: " + kTruncated);
  value.data = data_ + at_;
  if (!strings) {
    value.bytes = value.count * size_of(value.element);
    at_ += value.bytes;
    return;
  }
  const uint64_t begin = at_;
  value.first_offset = gguf_.string_offsets_.size();
  for (uint64_t i = 0; i < value.count; i++) {
    if (i % kStringStride == 0) gguf_.string_offsets_.push_back(at_);
    const uint64_t bytes = left() < 8 ? std::numeric_limits<uint64_t>::max() : load<uint64_t>(data_ + at_);
    if (bytes > left() - std::min<uint64_t>(8, left())) string("item " + number(i) + " of " + what);      // throws, saying why
    at_ += 8 + bytes;
  }
  value.bytes = at_ - begin;
}

void GgufParser::check_bools(std::string_view key, const GgufValue &value) const {
  for (uint64_t i = 0; i < value.count; i++)
    if (value.data[i] > 1) bad("metadata key " + quoted(key) + " has a bool of value " + number(value.data[i]) + "; only 0 and 1 are allowed");
}

void GgufParser::check_alignment() {
  const GgufValue *value = gguf_.find("general.alignment");
  if (value == nullptr) return;
  if (value->type != GgufType::U32) bad("metadata key 'general.alignment' is " + describe_type(*value) + ", expected u32");
  const uint64_t alignment = load<uint32_t>(value->data);
  if (alignment < 8 || alignment > kMaxAlignment || (alignment & (alignment - 1)) != 0)
    bad("general.alignment is " + number(alignment) + "; a power of two from 8 to " + number(kMaxAlignment) + " is expected");
  gguf_.alignment_ = alignment;
}

void GgufParser::check_split() const {
  const int64_t count = gguf_.get_int("split.count", 0);
  if (count <= 1) return;
  bad("is part " + std::to_string(gguf_.get_int("split.no", 0) + 1) + " of " + std::to_string(count) +
      " of a split model; merge the parts first: llama-gguf-split --merge FIRST-PART.gguf WHOLE.gguf");
}

GgufTensor GgufParser::read_tensor(uint64_t index) {
  const std::string_view name = string("the name of tensor " + number(index));
  if (name.empty()) bad("tensor " + number(index) + " has an empty name");
  const std::string what = "tensor " + quoted(name);
  if (name.size() > kMaxNameBytes) bad(what + " has a name of " + number(name.size()) + " bytes; at most " + number(kMaxNameBytes) + " are allowed");
  GgufTensor tensor{};
  tensor.name = name;
  const uint32_t dimensions = u32("the number of dimensions of " + what);
  if (dimensions < 1 || dimensions > 4) bad(what + " has " + number(dimensions) + " dimensions; 1 to 4 are allowed");
  tensor.dimensions = static_cast<int32_t>(dimensions);
  uint64_t elements = 1;
  for (uint32_t d = 0; d < 4; d++) {
    const uint64_t extent = d < dimensions ? u64("the shape of " + what) : 1;
    if (extent == 0) bad(what + " has dimension " + number(d) + " equal to 0");
    if (extent > static_cast<uint64_t>(std::numeric_limits<int64_t>::max()) / elements) bad(what + " has more than 2^63 elements (dimension " + number(d) + " is " + number(extent) + ")");
    elements *= extent;
    tensor.shape[d] = static_cast<int64_t>(extent);
  }
  const uint32_t type = u32("the type of " + what);
  const gk_type_info *info = type < GK_TYPE_LIMIT ? gk_type_get(static_cast<int32_t>(type)) : nullptr;
  if (info == nullptr) {
    const char *known = foreign_type_name(type);
    bad(what + " has type " + (known != nullptr ? known : "number " + number(type)) + ", which is not supported; use a model in another quantization (Q4_K_M, Q8_0, F16, ...)");
  }
  tensor.type = info->type;
  const uint64_t block = static_cast<uint64_t>(info->block_size), block_bytes = static_cast<uint64_t>(info->block_bytes);
  if (static_cast<uint64_t>(tensor.shape[0]) % block != 0) bad(what + " has rows of " + number(tensor.shape[0]) + " elements; " + info->name + " needs a multiple of " + number(block));
  tensor.offset = u64("the offset of " + what);
  if (elements / block > size_ / block_bytes) bad(what + " has " + number(elements) + " elements of " + info->name + ", more than the file's " + number(size_) + " bytes: " + kTruncated);
  tensor.bytes = elements / block * block_bytes;
  if (tensor.offset % gguf_.alignment_ != 0) bad(what + " has offset " + number(tensor.offset) + ", which is not a multiple of the alignment " + number(gguf_.alignment_));
  return tensor;
}

void GgufParser::read_tensors(uint64_t count) {
  for (uint64_t i = 0; i < count; i++) {
    GgufTensor tensor = read_tensor(i);
    if (!gguf_.tensor_index_.emplace(tensor.name, i).second) bad("tensor " + quoted(tensor.name) + " occurs twice");
    gguf_.tensors_.push_back(std::move(tensor));
  }
}

// Turns offsets into the data section into places in the file.
void GgufParser::place_tensors() {
  if (gguf_.tensors_.empty()) return;
  const uint64_t alignment = gguf_.alignment_, data_begin = (at_ + alignment - 1) / alignment * alignment;      // at_ <= size_ < 2^63
  std::vector<const GgufTensor *> order;
  for (GgufTensor &tensor : gguf_.tensors_) {
    if (data_begin > size_ || tensor.offset > size_ - data_begin || tensor.bytes > size_ - data_begin - tensor.offset)
      bad("tensor " + quoted(tensor.name) + " (" + number(tensor.bytes) + " bytes at offset " + number(tensor.offset) + ") lies beyond the end of the file: " + kTruncated);
    tensor.offset += data_begin;
    tensor.data = data_ + tensor.offset;
    order.push_back(&tensor);
  }
  std::sort(order.begin(), order.end(), [](const GgufTensor *a, const GgufTensor *b) { return a->offset < b->offset; });
  for (size_t i = 1; i < order.size(); i++)
    if (order[i]->offset - order[i - 1]->offset < order[i - 1]->bytes) bad("tensors " + quoted(order[i - 1]->name) + " and " + quoted(order[i]->name) + " overlap");
}

const char *name_of(GgufType type) {
  static const char *const names[] = {"u8", "i8", "u16", "i16", "u32", "i32", "f32", "bool", "str", "arr", "u64", "i64", "f64"};
  const uint32_t index = static_cast<uint32_t>(type);
  return index < sizeof names / sizeof *names ? names[index] : "unknown";
}

std::unique_ptr<Gguf> Gguf::open(const std::string &path) {
  std::unique_ptr<Gguf> gguf(new Gguf());
  gguf->path_ = path;
  gguf->file_ = MappedFile::open(path);
  GgufParser(*gguf).parse();
  return gguf;
}

Gguf::~Gguf() = default;

uint64_t Gguf::file_bytes() const { return file_->size(); }
void Gguf::prefetch() const { file_->prefetch(); }
void Gguf::prefetch(const void *begin, uint64_t bytes) const { file_->prefetch(begin, bytes); }
void Gguf::release(const void *begin, uint64_t bytes) const { file_->release(begin, bytes); }

const GgufValue *Gguf::find(std::string_view key) const {
  const auto found = metadata_index_.find(std::string(key));
  return found == metadata_index_.end() ? nullptr : &metadata_[found->second].second;
}

const GgufTensor *Gguf::tensor(std::string_view name) const {
  const auto found = tensor_index_.find(std::string(name));
  return found == tensor_index_.end() ? nullptr : &tensors_[found->second];
}

int64_t Gguf::require_int(std::string_view key) const {
  const GgufValue *value = find(key);
  if (value == nullptr) bad_file(path_, "metadata key " + quoted(key) + " is missing");
  switch (value->type) {
    case GgufType::U8: return load<uint8_t>(value->data);
    case GgufType::I8: return load<int8_t>(value->data);
    case GgufType::U16: return load<uint16_t>(value->data);
    case GgufType::I16: return load<int16_t>(value->data);
    case GgufType::U32: return load<uint32_t>(value->data);
    case GgufType::I32: return load<int32_t>(value->data);
    case GgufType::I64: return load<int64_t>(value->data);
    case GgufType::U64: {
      const uint64_t large = load<uint64_t>(value->data);
      if (large > static_cast<uint64_t>(std::numeric_limits<int64_t>::max())) bad_file(path_, "metadata key " + quoted(key) + " is " + number(large) + ", which is too large");
      return static_cast<int64_t>(large);
    }
    default: bad_file(path_, "metadata key " + quoted(key) + " is " + describe_type(*value) + ", expected an integer");
  }
}

int64_t Gguf::get_int(std::string_view key, int64_t otherwise) const { return has(key) ? require_int(key) : otherwise; }

double Gguf::get_float(std::string_view key, double otherwise) const {
  const GgufValue *value = find(key);
  if (value == nullptr) return otherwise;
  if (value->type == GgufType::F32) return load<float>(value->data);
  if (value->type == GgufType::F64) return load<double>(value->data);
  bad_file(path_, "metadata key " + quoted(key) + " is " + describe_type(*value) + ", expected f32 or f64");
}

bool Gguf::get_bool(std::string_view key, bool otherwise) const {
  const GgufValue *value = find(key);
  if (value == nullptr) return otherwise;
  if (value->type != GgufType::Bool) bad_file(path_, "metadata key " + quoted(key) + " is " + describe_type(*value) + ", expected bool");
  return value->data[0] != 0;
}

std::string Gguf::require_string(std::string_view key) const {
  const GgufValue *value = find(key);
  if (value == nullptr) bad_file(path_, "metadata key " + quoted(key) + " is missing");
  if (value->type != GgufType::String) bad_file(path_, "metadata key " + quoted(key) + " is " + describe_type(*value) + ", expected str");
  return std::string(string_item(*value, key, 0));
}

std::string Gguf::get_string(std::string_view key, std::string_view otherwise) const { return has(key) ? require_string(key) : std::string(otherwise); }

std::string_view Gguf::string_item(const GgufValue &value, std::string_view key, uint64_t index) const {
  if (value.element != GgufType::String) bad_file(path_, "metadata key " + quoted(key) + " is " + describe_type(value) + ", expected str or an array of str");
  if (index >= value.count) throw Error{GRAFT_USAGE, printable(path_, 4096) + ": metadata key " + quoted(key) + " has " + number(value.count) + " items; there is no item " + number(index)};
  uint64_t skip = 0;
  const uint8_t *at = value.data;
  if (value.type == GgufType::Array) {
    at = file_->data() + string_offsets_[value.first_offset + index / kStringStride];
    skip = index % kStringStride;
  }
  for (const uint8_t *end = value.data + value.bytes;;) {
    // Checked when the file was opened; checked again in case someone wrote to it since.
    const uint64_t left = static_cast<uint64_t>(end - at), bytes = left < 8 ? 0 : load<uint64_t>(at);
    if (left < 8 || bytes > left - 8) bad_file(path_, "the file was changed while in use");
    if (skip-- == 0) return {reinterpret_cast<const char *>(at + 8), static_cast<size_t>(bytes)};
    at += 8 + bytes;
  }
}

}  // namespace graft
