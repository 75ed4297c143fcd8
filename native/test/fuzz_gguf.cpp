// fuzz_gguf MUTATIONS SEED: damages small valid files at random and opens them. Each must open or be refused with a message; what opens is described,
// every string and tensor byte read, its tokenizer checked. Meant for a build with -fsanitize=address,undefined; it finds little without.
#include <exception>

#include "gguf_json.h"
#include "gguf_testing.h"
#include "random_model.h"
#include "tokenizer_file.h"

using namespace gguf_testing;
using graft::Error;
using graft::Gguf;

namespace {

struct Random {
  uint64_t state;
  uint64_t next() {                                     // xorshift64* (Vigna 2016)
    state ^= state >> 12;
    state ^= state << 25;
    state ^= state >> 27;
    return state * 2685821657736338717u;
  }
  uint64_t below(uint64_t n) { return (next() >> 16) % n; }
};

std::vector<std::string> seeds(const Folder &folder) {
  const std::string strings = str("<unk>") + str("<s>") + str("a"), scores = raw(0.0f) + raw(-1.0f) + raw(-2.0f), types = u32(2) + u32(3) + u32(1);
  std::vector<std::string> files = {
      file({kv("a", kU8, "x"), kv("b", kStr, str("text")), kv("c", kArr, array(kBool, 2, "\1\1")), kv("d", kF64, raw(0.5)), kv("general.alignment", kU32, u32(32))},
           {tensor("a", {4, 2}, GK_F32, 0), tensor("b", {32}, GK_Q4_0, 32), tensor("c", {256, 1, 1, 1}, GK_Q6_K, 64)}, std::string(300, 'd')),
      file({kv("tokenizer.ggml.model", kStr, str("llama")), kv("tokenizer.ggml.tokens", kArr, array(kStr, 3, strings)), kv("tokenizer.ggml.scores", kArr, array(kF32, 3, scores)),
            kv("tokenizer.ggml.token_type", kArr, array(kI32, 3, types)), kv("tokenizer.ggml.bos_token_id", kU32, u32(1)), kv("split.count", kU16, raw<uint16_t>(1))},
           {}, "", 2)};
  graft::RandomModelSpec spec;
  spec.width = 32, spec.feed_forward = 32, spec.vocabulary_size = 264, spec.architecture = "qwen3", spec.mix = "Q8_0";
  graft::write_random_model(folder / "model.gguf", spec);
  files.push_back(read_file(folder / "model.gguf"));
  return files;
}

// One to four changes: a bit, a byte, an interesting number in 4 or 8 bytes, a removed or a doubled piece, a cut.
std::string mutate(std::string bytes, Random &random) {
  static const uint64_t numbers[] = {0, 1, 2, 0x7f, 0x80, 0xff, 0x7fff, 0xffff, 1ull << 31, 0x7fffffff, 0xffffffff, 1ull << 32, 1ull << 61, 1ull << 62, (1ull << 63) - 1, 1ull << 63, ~0ull, ~0ull - 31};
  // Headers are where it hurts: most changes go to the first 600 bytes.
  for (uint64_t changes = 1 + random.below(4); changes > 0 && bytes.size() > 16; changes--) {
    const uint64_t reach = random.below(4) != 0 && bytes.size() > 600 ? 600 : bytes.size();
    const size_t at = static_cast<size_t>(random.below(reach));
    const uint64_t number = numbers[random.below(sizeof numbers / sizeof *numbers)];
    switch (random.below(7)) {
      case 0: bytes[at] = static_cast<char>(bytes[at] ^ (1 << random.below(8))); break;
      case 1: bytes[at] = static_cast<char>(random.next() >> 40); break;
      case 2: if (at + 4 <= bytes.size()) std::memcpy(&bytes[at], &number, 4); break;
      case 3: case 4: if (at + 8 <= bytes.size()) std::memcpy(&bytes[at], &number, 8); break;
      case 5: bytes.erase(at, static_cast<size_t>(1 + random.below(16))); break;
      default:
        if (random.below(3) == 0) bytes.resize(at);
        else bytes.insert(at, bytes.substr(static_cast<size_t>(random.below(bytes.size())), static_cast<size_t>(1 + random.below(16))));
    }
  }
  return bytes;
}

volatile unsigned char sum;

// Reads everything that an open file offers.
void use(const Gguf &gguf) {
  CHECK(!graft::describe_json(gguf, -1).empty());
  for (const auto &[key, value] : gguf.metadata()) {
    for (uint64_t i = 0; i < value.bytes; i++) sum = static_cast<unsigned char>(sum + value.data[i]);
    if (value.element == graft::GgufType::String && value.count > 0) CHECK(gguf.string_item(value, key, value.count - 1).size() <= value.bytes);
  }
  for (const graft::GgufTensor &tensor : gguf.tensors())
    for (uint64_t i = 0; i < tensor.bytes; i++) sum = static_cast<unsigned char>(sum + static_cast<const uint8_t *>(tensor.data)[i]);
  graft::check_tokenizer(gguf);
}

}  // namespace

int main(int argc, char **argv) {
  const uint64_t mutations = argc > 1 ? std::strtoull(argv[1], nullptr, 10) : 20000, seed = argc > 2 ? std::strtoull(argv[2], nullptr, 10) : 1;
  const Folder folder;
  const std::vector<std::string> files = seeds(folder);
  const std::string path = folder / "mutant.gguf";
  Random random{seed * 0x9e3779b97f4a7c15u + 1};
  uint64_t opened = 0, tokenizers = 0;
  for (uint64_t i = 0; i < mutations; i++) {
    const std::string bytes = mutate(files[i % files.size()], random);
    write_file(path, bytes);
    try {
      const auto gguf = Gguf::open(path);
      opened++;
      use(*gguf);
      tokenizers++;
    } catch (const Error &error) {
      const bool sane = error.status == GRAFT_BAD_FILE && error.message.size() > 10 && error.message.find('\n') == std::string::npos;
      CHECK(sane);
      if (!sane) std::printf("  mutation %llu: status %d '%s'\n", static_cast<unsigned long long>(i), error.status, error.message.c_str());
    } catch (const std::exception &error) {
      CHECK(!"only graft::Error may be thrown");
      std::printf("  mutation %llu: %s\n", static_cast<unsigned long long>(i), error.what());
    }
  }
  std::printf("%llu mutants, %llu opened, %llu with a good tokenizer\n", static_cast<unsigned long long>(mutations), static_cast<unsigned long long>(opened), static_cast<unsigned long long>(tokenizers));
  CHECK(opened > mutations / 50 && opened < mutations);
  return finish("fuzz_gguf");
}
