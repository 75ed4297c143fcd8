// Importance matrices: for each weight, the mean square of every column of its input over some text. Quantization weighs errors by them.
//
// Two formats of llama.cpp: the binary one of b4916 (.dat) and the GGUF of later versions (general.type "imatrix"; <name>.in_sum2, <name>.counts).
#pragma once
#include <cstdint>
#include <map>
#include <string>
#include <vector>

#include "block.h"

namespace graft {

class Importance {
 public:
  Importance() = default;
  // Either format, told by the first bytes. Throws GRAFT_BAD_FILE: damaged, values that are negative or not finite, a name twice.
  static Importance open(const std::string &path);
  // By the name: ".dat" the old format, else GGUF. source: what it was computed from. Throws GRAFT_IO, GRAFT_USAGE when it is empty.
  void save(const std::string &path, const std::string &source) const;

  // Adds the squares of x [rows,k] (device memory) to a weight's columns.
  void add(const Model &model, const std::string &weight, gk_act x, int64_t rows, int64_t k);
  // One more batch of text was seen, of so many tokens.
  void count_batch(int64_t tokens);

  bool empty() const { return entries_.empty(); }
  bool has(const std::string &weight) const { return entries_.count(weight) != 0; }
  // Mean squares; those of a weight with experts lie behind one another. NULL when there are none.
  const std::vector<float> *means(const std::string &weight) const;
  // {"batches","tokens","entries":[{"name","columns","tokens","mean","largest"}]}
  std::string describe_json() const;

 private:
  struct Entry {
    std::vector<double> sums;    // while it is collected
    int64_t tokens = 0;
    mutable std::vector<float> means;
  };
  static Importance read_dat(const std::string &path);
  static Importance read_gguf(const std::string &path);
  void write_dat(const std::string &path, const std::string &source) const;
  void write_gguf(const std::string &path, const std::string &source) const;

  std::map<std::string, Entry> entries_;
  int64_t batches_ = 0, tokens_ = 0;
};

}  // namespace graft
