// The writer, files that appear whole or not at all, and the JSON description.
#include <sys/resource.h>
#include <sys/stat.h>

#include <cmath>
#include <csignal>
#include <limits>
#include <thread>

#include "atomic_file.h"
#include "gguf_json.h"
#include "gguf_testing.h"
#include "gguf_writer.h"

using namespace gguf_testing;
using graft::AtomicFile;
using graft::Gguf;
using graft::GgufWriter;

namespace {

std::function<void(const GgufWriter::Sink &)> give(const std::string &bytes) {
  return [bytes](const GgufWriter::Sink &sink) {
    const size_t half = bytes.size() / 2;
    sink(bytes.data(), half);
    sink(bytes.data() + half, bytes.size() - half);
  };
}

void test_round_trip() {
  const Folder folder;
  const std::string path = folder / "a.gguf", copy = folder / "b.gguf";
  GgufWriter writer;
  writer.set_int32("int32", -5);
  writer.set_uint32("uint32", 4000000000u);
  writer.set_uint64("uint64", uint64_t{1} << 50);
  writer.set_float("float", 0.5f);
  writer.set_bool("bool", false);
  writer.set_bool("bool", true);                        // replaces
  writer.set_string("string", "a text");
  writer.set_strings("strings", {"one", "", "three"});
  writer.set_floats("floats", {1, 2.5f});
  writer.set_int32s("int32s", {-1, 7});
  std::vector<std::string> contents;
  for (int32_t type = 0; type < GK_TYPE_LIMIT; type++)
    if (const gk_type_info *info = gk_type_get(type)) {
      contents.push_back(std::string(static_cast<size_t>(3 * info->block_bytes), static_cast<char>('a' + type)));
      writer.add_tensor(info->name, info->type, {info->block_size, 3}, give(contents.back()));
    }
  writer.write(path);
  CHECK(folder.entries() == 1);
  const auto gguf = Gguf::open(path);
  CHECK(gguf->version() == 3 && gguf->alignment() == 32 && gguf->file_bytes() % 32 == 0 && gguf->metadata().size() == 9);
  CHECK(gguf->require_int("int32") == -5 && gguf->require_int("uint32") == 4000000000ll && gguf->require_int("uint64") == int64_t{1} << 50);
  CHECK(gguf->get_float("float", 0) == 0.5 && gguf->get_bool("bool", false) && gguf->require_string("string") == "a text");
  CHECK(gguf->string_item(*gguf->find("strings"), "strings", 2) == "three" && gguf->find("int32s")->count == 2 && gguf->find("floats")->bytes == 8);
  CHECK(contents.size() == 15);
  for (size_t i = 0; i < gguf->tensors().size(); i++) {
    const graft::GgufTensor &tensor = gguf->tensors()[i];
    CHECK(tensor.bytes == contents[i].size() && std::memcmp(tensor.data, contents[i].data(), contents[i].size()) == 0);
  }
  GgufWriter again;
  for (const auto &[key, value] : gguf->metadata()) again.copy(key, value);
  for (size_t i = 0; i < contents.size(); i++) {
    const graft::GgufTensor &tensor = gguf->tensors()[i];
    again.add_tensor(tensor.name, tensor.type, {tensor.shape[0], tensor.shape[1]}, give(contents[i]));
  }
  again.write(copy);
  CHECK(read_file(copy) == read_file(path));
  again.write(path);                                    // over the file that is mapped: the mapping keeps the old one
  CHECK(std::memcmp(gguf->tensors()[3].data, contents[3].data(), contents[3].size()) == 0);

  write_file(folder / "c.gguf", file({kv("general.alignment", kU32, u32(64)), kv("x", kI16, raw<int16_t>(-3)), kv("y", kArr, array(kU16, 2, "abcd"))}, {}, ""));
  const auto other = Gguf::open(folder / "c.gguf");
  GgufWriter third;
  for (const auto &[key, value] : other->metadata()) third.copy(key, value);
  third.write(copy);
  const auto copied = Gguf::open(copy);
  CHECK(copied->alignment() == 32 && copied->metadata().size() == 2 && copied->require_int("x") == -3 && copied->find("y")->count == 2);
}

void test_usage() {
  const Folder folder;
  const auto refuses = [&](const std::string &fragment, const std::string &name, gk_type type, const std::vector<int64_t> &shape, const std::string &bytes) {
    expect_error(fragment, GRAFT_USAGE, fragment, [&] {
      GgufWriter writer;
      writer.add_tensor("first", GK_F32, {1}, give("1234"));
      writer.add_tensor(name, type, shape, give(bytes));
      writer.write(folder / "x.gguf");
    });
    CHECK(folder.entries() == 0);
  };
  refuses("its name is empty", "", GK_F32, {1}, "1234");
  refuses("more than 63 bytes", std::string(64, 'n'), GK_F32, {1}, "1234");
  refuses("occurs twice", "first", GK_F32, {1}, "1234");
  refuses("type number 16", "w", static_cast<gk_type>(16), {256}, "");
  refuses("0 dimensions", "w", GK_F32, {}, "");
  refuses("5 dimensions", "w", GK_F32, {1, 1, 1, 1, 1}, "1234");
  refuses("a dimension is 0", "w", GK_F32, {0}, "");
  refuses("too many elements", "w", GK_F32, {int64_t{1} << 40, int64_t{1} << 40}, "");
  refuses("multiple of 256", "w", GK_Q6_K, {128}, "");
  refuses("0 bytes of 8 were given", "w", GK_F32, {2}, "");
  refuses("4 bytes of 8 were given", "w", GK_F32, {2}, "1234");
  refuses("more than its 8 bytes", "w", GK_F32, {2}, std::string(12, 'x'));
  expect_error("empty key", GRAFT_USAGE, "a metadata key with a name of 0 bytes", [&] {
    GgufWriter writer;
    writer.set_int32("", 1);
    writer.write(folder / "x.gguf");
  });
  // What fill throws passes through.
  expect_error("fill", GRAFT_FAILED, "from fill", [&] {
    GgufWriter writer;
    writer.add_tensor("w", GK_F32, {1}, [](const GgufWriter::Sink &) { graft::fail(GRAFT_FAILED, "from fill"); });
    writer.write(folder / "x.gguf");
  });
  CHECK(folder.entries() == 0);
}

void write_atomically(const std::string &path, const std::string &bytes) {
  AtomicFile file(path);
  file.write(bytes.data(), bytes.size());
  CHECK(file.written() == bytes.size());
  file.commit();
}

void test_atomic_file() {
  const Folder folder;
  const std::string path = folder / "file";
  write_atomically(path, "first");
  CHECK(read_file(path) == "first" && folder.entries() == 1);
  {
    AtomicFile abandoned(path);
    abandoned.write("xx", 2);
    CHECK(read_file(path) == "first" && folder.entries() == 2);
  }
  CHECK(read_file(path) == "first" && folder.entries() == 1);
  {
    AtomicFile one(path), two(path);                    // independent temporaries; the last commit wins
    one.write("one", 3);
    two.write("two", 3);
    two.commit();
    CHECK(read_file(path) == "two");
    one.commit();
  }
  CHECK(read_file(path) == "one" && folder.entries() == 1);
  std::vector<std::thread> threads;
  for (int i = 0; i < 8; i++) threads.emplace_back([&, i] { write_atomically(folder / ("t" + std::to_string(i % 2)), std::string(100000, static_cast<char>('a' + i))); });
  for (std::thread &thread : threads) thread.join();
  CHECK(folder.entries() == 3 && read_file(folder / "t1").size() == 100000);
  const std::string long_name = folder / std::string(250, 'n');
  write_atomically(long_name, "long");
  CHECK(read_file(long_name) == "long");
  CHECK(::symlink("file", (folder / "link").c_str()) == 0 && ::symlink("nowhere", (folder / "dangling").c_str()) == 0 && ::symlink("/dev/full", (folder / "full").c_str()) == 0);
  write_atomically(folder / "link", "through");
  CHECK(read_file(path) == "through" && ::readlink((folder / "link").c_str(), std::string(100, ' ').data(), 100) == 4);
  const int before = folder.entries();
  const auto refuses = [&](const std::string &where, const std::string &fragment) {
    expect_error(where, GRAFT_IO, fragment, [&] { write_atomically(where, "x"); });
    CHECK(folder.entries() == before);
  };
  refuses(folder / "file/below", "Not a directory");
  refuses(folder / "missing/x", "cannot create a file in this folder: No such file");
  refuses(folder / "", "cannot write: it exists and is not a regular file");
  refuses(folder / "dangling", "leads nowhere");
  refuses(folder / "full", "not a regular file");
  refuses("/dev/null", "not a regular file");
  refuses("/tmp", "not a regular file");
  refuses("", "not the name of a file");
  refuses("/proc/graft-test.gguf", "/proc/graft-test.gguf: cannot create a file in this folder");
}

// A full disk, played by a limit on the size of a file: the same failing write, another errno.
void test_full_disk() {
  const Folder folder;
  write_file(folder / "model.gguf", "old");
  std::signal(SIGXFSZ, SIG_IGN);
  rlimit before;
  CHECK(::getrlimit(RLIMIT_FSIZE, &before) == 0);
  for (const rlim_t limit : {rlim_t{0}, rlim_t{1000}, rlim_t{1} << 18, rlim_t{1} << 20}) {
    rlimit small = before;
    small.rlim_cur = limit;
    CHECK(::setrlimit(RLIMIT_FSIZE, &small) == 0);
    expect_error("full disk", GRAFT_IO, "model.gguf: cannot write: File too large", [&] {
      GgufWriter writer;
      writer.add_tensor("w", GK_F32, {1 << 20}, give(std::string(4 << 20, 'w')));
      writer.write(folder / "model.gguf");
    });
    if (limit < 1000)
      expect_error("full disk at the end", GRAFT_IO, "File too large", [&] { write_atomically(folder / "model.gguf", "few bytes, still in the buffer at commit"); });
    CHECK(::setrlimit(RLIMIT_FSIZE, &before) == 0);
    CHECK(folder.entries() == 1 && read_file(folder / "model.gguf") == "old");
  }
}

std::string described(const Folder &folder, const std::vector<std::string> &keys, const std::vector<std::string> &tensors, int32_t max_items) {
  write_file(folder / "j.gguf", file(keys, tensors, tensors.empty() ? "" : std::string(66, 'd')));
  return graft::describe_json(*Gguf::open(folder / "j.gguf"), max_items);
}

void test_json() {
  const Folder folder;
  const auto expect = [&](const std::string &key, const std::string &json, int32_t max_items = -1) {
    const std::string whole = described(folder, {key}, {}, max_items);
    const bool found = whole.find("\"metadata\":[" + json + "],\"tensors\":[]}") != std::string::npos;
    CHECK(found);
    if (!found) std::printf("  wanted %s\n  got    %s\n", json.c_str(), whole.c_str());
  };
  const float infinity = std::numeric_limits<float>::infinity();
  expect(kv("k", kU8, raw<uint8_t>(255)), R"({"key":"k","type":"u8","value":255})");
  expect(kv("k", kI8, raw<int8_t>(-128)), R"({"key":"k","type":"i8","value":-128})");
  expect(kv("k", kU64, u64(~0ull)), R"({"key":"k","type":"u64","value":18446744073709551615})");
  expect(kv("k", kI64, u64(1ull << 63)), R"({"key":"k","type":"i64","value":-9223372036854775808})");
  expect(kv("k", kF32, raw(1e-5f)), R"({"key":"k","type":"f32","value":1e-05})");
  expect(kv("k", kF64, raw(0.1)), R"({"key":"k","type":"f64","value":0.1})");
  expect(kv("k", kBool, raw<uint8_t>(1)), R"({"key":"k","type":"bool","value":true})");
  expect(kv("k", kArr, array(kF32, 4, raw(NAN) + raw(infinity) + raw(-infinity) + raw(-0.0f))), R"({"key":"k","type":"arr","value":{"array":"f32","count":4,"items":["NaN","Infinity","-Infinity",-0]}})");
  expect(kv("k", kF64, raw<double>(NAN)), R"({"key":"k","type":"f64","value":"NaN"})");
  expect(kv("k", kArr, array(kI32, 3, u32(1) + u32(2) + u32(3))), R"({"key":"k","type":"arr","value":{"array":"i32","count":3,"items":[1,2]}})", 2);
  expect(kv("k", kArr, array(kI32, 3, u32(1) + u32(2) + u32(3))), R"({"key":"k","type":"arr","value":{"array":"i32","count":3,"items":[]}})", 0);
  expect(kv("k", kArr, array(kStr, 2, str("a") + str("b"))), R"({"key":"k","type":"arr","value":{"array":"str","count":2,"items":["a","b"]}})", 9);
  expect(kv("k", kArr, array(kStr, 3, str("") + str("") + str("b"))), R"({"key":"k","type":"arr","value":{"array":"str","count":3,"items":["","","b"]}})");
  expect(kv("k", kStr, str("q\" b\\ n\n t\t z\x01 d\x7f")), R"({"key":"k","type":"str","value":"q\" b\\ n\n t\u0009 z\u0001 d\u007f"})");
  expect(kv("k", kStr, str(std::string("\0", 1))), R"({"key":"k","type":"str","value":"\u0000"})");
  // Well-formed text of 2, 3 and 4 bytes stays; overlong forms, surrogates, lone and missing continuation bytes do not.
  expect(kv("k", kStr, str("\xc3\xa9\xe2\x82\xac\xf0\x9f\x98\x80")), "{\"key\":\"k\",\"type\":\"str\",\"value\":\"\xc3\xa9\xe2\x82\xac\xf0\x9f\x98\x80\"}");
  const std::string r = "\xef\xbf\xbd";
  expect(kv("k", kStr, str("a\xff" "b\x80")), R"({"key":"k","type":"str","value":"a)" + r + "b" + r + "\"}");
  expect(kv("k", kStr, str("\xc0\x80")), R"({"key":"k","type":"str","value":")" + r + r + "\"}");
  expect(kv("k", kStr, str("\xed\xa0\x80")), R"({"key":"k","type":"str","value":")" + r + r + r + "\"}");
  expect(kv("k", kStr, str("\xf4\x90\x80\x80")), R"({"key":"k","type":"str","value":")" + r + r + r + r + "\"}");
  expect(kv("k", kStr, str("\xe2\x82")), R"({"key":"k","type":"str","value":")" + r + r + "\"}");
  expect(kv("k\xff", kU8, "a"), R"({"key":"k)" + r + R"(","type":"u8","value":97})");
  const std::string whole = described(folder, {}, {tensor("w\"", {4, 2}, GK_F32, 0), tensor("v", {32}, GK_Q8_0, 32)}, -1);
  CHECK(whole.substr(0, 60) == R"({"version":3,"alignment":32,"file_bytes":194,"parameters":40)");
  CHECK(whole.find(R"("metadata":[],"tensors":[{"name":"w\"","type":"f32","shape":[4,2],"bytes":32,"offset":128},{"name":"v","type":"q8_0","shape":[32],"bytes":34,"offset":160}]})") != std::string::npos);
}

}  // namespace

int main() {
  run("test_round_trip", test_round_trip);
  run("test_usage", test_usage);
  run("test_atomic_file", test_atomic_file);
  run("test_full_disk", test_full_disk);
  run("test_json", test_json);
  return finish("test_gguf_writer");
}
