// The reader: every value and tensor type of a valid file, and a catalogue of damaged and hostile ones, each with what it must say.
#include <sys/stat.h>

#include <cmath>
#include <limits>

#include "gguf_testing.h"

using namespace gguf_testing;
using graft::Error;
using graft::Gguf;
using graft::GgufType;
using graft::GgufValue;

namespace {

const Folder folder;

std::unique_ptr<Gguf> open_bytes(const std::string &bytes) {
  const std::string path = folder / "model.gguf";
  write_file(path, bytes);
  return Gguf::open(path);
}

void refuses(const std::string &name, const std::string &bytes, const std::string &fragment) {
  expect_error(name, GRAFT_BAD_FILE, fragment, [&] { open_bytes(bytes); });
}

const std::vector<std::string> kAllKeys = {
    kv("a.u8", kU8, raw<uint8_t>(200)), kv("a.i8", kI8, raw<int8_t>(-5)), kv("a.u16", kU16, raw<uint16_t>(60000)), kv("a.i16", kI16, raw<int16_t>(-300)),
    kv("a.u32", kU32, u32(4000000000u)), kv("a.i32", kI32, raw<int32_t>(-7)), kv("a.f32", kF32, raw(0.5f)), kv("a.true", kBool, raw<uint8_t>(1)),
    kv("a.false", kBool, raw<uint8_t>(0)), kv("a.str", kStr, str("text")), kv("a.u64", kU64, u64(1ull << 40)), kv("a.i64", kI64, raw<int64_t>(-(1ll << 40))),
    kv("a.f64", kF64, raw(0.25)), kv("a.huge", kU64, u64(~0ull)), kv("b.ints", kArr, array(kI32, 3, u32(1) + u32(2) + u32(3))),
    kv("b.none", kArr, array(kStr, 0, "")), kv("b.bools", kArr, array(kBool, 2, std::string("\1\0", 2))), kv("a.empty", kStr, str(""))};

void test_values(uint32_t version) {
  std::string items;
  for (int i = 0; i < 100; i++) items += str(std::string(static_cast<size_t>(i), 'x'));
  std::vector<std::string> keys = kAllKeys;
  keys.push_back(kv("b.strings", kArr, array(kStr, 100, items)));
  const auto gguf = open_bytes(file(keys, {}, "", version));
  CHECK(gguf->version() == version && gguf->alignment() == 32 && gguf->metadata().size() == keys.size() && gguf->tensors().empty());
  CHECK(gguf->require_int("a.u8") == 200 && gguf->require_int("a.i8") == -5 && gguf->require_int("a.u16") == 60000 && gguf->require_int("a.i16") == -300);
  CHECK(gguf->require_int("a.u32") == 4000000000ll && gguf->require_int("a.i32") == -7 && gguf->require_int("a.u64") == 1ll << 40 && gguf->require_int("a.i64") == -(1ll << 40));
  CHECK(gguf->get_float("a.f32", 0) == 0.5 && gguf->get_float("a.f64", 0) == 0.25 && gguf->get_float("none", 7) == 7);
  CHECK(gguf->get_bool("a.true", false) && !gguf->get_bool("a.false", true) && gguf->get_bool("none", true));
  CHECK(gguf->require_string("a.str") == "text" && gguf->require_string("a.empty").empty() && gguf->get_string("none", "other") == "other");
  CHECK(gguf->get_int("none", -1) == -1 && !gguf->has("none") && gguf->find("a.u8")->count == 1);
  const GgufValue &ints = *gguf->find("b.ints"), &strings = *gguf->find("b.strings");
  CHECK(ints.type == GgufType::Array && ints.element == GgufType::I32 && ints.count == 3 && ints.bytes == 12 && std::memcmp(ints.data, "\1\0\0\0\2", 5) == 0);
  CHECK(strings.count == 100 && strings.bytes == items.size());
  bool same = true;
  for (uint64_t i = 0; i < 100; i++) same = same && gguf->string_item(strings, "b.strings", 99 - i) == std::string(static_cast<size_t>(99 - i), 'x');
  CHECK(same);
  expect_error("absent", GRAFT_BAD_FILE, "model.gguf: metadata key 'none' is missing", [&] { gguf->require_int("none"); });
  expect_error("int of string", GRAFT_BAD_FILE, "'a.str' is str, expected an integer", [&] { gguf->require_int("a.str"); });
  expect_error("int of array", GRAFT_BAD_FILE, "'b.ints' is an array of i32, expected an integer", [&] { gguf->get_int("b.ints", 0); });
  expect_error("too large", GRAFT_BAD_FILE, "'a.huge' is 18446744073709551615, which is too large", [&] { gguf->require_int("a.huge"); });
  expect_error("int of bool", GRAFT_BAD_FILE, "is bool, expected an integer", [&] { gguf->require_int("a.true"); });
  expect_error("float of int", GRAFT_BAD_FILE, "is u8, expected f32 or f64", [&] { gguf->get_float("a.u8", 0); });
  expect_error("bool of int", GRAFT_BAD_FILE, "is u8, expected bool", [&] { gguf->get_bool("a.u8", false); });
  expect_error("string of int", GRAFT_BAD_FILE, "is u8, expected str", [&] { gguf->require_string("a.u8"); });
  expect_error("string of array", GRAFT_BAD_FILE, "is an array of str, expected str", [&] { gguf->require_string("b.strings"); });
  expect_error("item of ints", GRAFT_BAD_FILE, "expected str or an array of str", [&] { gguf->string_item(ints, "b.ints", 0); });
  expect_error("item beyond", GRAFT_USAGE, "there is no item 100", [&] { gguf->string_item(strings, "b.strings", 100); });
  expect_error("item of none", GRAFT_USAGE, "there is no item 0", [&] { gguf->string_item(*gguf->find("b.none"), "b.none", 0); });
}

void test_tensors() {
  for (int32_t type = 0; type < GK_TYPE_LIMIT; type++) {
    const gk_type_info *info = gk_type_get(type);
    if (info == nullptr) {
      refuses("type " + std::to_string(type), file({}, {tensor("w", {256}, static_cast<uint32_t>(type), 0)}, std::string(4096, 'x')), "'w' has type ");
      continue;
    }
    const uint64_t row = static_cast<uint64_t>(info->block_size) * 2, bytes = static_cast<uint64_t>(info->block_bytes) * 6;
    const std::string data(bytes, 'w');
    const auto gguf = open_bytes(file({}, {tensor("w", {row, 3}, static_cast<uint32_t>(type), 0)}, data, type % 2 ? 2 : 3));
    const graft::GgufTensor *w = gguf->tensor("w");
    CHECK(w != nullptr && w->type == type && w->bytes == bytes && w->dimensions == 2 && w->elements() == static_cast<int64_t>(row) * 3 && w->shape[2] == 1 && w->shape[3] == 1);
    CHECK(w != nullptr && std::memcmp(w->data, data.data(), bytes) == 0 && w->offset % 32 == 0 && w->offset + w->bytes == gguf->file_bytes());
    CHECK(gguf->tensor("v") == nullptr);
    gguf->prefetch();
    refuses(std::string(info->name) + " cut", file({}, {tensor("w", {row, 3}, static_cast<uint32_t>(type), 0)}, data.substr(1)), "lies beyond the end of the file");
    if (info->block_size > 1) refuses(std::string(info->name) + " row", file({}, {tensor("w", {row + 1, 3}, static_cast<uint32_t>(type), 0)}, data + data), "'w' has rows of");
  }
  // Gaps, any order, trailing bytes, a larger alignment.
  const auto gguf = open_bytes(file({kv("general.alignment", kU32, u32(64))}, {tensor("b", {4}, GK_F32, 128), tensor("a", {4}, GK_F32, 0)}, std::string(500, 'z'), 3, 64));
  CHECK(gguf->alignment() == 64 && gguf->tensor("a")->offset % 64 == 0 && gguf->tensor("b")->offset == gguf->tensor("a")->offset + 128);
}

void test_not_gguf() {
  refuses("empty", "", "the file is empty");
  refuses("safetensors", u64(20) + "{\"a\":{}}                    ", "is a safetensors file");
  refuses("zip", std::string("PK\3\4rest of it", 14), "is a zip archive");
  refuses("pickle", "\x80\x02}q\x01.", "is a Python pickle");
  refuses("ggjt", "tjgg\3\0\0\0", "is a GGML file from before GGUF");
  refuses("lfs", "version https://git-lfs.github.com/spec/v1\n", "git lfs pull");
  refuses("html", "<!DOCTYPE html><html>", "is a web page");
  refuses("gzip", "\x1f\x8b\x08\x08", "gzip");
  refuses("text", "hello", "is not a GGUF file (it begins with the bytes 68 65 6c 6c");
  refuses("magic only", "GGUF", "ends inside the version");
  refuses("half a magic", "GG", "ends inside the magic number");
  for (const uint32_t version : {0u, 1u, 4u, 99u, 0xffffffffu}) refuses("version", file({}, {}, "", version), "has GGUF version " + std::to_string(version));
  refuses("big-endian", std::string("GGUF\0\0\0\3\0\0\0\0\0\0\0\1", 16), "is a big-endian GGUF (version word 0x03000000)");
  expect_error("missing", GRAFT_BAD_FILE, "No such file", [&] { Gguf::open(folder / "missing.gguf"); });
  expect_error("folder", GRAFT_BAD_FILE, "is a folder", [&] { Gguf::open("/tmp"); });
  expect_error("device", GRAFT_BAD_FILE, "is not a regular file", [&] { Gguf::open("/dev/zero"); });
  expect_error("below a file", GRAFT_BAD_FILE, "Not a directory", [&] { Gguf::open(folder / "model.gguf/x"); });
  CHECK(::mkfifo((folder / "pipe").c_str(), 0600) == 0);
  expect_error("pipe", GRAFT_BAD_FILE, "is not a regular file", [&] { Gguf::open(folder / "pipe"); });
  expect_error("empty name", GRAFT_BAD_FILE, "cannot open", [&] { Gguf::open(""); });
}

void test_hostile_metadata() {
  const auto counts = [](uint64_t tensors, uint64_t keys) { return "GGUF" + u32(3) + u64(tensors) + u64(keys) + std::string(200, '\1'); };
  for (const uint64_t many : {uint64_t{100}, uint64_t{1} << 32, uint64_t{1} << 60, (uint64_t{1} << 63) - 1, uint64_t{1} << 63, ~uint64_t{0}}) {
    refuses("n_kv", counts(0, many), "claims " + std::to_string(many) + " metadata keys");
    refuses("n_tensors", counts(many, 0), "claims " + std::to_string(many) + " tensors");
    refuses("key length", "GGUF" + u32(3) + u64(0) + u64(1) + u64(many) + std::string(40, 'k'), "claims " + std::to_string(many) + " bytes");
    refuses("string length", file({kv("s", kStr, u64(many) + "abc")}, {}, ""), "the text of metadata key 's' claims");
    refuses("item length", file({kv("s", kArr, array(kStr, 2, str("a") + u64(many) + "abc"))}, {}, ""), "item 1 of array 's' claims");
    for (uint32_t type = 0; type <= kF64; type++)
      if (type != kArr) refuses("count", file({kv("x", kArr, array(type, many, std::string(40, '\0')))}, {}, ""), "array 'x' claims " + std::to_string(many) + " items");
  }
  refuses("item cut in its length", file({kv("s", kArr, array(kStr, 2, str("abcdefgh") + "1234567"))}, {}, ""), "inside the length of item 1 of array 's'");
  refuses("nested", file({kv("x", kArr, array(kArr, 1, array(kU8, 1, "a")))}, {}, ""), "nested arrays");
  refuses("value type", file({kv("x", 13, u32(0))}, {}, ""), "'x' has the unknown value type 13");
  refuses("element type", file({kv("x", kArr, array(77, 1, u32(0)))}, {}, ""), "'x' has the unknown element type 77");
  refuses("bool 2", file({kv("x", kBool, "\2")}, {}, ""), "has a bool of value 2");
  refuses("bool in array", file({kv("x", kArr, array(kBool, 2, "\1\xff"))}, {}, ""), "has a bool of value 255");
  refuses("empty key", file({kv("", kU8, "a")}, {}, ""), "metadata key 0 has an empty name");
  refuses("long key", file({kv(std::string(65536, 'k'), kU8, "a")}, {}, ""), "has 65536 bytes");
  refuses("double key", file({kv("x", kU8, "a"), kv("x", kU8, "a")}, {}, ""), "metadata key 'x' occurs twice");
  refuses("a key on two lines", file({kv("x\n\x01\xff", kU8, "a"), kv("x\n\x01\xff", kU8, "a")}, {}, ""), "'x\\x0a\\x01\\xff' occurs twice");
  refuses("split", file({kv("split.count", kU16, raw<uint16_t>(3)), kv("split.no", kU16, raw<uint16_t>(1))}, {}, ""), "part 2 of 3 of a split model; merge the parts first: llama-gguf-split --merge");
  refuses("split count", file({kv("split.count", kStr, str("3"))}, {}, ""), "'split.count' is str, expected an integer");
  CHECK(open_bytes(file({kv("split.count", kU16, raw<uint16_t>(1))}, {}, ""))->has("split.count"));
  for (const uint32_t type : {kU64, kI32, kU8, kF32, kStr}) refuses("alignment type", file({kv("general.alignment", type, u64(0))}, {}, ""), "'general.alignment' is");
  for (const uint32_t value : {0u, 1u, 4u, 12u, 33u, 1u << 21, 1u << 31, 0xffffffffu})
    refuses("alignment", file({kv("general.alignment", kU32, u32(value))}, {}, ""), "general.alignment is " + std::to_string(value) + ";");
}

void test_hostile_tensors() {
  const std::string data(256, 'd');
  const auto one = [&](const std::vector<uint64_t> &shape, uint32_t type, uint64_t offset) { return file({}, {tensor("w", shape, type, offset)}, data); };
  const uint64_t large = uint64_t{1} << 62;
  refuses("name", file({}, {tensor("", {4}, 0, 0)}, data), "tensor 0 has an empty name");
  refuses("long name", file({}, {tensor(std::string(64, 'n'), {4}, 0, 0)}, data), "has a name of 64 bytes");
  CHECK(open_bytes(file({}, {tensor(std::string(63, 'n'), {4}, 0, 0)}, data))->tensors().size() == 1);
  refuses("double", file({}, {tensor("w", {4}, 0, 0), tensor("w", {4}, 0, 32)}, data), "tensor 'w' occurs twice");
  refuses("no dimension", one({}, 0, 0), "'w' has 0 dimensions");
  refuses("five dimensions", one({1, 1, 1, 1, 1}, 0, 0), "'w' has 5 dimensions");
  refuses("many dimensions", "GGUF" + u32(3) + u64(1) + u64(0) + str("w") + u32(0xffffffff) + std::string(200, '\1'), "'w' has 4294967295 dimensions");
  for (size_t d = 0; d < 4; d++) {
    std::vector<uint64_t> shape = {4, 1, 1, 1};
    shape[d] = 0;
    refuses("zero", one(shape, 0, 0), "has dimension " + std::to_string(d) + " equal to 0");
    shape[d] = ~uint64_t{0};
    refuses("negative", one(shape, 0, 0), "has more than 2^63 elements");
  }
  refuses("product", one({large, 4}, 0, 0), "has more than 2^63 elements");
  refuses("product of four", one({1u << 31, 1u << 31, 1u << 31, 1u << 31}, 0, 0), "has more than 2^63 elements");
  refuses("bytes overflow", one({large}, 0, 0), "more than the file's");
  refuses("dims beyond the data", one({65}, 0, 0), "lies beyond the end of the file");
  refuses("row", one({33}, GK_Q4_0, 0), "has rows of 33 elements; q4_0 needs a multiple of 32");
  refuses("IQ2_XXS", one({256}, 16, 0), "has type IQ2_XXS, which is not supported");
  refuses("MXFP4", one({32}, 39, 0), "has type MXFP4");
  refuses("type 63", one({4}, 63, 0), "has type number 63");
  refuses("type beyond", one({4}, 0xffffffff, 0), "has type number 4294967295");
  refuses("unaligned", one({4}, 0, 4), "offset 4, which is not a multiple of the alignment 32");
  refuses("offset", one({4}, 0, 256), "lies beyond the end of the file");
  refuses("offset overflow", one({4}, 0, ~uint64_t{31}), "lies beyond the end of the file");
  refuses("offset overflow 2", one({64}, 0, (uint64_t{1} << 63)), "lies beyond the end of the file");
  refuses("overlap", file({}, {tensor("a", {16}, 0, 0), tensor("b", {4}, 0, 32)}, data), "tensors 'a' and 'b' overlap");
  refuses("same place", file({}, {tensor("a", {4}, 0, 32), tensor("b", {4}, 0, 32)}, data), "overlap");
  refuses("no data at all", file({}, {tensor("a", {4}, 0, 0)}, ""), "lies beyond the end of the file");
}

// Every prefix of a valid file is refused, with a sentence that speaks of the end of the file.
void test_truncation() {
  const std::string whole = file(kAllKeys, {tensor("a", {4, 2}, GK_F32, 0), tensor("b", {32}, GK_Q4_0, 32)}, std::string(50, 'd'));
  CHECK(open_bytes(whole)->tensors().size() == 2);
  for (size_t length = 0; length < whole.size(); length++) {
    const std::string path = folder / "cut.gguf";
    write_file(path, whole.substr(0, length));
    std::string said;
    try {
      Gguf::open(path);
    } catch (const Error &error) {
      if (error.status == GRAFT_BAD_FILE) said = error.message;
    }
    const bool clear = said.find("truncated") != std::string::npos || length == 0;
    CHECK(!said.empty() && clear);
    if (said.empty() || !clear) std::printf("  cut at %zu: '%s'\n", length, said.c_str());
  }
}

}  // namespace

int main() {
  run("test_values", [] { test_values(2); });
  run("test_values", [] { test_values(3); });
  run("test_tensors", test_tensors);
  run("test_not_gguf", test_not_gguf);
  run("test_hostile_metadata", test_hostile_metadata);
  run("test_hostile_tensors", test_hostile_tensors);
  run("test_truncation", test_truncation);
  return finish("test_gguf_reader");
}
