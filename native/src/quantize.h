// Writes a GGUF again with other weight types, tensor by tensor, in bounded memory.
#pragma once
#include <memory>
#include <string>
#include <vector>

#include "atomic_file.h"
#include "gguf.h"
#include "importance.h"
#include "runtime.h"
#include "type_mix.h"

namespace graft {

struct QuantizeOptions {
  std::string type;                 // see TypeMix::of_file
  std::string output_type;          // of output.weight (or the embedding that serves as one); empty: the mix's choice
  std::string embedding_type;       // of token_embd.weight
  bool pure = false;
  std::shared_ptr<const Importance> importance;   // NULL: none
};

// The result equals llama-quantize's byte for byte: the order of tensors (by layer, then name) and of metadata, types and blocks.
class Quantizer {
 public:
  // Plans and checks; writes nothing yet. The file must outlive this. Throws GRAFT_USAGE (a type's name, importance of another shape),
  // GRAFT_BAD_FILE (one part of several, no matrix in it).
  Quantizer(Runtime &runtime, const Gguf &file, const std::string &path, const QuantizeOptions &options);

  // Works on for about a tenth of a second to a second; true when all is written and the file stands under its name. Throws GRAFT_IO,
  // GRAFT_BAD_FILE (a NaN or infinity in a tensor, which is named) or GRAFT_NOT_FINITE (values that its new type cannot hold) after removing what was written.
  bool step();
  // Bytes of source tensors done, and in all.
  uint64_t done_bytes() const { return done_; }
  uint64_t total_bytes() const { return total_; }
  // See graft_quantizer_describe.
  std::string describe_json() const;

 private:
  struct Item {
    const GgufTensor *tensor;
    gk_type to;
    gk_type wanted;                      // before the fallback
    const std::vector<float> *importance;
    uint64_t bytes;
  };
  void plan();
  void plan_tensor(const GgufTensor &tensor, const TypeMix &mix, const MixModel &model);
  void begin();
  void copy(const Item &item);
  void convert(const Item &item);
  [[noreturn]] void refuse_row(const Item &item, int64_t row) const;

  Runtime &runtime_;
  const Gguf &file_;
  std::string path_;
  QuantizeOptions options_;
  uint32_t file_type_ = 0;
  std::vector<Item> items_;
  std::unique_ptr<AtomicFile> out_;
  size_t item_ = 0;
  int64_t row_ = 0;                      // of the item; a copied one counts bytes
  uint64_t done_ = 0, total_ = 0;
  std::vector<uint8_t> blocks_;
  bool finished_ = false;
};

}  // namespace graft
